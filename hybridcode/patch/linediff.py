"""Differences between two sequences of lines.

Invariant: the operations cover both sequences in order without gaps; time stays near-linear for adversarial input
(equal ends are trimmed, large middles are cut at lines that are unique on both sides, the rest is bounded).
"""

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from itertools import compress, pairwise
from operator import ne
from typing import NamedTuple, TypeVar

Line = TypeVar("Line", bound=Hashable)

_DIFFLIB_CELLS = 250_000
"""Largest product of lengths that difflib is asked to compare exactly."""


class Change(NamedTuple):
    """Lines a0..a1 (0-based, end excluded) of the old side became lines b0..b1 of the new one."""

    a0: int
    a1: int
    b0: int
    b1: int


def changes(old: Sequence[Line], new: Sequence[Line]) -> tuple[Change, ...]:
    """The differing stretches, in order, with at least one equal line between two of them."""
    merged: list[Change] = []
    for change in _between(old, new, Change(0, len(old), 0, len(new))):
        last = merged[-1] if merged else None
        if last is not None and last.a1 == change.a0 and last.b1 == change.b0:
            merged[-1] = Change(last.a0, change.a1, last.b0, change.b1)
        else:
            merged.append(change)
    return tuple(merged)


def equal_pairs(old: Sequence[Line], new: Sequence[Line]) -> Iterator[tuple[int, int]]:
    """Indexes of lines that are the same on both sides, in order."""
    a = b = 0
    for change in (*changes(old, new), Change(len(old), len(old), len(new), len(new))):
        yield from zip(range(a, change.a0), range(b, change.b0), strict=True)
        a, b = change.a1, change.b1


def _between(old: Sequence[Line], new: Sequence[Line], part: Change) -> Iterator[Change]:
    a0, a1, b0, b1 = _trimmed(old, new, part)
    if a0 == a1 and b0 == b1:
        return
    if a0 == a1 or b0 == b1 or (a1 - a0 == 1 and b1 - b0 == 1):
        yield Change(a0, a1, b0, b1)
        return
    if (a1 - a0) * (b1 - b0) <= _DIFFLIB_CELLS:
        matcher = difflib.SequenceMatcher(None, old[a0:a1], new[b0:b1], autojunk=False)
        for tag, p, q, r, s in matcher.get_opcodes():
            if tag != "equal":
                yield Change(a0 + p, a0 + q, b0 + r, b0 + s)
        return
    if (single := _single_lines(old[a0:a1], new[b0:b1])) is not None:
        yield from (Change(a0 + at, a0 + at + 1, b0 + at, b0 + at + 1) for at in single)
        return
    anchors = _anchors(old, new, Change(a0, a1, b0, b1))
    if not anchors:
        yield Change(a0, a1, b0, b1)
        return
    for a, b in anchors:
        if a - a0 == 1 == b - b0 and old[a0] != new[b0]:
            yield Change(a0, a, b0, b)
        elif a0 < a or b0 < b:
            yield from _between(old, new, Change(a0, a, b0, b))
        a0, b0 = a + 1, b + 1
    yield from _between(old, new, Change(a0, a1, b0, b1))


def _single_lines(old: Sequence[Line], new: Sequence[Line]) -> list[int] | None:
    """Indexes of the lines that differ where each stands alone between equal ones; None if anything else differs."""
    if len(old) != len(new):
        return None
    differing = list(compress(range(len(old)), map(ne, old, new)))
    is_single = len(differing) * 2 <= len(old) + 1 and all(b - a > 1 for a, b in pairwise(differing))
    return differing if is_single else None


def _trimmed(old: Sequence[Line], new: Sequence[Line], part: Change) -> Change:
    a0, a1, b0, b1 = part
    while a0 < a1 and b0 < b1 and old[a0] == new[b0]:
        a0, b0 = a0 + 1, b0 + 1
    while a0 < a1 and b0 < b1 and old[a1 - 1] == new[b1 - 1]:
        a1, b1 = a1 - 1, b1 - 1
    return Change(a0, a1, b0, b1)


def _anchors(old: Sequence[Line], new: Sequence[Line], part: Change) -> list[tuple[int, int]]:
    """Pairs of lines that stand once on each side, as a longest run that rises on both (patience sorting)."""
    a0, a1, b0, b1 = part
    once = _once(old[a0:a1]) & _once(new[b0:b1])
    place = dict(zip(new[b0:b1], range(b0, b1), strict=True))
    pairs = [(a, place[line]) for a, line in enumerate(old[a0:a1], a0) if line in once]
    if all(b < following for (_, b), (_, following) in pairwise(pairs)):
        return pairs
    tops: list[int] = []
    best: list[int] = []
    before: list[int] = []
    for number, (_, b) in enumerate(pairs):
        height = bisect_left(tops, b)
        before.append(best[height - 1] if height else -1)
        tops[height:] = [b, *tops[height + 1 :]]
        best[height:] = [number, *best[height + 1 :]]
    chain: list[tuple[int, int]] = []
    number = best[-1] if best else -1
    while number >= 0:
        chain.append(pairs[number])
        number = before[number]
    return chain[::-1]


def _once(lines: Sequence[Line]) -> set[Line]:
    """The lines that stand there once."""
    return {line for line, count in Counter(lines).items() if count == 1}
