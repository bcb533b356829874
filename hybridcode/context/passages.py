"""Lines of files as they stand in a window, and which lines a window shows already.

Invariant: a passage's size is what it adds to the window, to the byte; joining passages never makes them larger.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from hybridcode.context.margins import Margin
from hybridcode.context.records import Chunk
from hybridcode.context.render import excerpt_body, file_heading, licence_lines, numbered
from hybridcode.domain.window import Excerpt
from hybridcode.repo.lines import split_lines
from hybridcode.repo.snapshot import Snapshot

_HEAD = 80
"""Lines in which a licence is looked for."""
_NEAR_BYTES = 16
_NEAR_LINES = 3
"""Blank lines between two passages that may stand in one; one at most where it gets a number."""


class Reader:
    """Lines of a snapshot's files, split once. With a margin, passages that it wants to be are numbered."""

    def __init__(self, snapshot: Snapshot, margin: Margin | None = None) -> None:
        self.snapshot = snapshot
        self.margin = margin
        self._lines: dict[str, tuple[bytes, ...]] = {}
        self._licences: dict[str, int] = {}

    def lines(self, path: str) -> tuple[bytes, ...]:
        """All lines of a file, with their ends."""
        if (found := self._lines.get(path)) is None:
            found = self._lines[path] = split_lines(self.snapshot.read(path))
        return found

    def text(self, path: str, start: int, end: int) -> str:
        """Lines start..end (1-based, inclusive) with LF; bytes that are not UTF-8 are replaced."""
        return b"".join(self.lines(path)[start - 1 : end]).decode("utf-8", "replace").replace("\r\n", "\n")

    def past_licence(self, path: str, start: int, end: int) -> int:
        """The first of lines start..end below the licence that a file begins with; `start` if nothing else is there."""
        if start != 1:
            return start
        if path not in self._licences:
            self._licences[path] = licence_lines([line.decode("utf-8", "replace") for line in self.lines(path)[:_HEAD]])
        below = self._licences[path] + 1
        return below if below <= end else start


@dataclass(frozen=True)
class Passage:
    """Lines of a file with their text in the window."""

    excerpt: Excerpt
    text: str
    """The section without the file's heading."""
    lines: str
    """The lines alone."""
    within: str = ""
    """Signature of the class the lines stand in."""
    is_numbered: bool = False
    """In the window each line stands behind its number."""

    @property
    def size(self) -> int:
        """Bytes in the window, without the file's heading."""
        return len(self.text.encode())

    @property
    def heading_size(self) -> int:
        """Bytes of the heading that the first passage of a file needs."""
        return len(file_heading(self.excerpt.path).encode())


@dataclass
class Taken:
    """Lines that a window shows already."""

    ranges: dict[str, list[tuple[int, int]]] = field(default_factory=dict[str, list[tuple[int, int]]])

    def add(self, path: str, start: int, end: int) -> None:
        """Remember lines `start`..`end`."""
        self.ranges.setdefault(path, []).append((start, end))

    def copy(self) -> "Taken":
        """The same lines, which may grow apart."""
        return Taken({path: list(ranges) for path, ranges in self.ranges.items()})

    def since(self, before: "Taken") -> list[tuple[str, int, int]]:
        """Path, first and last line of what was added to `before`, file by file."""
        known = {(path, *lines) for path, ranges in before.ranges.items() for lines in ranges}
        found = ((path, *lines) for path, ranges in self.ranges.items() for lines in ranges)
        return [lines for lines in found if lines not in known]

    def overlaps(self, path: str, start: int, end: int) -> bool:
        """Any of these lines is shown already."""
        return any(first <= end and start <= last for first, last in self.ranges.get(path, ()))

    def gaps(self, path: str, start: int, end: int) -> list[tuple[int, int]]:
        """What of these lines is not shown yet, in order."""
        found: list[tuple[int, int]] = []
        for first, last in sorted(self.ranges.get(path, ())):
            if last < start or first > end:
                continue
            if first > start:
                found.append((start, first - 1))
            start = last + 1
        return [*found, (start, end)] if start <= end else found

    def covers(self, path: str, start: int, end: int) -> bool:
        """One range shows all of these lines already."""
        return any(first <= start and end <= last for first, last in self.ranges.get(path, ()))


def passage_of(reader: Reader, path: str, chunk: Chunk, *, reason: str, score: int = 0) -> Passage:
    """One chunk as it stands in a window."""
    start = reader.past_licence(path, chunk.start, chunk.end)
    excerpt = Excerpt(path=path, start=start, end=chunk.end, reason=reason, score=score)
    return _passage(reader, excerpt, chunk.header)


def lines_passage(reader: Reader, path: str, start: int, end: int, *, reason: str, within: str = "") -> Passage:
    """Lines `start`..`end` as they stand in a window, with the signature of the class they stand in."""
    start = reader.past_licence(path, start, end)
    return _passage(reader, Excerpt(path=path, start=start, end=end, reason=reason), within)


def head_passage(
    reader: Reader, path: str, start: int, end: int, *, reason: str, room: int, within: str = ""
) -> Passage | None:
    """The first of lines `start`..`end`, as many as fit into `room` bytes; None if not even one does."""
    low, high = start - 1, end
    while low < high:
        middle = (low + high + 1) // 2
        if lines_passage(reader, path, start, middle, reason=reason, within=within).size <= room:
            low = middle
        else:
            high = middle - 1
    return lines_passage(reader, path, start, low, reason=reason, within=within) if low >= start else None


def joined(reader: Reader, passages: Iterable[Passage]) -> list[Passage]:
    """In order of path and line; neighbours with nothing but blank lines between them become one."""
    found: list[Passage] = []
    for passage in sorted(passages, key=lambda passage: (passage.excerpt.path, passage.excerpt.start)):
        last = found[-1] if found else None
        if last is None or not _are_neighbours(reader, last, passage):
            found.append(passage)
            continue
        first, second = last.excerpt, passage.excerpt
        excerpt = replace(first, end=second.end, score=max(first.score, second.score))
        found[-1] = _rendered(reader, excerpt, last.within, is_numbered=last.is_numbered)
    return found


def rendered(passages: Sequence[Passage]) -> str:
    """The passages' text; a heading stands where the file changes."""
    parts: list[str] = []
    before = ""
    for passage in passages:
        if passage.excerpt.path != before:
            parts.append(file_heading(passage.excerpt.path))
            before = passage.excerpt.path
        parts.append(passage.text)
    return "".join(parts)


def _passage(reader: Reader, excerpt: Excerpt, within: str) -> Passage:
    margin = reader.margin
    is_numbered = margin is not None and margin.is_wanted(excerpt.path, excerpt.start, excerpt.end)
    return _rendered(reader, excerpt, within, is_numbered=is_numbered)


def _rendered(reader: Reader, excerpt: Excerpt, within: str, *, is_numbered: bool) -> Passage:
    text = reader.text(excerpt.path, excerpt.start, excerpt.end)
    shown = numbered(text, excerpt.start) if is_numbered else text
    body = excerpt_body(excerpt.path, shown, excerpt.start, excerpt.end, within=within)
    return Passage(excerpt=excerpt, text=body, lines=text, within=within, is_numbered=is_numbered)


def _are_neighbours(reader: Reader, one: Passage, other: Passage) -> bool:
    first, second = one.excerpt, other.excerpt
    most = 1 if one.is_numbered else _NEAR_LINES
    if first.path != second.path or one.is_numbered != other.is_numbered or second.start - first.end > most + 1:
        return False
    between = b"".join(reader.lines(first.path)[first.end : second.start - 1])
    return len(between) <= _NEAR_BYTES and not between.strip()
