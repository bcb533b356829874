"""Where a block stands in a file, by rising levels of tolerance.

Invariant: a deleted line is never matched by similarity; only context may differ by one slip a line, and only where
nothing else comes close. The lowest level with any hit decides.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from hybridcode.patch.answer import MarkedLine
from hybridcode.patch.filetext import FileText, indentation, plain_keys, words
from hybridcode.patch.indent import UNCHANGED, IndentRule, learn
from hybridcode.patch.refusing import ASK_FOR_MORE_CONTEXT, Refused

_MAX_SLIP = 3
"""Edits (insert, delete, replace, swap) that one misremembered word may be away."""
_MAX_VOTES = 2_000
"""A line that stands more often than this says nothing about a place."""
_MAX_COMPARISONS = 500_000
_MAX_WORD = 80
_WORD_HEAD = re.compile(r"[^\W\d]{3}")
_SHORT_FILE = 40
_TELLING_LINE = 10
_SURE_LINES = 3


class Level(IntEnum):
    """How much had to be overlooked."""

    EXACT = 0
    TRAILING_BLANKS = 1
    TYPOGRAPHY = 2
    INDENTATION = 3
    ONE_SLIP = 4
    ELISION = 5


@dataclass(frozen=True)
class Hit:
    """A block stands at line `at` (0-based), with what was overlooked and how to indent added lines."""

    at: int
    level: Level
    rule: IndentRule


def positions(file: FileText, old: Sequence[str]) -> list[int]:
    """Where all of `old` stands if blanks at the ends and typography are ignored, rising.

    Raises: Refused if there are far too many places to look at.
    """
    if not old:
        return []
    keys = [plain_keys(line) for line in old]
    rarest = min(range(len(old)), key=lambda number: len(file.lines_like(old[number])))
    starts = [place - rarest for place in file.lines_like(old[rarest])]
    if len(starts) * len(old) > _MAX_COMPARISONS:
        raise Refused("the lines stand in too many places to compare", advice=ASK_FOR_MORE_CONTEXT)
    last = len(file.lines) - len(old)
    return [
        start
        for start in starts
        if 0 <= start <= last and all(file.is_like(start + number, key) for number, key in enumerate(keys))
    ]


def hits(file: FileText, lines: Sequence[MarkedLine]) -> list[Hit]:
    """Places of a block's old lines at the lowest level that has any; no similarity."""
    old = [line.text for line in lines if line.mark != "+"]
    found: list[Hit] = []
    for start in positions(file, old):
        pairs = list(zip(old, file.lines[start : start + len(old)], strict=True))
        level = max(_level(ours, theirs) for ours, theirs in pairs)
        rule = UNCHANGED if level < Level.INDENTATION else learn(pairs)
        if rule is not None:
            found.append(Hit(at=start, level=level, rule=rule))
    lowest = min((hit.level for hit in found), default=Level.EXACT)
    return [hit for hit in found if hit.level == lowest]


def similar_hits(file: FileText, lines: Sequence[MarkedLine]) -> list[Hit]:
    """Places where only context is misremembered, one word a line, in at most a quarter of the lines."""
    seen = [line for line in lines if line.mark != "+"]
    solid = sum(bool(line.text.strip()) for line in seen)
    votes: Counter[int] = Counter()
    for number, line in enumerate(seen):
        if line.text.strip():
            places = file.lines_like(line.text)
            votes.update(place - number for place in places if len(places) <= _MAX_VOTES)
    enough = max(1, (solid + 1) // 2)
    last = len(file.lines) - len(seen)
    starts = sorted(start for start, count in votes.items() if count >= enough and 0 <= start <= last)
    found = (_similar_at(file, seen, start, allowed=max(1, solid // 4)) for start in starts)
    return [hit for hit in found if hit is not None]


def _similar_at(file: FileText, seen: Sequence[MarkedLine], start: int, *, allowed: int) -> Hit | None:
    pairs: list[tuple[str, str]] = []
    odd: list[str] = []
    kept: list[str] = []
    for number, line in enumerate(seen):
        theirs = file.lines[start + number]
        if file.is_like(start + number, plain_keys(line.text)):
            pairs.append((line.text, theirs))
            kept += [line.text] if line.text.strip() else []
            continue
        slip = one_slip(line.text, theirs) if line.mark == " " else None
        if slip is None or len(odd) == allowed:
            return None
        odd.append(slip)
    if not _is_held(file, seen, kept=kept, odd=odd):
        return None
    rule = learn(pairs)
    return Hit(at=start, level=Level.ONE_SLIP, rule=rule) if rule is not None else None


def _is_held(file: FileText, seen: Sequence[MarkedLine], *, kept: Sequence[str], odd: Iterable[str]) -> bool:
    """Enough of the block is certain: its place does not hang on the misremembered lines."""
    tells = len(kept) >= 2 or (len(kept) == 1 and len(kept[0].strip()) >= _TELLING_LINE and _is_single(file, kept[0]))
    deleted = [line.text.strip() for line in seen if line.mark == "-" and line.text.strip()]
    if not deleted:
        # A misremembered word that the file knows may point to another place, unless much else points here.
        is_sure = len(kept) >= _SURE_LINES and any(
            len(line.strip()) >= _TELLING_LINE and _is_single(file, line) for line in kept
        )
        return is_sure or (tells and not any(word in file.vocabulary for word in odd))
    if len(kept) >= 2 or len(file.lines) <= _SHORT_FILE:
        return True
    return any(len(line) >= _TELLING_LINE for line in deleted)


def _is_single(file: FileText, line: str) -> bool:
    return len(file.lines_like(line)) == 1


def _level(ours: str, theirs: str) -> Level:
    if ours == theirs:
        return Level.EXACT
    if ours.rstrip() == theirs.rstrip():
        return Level.TRAILING_BLANKS
    return Level.TYPOGRAPHY if indentation(ours) == indentation(theirs) else Level.INDENTATION


def one_slip(ours: str, theirs: str) -> str | None:
    """The answer's word that differs if the two lines differ in one word by a few letters; else None.

    A number, a sign or another word altogether is not a slip.
    """
    mine, real = words(ours), words(theirs)
    if not mine or len(mine) != len(real):
        return None
    differing = [(a, b) for a, b in zip(mine, real, strict=True) if a != b]
    if len(differing) != 1:
        return None
    word, other = differing[0]
    if max(len(word), len(other)) > _MAX_WORD:
        return None
    if not _WORD_HEAD.match(word) or not _WORD_HEAD.match(other) or _letters(word) == _letters(other):
        return None
    away = distance(word, other)
    return word if away <= _MAX_SLIP and away * 2 < max(len(word), len(other)) + 1 else None


def _letters(word: str) -> str:
    return "".join(character for character in word if not character.isdigit())


def distance(a: str, b: str, *, limit: int = _MAX_SLIP + 1) -> int:
    """Edits from `a` to `b` where swapping two neighbours counts one (optimal string alignment), at most `limit`."""
    if abs(len(a) - len(b)) >= limit:
        return limit
    above: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        current = [i]
        for j, y in enumerate(b, 1):
            best = min(row[j] + 1, current[-1] + 1, row[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                best = min(best, above[j - 2] + 1)
            current.append(best)
        if min(current) >= limit:
            return limit
        above, row = row, current
    return min(row[-1], limit)
