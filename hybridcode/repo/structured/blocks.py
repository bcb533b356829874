"""Blocks that a reader found, and the choice of those that are worth a name.

Invariant: chosen sections are properly nested or disjoint, lie inside the file and come in order of appearance.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

Kind = Literal["key", "table", "heading", "rule", "target", "stage", "statement", "element"]

MAX_DEPTH = 5
"""Readers record no blocks below so many others; what lies deeper belongs to them."""
LONG = 60
"""Lines; a longer section is divided further."""
MOST_ITEMS = 200
"""A longer array is data: nobody names its 4,711th element."""
_MOST_SLIGHT = 40
"""More neighbours of two lines each are data too."""
_NAME_CHARS = 120
_NEVER = 1 << 30


@dataclass(frozen=True)
class Section:
    """A part of a file that a person would name. Lines are 1-based, both ends included."""

    name: str
    """Full name within the file, as `project.scripts` or `Install / From source`; at most 120 characters."""
    kind: Kind
    start: int
    end: int
    level: int
    """1 at the top, 1 more inside each enclosing block."""


@dataclass(slots=True)
class Block:
    """A candidate, as a reader saw it; readers list them by `start`, outer ones first."""

    name: str
    """Its own part of the name."""
    kind: Kind
    start: int
    """Byte offset of its first byte."""
    depth: int
    """How many listed blocks are around it."""
    end: int = 0
    """Byte offset behind its last byte."""
    is_item: bool = False
    """An element of an array, named by its index."""


@dataclass(frozen=True)
class Style:
    """What differs between languages once the blocks are known."""

    separator: str | None = "."
    """Between the parts of a full name; None: a block is known by its own part alone."""
    comments: tuple[bytes, ...] = ()
    """How a comment line starts; such lines right above a block belong to it."""
    long: int = LONG
    """Only blocks of more lines show what is inside them."""
    fewest: int = 2
    """Lines that a section must have."""


@dataclass(slots=True)
class _Placed:
    name: str
    kind: Kind
    start: int
    end: int
    level: int
    parent: int
    is_item: bool
    repeats_parent: bool

    @property
    def lines(self) -> int:
        return self.end - self.start + 1


class _Lines:
    """The lines of a file and the way from a byte offset to a line number."""

    def __init__(self, data: bytes) -> None:
        self.texts = data.split(b"\n")
        self._ends = list(accumulate(len(text) + 1 for text in self.texts))

    def number(self, offset: int) -> int:
        return bisect_left(self._ends, offset + 1) + 1

    def last_written(self, first: int, last: int) -> int:
        """The last line of `first` to `last` that is not blank."""
        while last > first and not self.texts[last - 1].strip():
            last -= 1
        return last

    def first_comment(self, first: int, above: int, marks: tuple[bytes, ...]) -> int:
        """The first of the comment lines right above line `first`, all of them below line `above`."""
        while marks and first - 1 > above and self.texts[first - 2].lstrip().startswith(marks):
            first -= 1
        return first


def choose(found: Sequence[Block], data: bytes, style: Style) -> tuple[Section, ...]:
    """The blocks worth a name: long ones and what is in them, short ones as they are, hardly any of the tiny ones."""
    if not found:
        return ()
    placed = list(_place(found, _Lines(data), style))
    items = Counter(block.parent for block in placed if block.is_item)
    slight = Counter(block.parent for block in placed if block.lines <= 2)
    closed: set[int] = set()
    chosen: list[Section] = []
    for index, block in enumerate(placed):
        is_data = block.is_item and items[block.parent] > MOST_ITEMS
        if block.parent in closed or is_data:
            closed.add(index)
            continue
        if block.lines <= style.long:
            closed.add(index)
        is_slight = block.lines < style.fewest or (block.lines <= 2 and slight[block.parent] > _MOST_SLIGHT)
        if not is_slight and not block.repeats_parent:
            chosen.append(Section(block.name, block.kind, block.start, block.end, block.level))
    return tuple(chosen)


def _place(found: Sequence[Block], lines: _Lines, style: Style) -> Iterator[_Placed]:
    """Blocks as line ranges; one that shares a line with its predecessor is left out, with all it holds."""
    around: list[tuple[int, int, _Placed]] = []
    taken, left_out, index = 0, _NEVER, 0
    for block in found:
        if block.depth > left_out:
            continue
        left_out = _NEVER
        while around and around[-1][0] >= block.depth:
            taken = max(taken, around.pop()[2].end)
        parent = around[-1][2] if around else None
        first = lines.number(block.start)
        last = lines.last_written(first, max(first, lines.number(block.end - 1)))
        last = min(last, parent.end) if parent else last
        if first <= taken or last < first:
            left_out = block.depth
            continue
        first = lines.first_comment(first, max(taken, parent.start if parent else 0), style.comments)
        placed = _Placed(
            name=_full_name(parent, block, style),
            kind=block.kind,
            start=first,
            end=last,
            level=parent.level + 1 if parent else 1,
            parent=around[-1][1] if around else -1,
            is_item=block.is_item,
            repeats_parent=parent is not None and (parent.start, parent.end) == (first, last),
        )
        yield placed
        around.append((block.depth, index, placed))
        index += 1


def _full_name(parent: _Placed | None, block: Block, style: Style) -> str:
    own = bounded(block.name) or block.kind
    if parent is None or style.separator is None:
        return own
    return bounded(f"{parent.name}{'' if block.is_item else style.separator}{own}")


def line_count(data: bytes, start: int, end: int) -> int:
    """How many lines the bytes from `start` to `end` touch."""
    return data.count(b"\n", start, end - 1) + 1


def settle(found: list[Block], place: int, data: bytes) -> None:
    """Called when the block at `place`, with all in it behind it, has its end: drop what nobody will ask for."""
    lines = line_count(data, found[place].start, found[place].end)
    if lines <= LONG:
        del found[place + (lines > 1) :]


def bounded(name: str) -> str:
    """A name on one line, without control characters, of at most 120 characters."""
    words = " ".join(name[: 4 * _NAME_CHARS].split())
    if not words.isprintable():
        words = "".join(character if character.isprintable() else "\ufffd" for character in words)
    return words if len(words) <= _NAME_CHARS else words[: _NAME_CHARS - 1] + "…"


def text_of(data: bytes) -> str:
    """Bytes of a name as text; broken bytes are replaced."""
    return data.decode("utf-8", "replace")
