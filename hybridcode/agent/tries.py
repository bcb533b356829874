"""How many tries a step has left: those of the local model that count, and what ends the tries of a level.

Invariant: a failure that was there before, to the letter, ends the tries of its level; answers that could not be used
and drafts that failed count apart, each up to the same number.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from hybridcode.agent.endings import Fell
from hybridcode.agent.ladder import Rung, RungName

_LOCAL: tuple[RungName, ...] = ("local", "local_retry")
_LEVELS: dict[RungName, str] = {"local_retry": "local"}
"""Rungs of one level, by the name of its first one."""


@dataclass
class Tries:
    """What the tries of one step came to, as far as it decides which come next."""

    marks: set[str] = field(default_factory=set[str])
    """What they came to, to the letter."""
    most: int = 0
    """Of the local model: as many may fail, and as many may be answers that cannot be used."""
    unused: int = 0
    """Its answers that could not be used."""
    used: int = 0
    """Its drafts that failed otherwise."""
    cut_short: str = ""
    """Why tries of a level were left out, until it is told."""

    def begin(self, ladder: Sequence[Rung]) -> None:
        """Count the local model's tries on a ladder."""
        self.most = sum(rung.name in _LOCAL for rung in ladder)

    def was_there(self, fell: Fell) -> bool:
        """It came to what another try has come to."""
        return fell.is_loop or fell.mark in self.marks

    def has_more(self, rung: Rung, left: Sequence[Rung], fell: Fell) -> bool:
        """The local model's tries are used up, but neither those that could not be used nor the others alone."""
        if rung.name not in _LOCAL:
            return False
        self.unused += fell.is_refused
        self.used += not fell.is_refused
        return _ends_level(rung, left) and max(self.unused, self.used) < self.most

    def may_have_more(self, rung: Rung, left: Sequence[Rung]) -> bool:
        """As `has_more`, of a draft that a person would decline."""
        return _ends_level(rung, left) and max(self.unused, self.used + 1) < self.most

    def leave_level(self, rung: Rung, left: deque[Rung], fell: Fell) -> None:
        """Take the rungs of the same level from those that are left. Samples may well fail alike: of those only if one
        is to the letter as a draft before it."""
        if rung.name == "local_sample" and not fell.is_loop:
            return
        level = _LEVELS.get(rung.name, rung.name)
        while left and _LEVELS.get(left[0].name, left[0].name) == level:
            left.popleft()
            self.cut_short = f"the same failure twice: {fell.ending[1]}"


def _ends_level(rung: Rung, left: Sequence[Rung]) -> bool:
    """It is the last try of the local model that the ladder names."""
    return rung.name in _LOCAL and (not left or left[0].name != "local_retry")
