"""The keys in the bottom line of a pane, chosen for its width.

Invariant: the keys that decide and the way back are always there; words get shorter before a key goes.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple


class Hint(NamedTuple):
    """A key and what it does."""

    key: str
    says: str
    short: str = ""
    """The same in fewer letters, for narrow screens."""
    is_needed: bool = False
    """True for keys that must never be left out."""


_FIRST = 2
"""Others that matter as much as whole words of the needed ones."""
BACK = Hint("Esc", "back", is_needed=True)
ALL_KEYS = Hint("?", "all keys", "keys", is_needed=True)


def hint_text(hint: Hint) -> str:
    """What stands behind the key, with the gap to the next one."""
    return f" {hint.says}  " if hint.says else "  "


def fitting_hints(hints: Sequence[Hint], cells: int) -> list[Hint]:
    """The hints that fit side by side, in order: every needed one, then the first of the others.

    Needed ones keep their words if these fit and cost none of the first others, else the short ones, else their keys
    alone.
    """
    first = [hint for hint in hints if not hint.is_needed][:_FIRST]
    full, short = _fitted(hints, cells, _full), _fitted(hints, cells, _short)
    if short is None:
        return _fitted(hints, cells, _bare) or [_bare(hint) for hint in hints if hint.is_needed]
    if full is None or sum(hint in full for hint in first) < sum(hint in short for hint in first):
        return short
    return full


def _fitted(hints: Sequence[Hint], cells: int, level: Callable[[Hint], Hint]) -> list[Hint] | None:
    """What fits with needed words of that length; None where not even the needed ones do."""
    room = cells - sum(_cells(level(hint)) for hint in hints if hint.is_needed)
    if room < 0:
        return None
    kept: list[Hint] = []
    for hint in hints:
        if hint.is_needed:
            kept.append(level(hint))
            continue
        room -= _cells(hint)
        if room >= 0:
            kept.append(hint)
    return kept


def _full(hint: Hint) -> Hint:
    return hint


def _short(hint: Hint) -> Hint:
    return hint._replace(says=hint.short or hint.says)


def _bare(hint: Hint) -> Hint:
    return hint._replace(says="")


def _cells(hint: Hint) -> int:
    return len(hint.key) + len(hint_text(hint))
