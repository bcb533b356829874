"""One file as chunks with term counts: the unit of ranking and packing.

Invariant: a record is a pure function of language and bytes, so that it can be kept under the hash of the bytes.
"""

import functools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hybridcode.context.terms import terms
from hybridcode.repo.grammars import GRAMMARS, language_of
from hybridcode.repo.lines import split_lines
from hybridcode.repo.symbols import Symbol, outline

_CHUNK_LINES = 80
_PROSE_CHUNK_LINES = 40
_INLINE_KINDS = frozenset({"constant", "field", "prototype"})
"""Kinds too small for chunks of their own: they stand with the lines around them."""


@dataclass(frozen=True)
class Chunk:
    """Lines `start`..`end` (1-based, inclusive) of a file that belong together."""

    start: int
    end: int
    name: str
    """Dotted name of the definition they belong to; empty between definitions."""
    header: str
    """Signature of the enclosing class or module; empty at the top."""
    size: int
    """Bytes."""
    counts: Mapping[str, int]
    """How often each term stands in it."""


@dataclass(frozen=True)
class FileRecord:
    """What ranking needs of one file."""

    chunks: tuple[Chunk, ...]
    symbols: tuple[Symbol, ...]
    length: int
    """Terms in all chunks."""


def record_of(path: str, data: bytes) -> FileRecord:
    """The record of a file's bytes; bytes that are not UTF-8 are replaced before they are counted."""
    return _record(language_of(path), data)


@functools.lru_cache(maxsize=8192)
def _record(language: str | None, data: bytes) -> FileRecord:
    symbols = outline(f"file{GRAMMARS[language].suffixes[0]}", data) if language else ()
    lines = split_lines(data)
    chunks = tuple(_chunks(lines, symbols))
    return FileRecord(chunks=chunks, symbols=symbols, length=sum(sum(chunk.counts.values()) for chunk in chunks))


def _chunks(lines: Sequence[bytes], symbols: Sequence[Symbol]) -> Iterator[Chunk]:
    """Runs of lines with the same innermost definition, cut where they get long; blank runs are left out."""
    headers = {symbol.name: symbol.signature for symbol in symbols}
    owners = _owners(len(lines), symbols)
    longest = _CHUNK_LINES if symbols else _PROSE_CHUNK_LINES
    first = 0
    for last in range(len(lines)):
        ends = last + 1 == len(lines) or owners[last + 1] is not owners[first] or last + 1 - first >= longest
        if not ends:
            continue
        start, end = _trimmed(lines, first, last + 1)
        if start < end:
            yield _chunk(lines, start, end, owner=owners[first], headers=headers)
        first = last + 1


def _trimmed(lines: Sequence[bytes], start: int, end: int) -> tuple[int, int]:
    """Lines start..end (0-based, end excluded) without blank lines at their edges."""
    while start < end and not lines[start].strip():
        start += 1
    while start < end and not lines[end - 1].strip():
        end -= 1
    return start, end


def _chunk(lines: Sequence[bytes], start: int, end: int, *, owner: Symbol | None, headers: Mapping[str, str]) -> Chunk:
    data = b"".join(lines[start:end])
    return Chunk(
        start=start + 1,
        end=end,
        name=owner.name if owner else "",
        header=headers.get(owner.parent, "") if owner else "",
        size=len(data),
        counts=Counter(terms(data.decode("utf-8", "replace"))),
    )


def _owners(count: int, symbols: Sequence[Symbol]) -> list[Symbol | None]:
    """The innermost definition of each line; inner ones come later in an outline and win."""
    owners: list[Symbol | None] = [None] * count
    for symbol in symbols:
        if symbol.kind in _INLINE_KINDS:
            continue
        for number in range(symbol.start - 1, min(symbol.end, count)):
            owners[number] = symbol
    return owners
