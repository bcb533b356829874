"""What a step says of the lines that may go: its goal, and definitions whose loss was said before.

Invariant: a pure function of the terms, path and bytes; without a goal nothing is held back.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hybridcode.patch.described import is_described, is_itself_meant
from hybridcode.repo.symbols import Symbol, outline


@dataclass(frozen=True)
class Terms:
    """On which terms an answer may take lines away."""

    goal: str | None = None
    is_itself: bool = False
    """The goal is of nothing but the target, a definition."""
    may_go: frozenset[str] = frozenset()
    """Dotted names of definitions that the answer before left out and that no other file names."""

    def lets_go(self, path: str, before: bytes, rest: bytes, name: str) -> bool:
        """A definition of `before` is left out once more, the goal describes it as what goes, and nothing in `rest`
        holds its name."""
        if self.goal is None or name not in self.may_go:
            return False
        bare = name.rpartition(".")[2].encode()
        if re.search(rb"(?<!\w)" + re.escape(bare) + rb"(?!\w)", rest):
            return False
        return self.describes(path, before, name)

    def describes(self, path: str, before: bytes, name: str) -> bool:
        """The goal says that something goes that this definition of `before` may be."""
        goal = self.goal or ""
        return any(one.name == name and is_described(one.kind, goal) for one in outline(path, before))

    def means(self, inside: Sequence[Symbol]) -> bool:
        """The target holds one definition alone, and the goal says that this goes, whatever its name."""
        names = {symbol.name for symbol in inside}
        return self.is_itself and len(names) == 1 and is_itself_meant(inside[0].kind, self.goal or "")
