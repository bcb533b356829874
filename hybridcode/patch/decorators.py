"""Decorators that a rewrite leaves out above definitions that it keeps.

Invariant: a pure function of path and bytes; a decorator in whose place another one came is changed and not left out.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from hybridcode.patch.filetext import FileText, indentation
from hybridcode.patch.left_out import is_named_for_removal
from hybridcode.repo.grammars import language_of
from hybridcode.repo.symbols import Symbol, outline

_LANGUAGES = frozenset({"python", "javascript", "typescript", "tsx"})
_DECORATOR = re.compile(r"\s*@\s*([^\W\d]\w*(?:\.\w+)*)")
_BEGINS = re.compile(r"[^\W\d]|[*#\[\"']\w")
"""What a definition begins with, behind its decorators."""
_WORDS: Mapping[str, tuple[str, ...]] = {
    "staticmethod": ("static",),
    "classmethod": ("class method",),
    "property": ("properties",),
}
"""What people call some of them."""
_ANY = ("decorator", "decorators")
_SKIPS = re.compile(r"skip|xfail", re.IGNORECASE)
_ENABLES = re.compile(r"\b(?:un-?skip|(?:re-?)?enabl)", re.IGNORECASE)
"""How a goal says that a test is run again."""


class Bare(NamedTuple):
    """A decorator that is gone, and the definition that it stood above."""

    decorator: str
    """Dotted, without the `@` and what it is called with."""
    name: str
    """Dotted."""

    def __str__(self) -> str:
        return f"@{self.decorator} above {self.name}"

    def is_to_go(self, goal: str) -> bool:
        """A sentence of the goal speaks of removing or replacing things and names the decorator."""
        bare = self.decorator.rpartition(".")[2]
        if any(is_named_for_removal(word, goal) for word in (bare, *_WORDS.get(bare, ()), *_ANY)):
            return True
        return _SKIPS.search(bare) is not None and _ENABLES.search(goal) is not None


def laid_bare(path: str, before: bytes, after: bytes, renamed: Sequence[tuple[str, str]] = ()) -> tuple[Bare, ...]:
    """Decorators of `before` that are missing above the same definitions, or `renamed` ones, of `after`, in order.

    Definitions that share a name are taken in their order; where some of these are gone nothing is said of the others.
    """
    if language_of(path) not in _LANGUAGES:
        return ()
    old, new, now = _decorated(path, before), _decorated(path, after), dict(renamed)
    found: list[Bare] = []
    for name, before_each in old.items():
        after_each = new.get(now.get(name, name), [])
        if len(after_each) >= len(before_each):
            pairs = zip(before_each, after_each, strict=False)
            found += (Bare(one, name) for had, has in pairs for one in _lost(had, has))
    return tuple(found)


def _decorated(path: str, data: bytes) -> dict[str, list[list[str]]]:
    """Dotted name -> the decorators of each definition of that name."""
    lines, found = FileText.of(data).lines, defaultdict[str, list[list[str]]](list)
    for symbol in outline(path, data):
        found[symbol.name].append(list(_above(symbol, lines)))
    return found


def _above(symbol: Symbol, lines: Sequence[str]) -> Iterator[str]:
    own = lines[symbol.start - 1 : symbol.end]
    margin = indentation(own[0]) if own else ""
    for line in own:
        if indentation(line) != margin:
            continue
        if match := _DECORATOR.match(line):
            yield match[1]
        elif _BEGINS.match(line.strip()):
            return


def _lost(had: Sequence[str], has: Sequence[str]) -> list[str]:
    """Decorators that are gone, but for as many as came."""
    gone, came = Counter(had) - Counter(has), Counter(has) - Counter(had)
    return list(gone.elements())[came.total() :]
