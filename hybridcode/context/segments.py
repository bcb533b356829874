"""Postings of a batch of files: which chunks hold which term, how often.

Invariant: a segment is a pure function of its files' languages and bytes; chunks are counted from 0 within it, so that
segments can be built anywhere and stored in any order.
"""

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from hybridcode.context.records import FileRecord, analysed, language_at
from hybridcode.repo.classify import why_unfit

NAME = "#"
"""Before a term: it stands in a chunk's name."""
DEFINES = "d:"
"""Before a name as written: a file defines it."""
REFERS = "r:"
"""Before a name as written: a file uses it."""

COUNT_BITS = 8
MOST_COUNTED = (1 << COUNT_BITS) - 1
_LEAST_NAME = 4
"""Shorter names link too much."""
NUMBERS = "I" if array("I").itemsize == 4 else "L"
"""Type code of 32-bit integers."""


class Source(NamedTuple):
    """A file to be indexed."""

    key: str
    path: str
    """One of the places it stands at; all of them give the same language."""
    data: bytes


class IndexedFile(NamedTuple):
    """A file's place in a segment."""

    key: str
    first: int
    """Number of its first chunk."""
    chunks: int
    lengths: bytes
    """Terms in each chunk, as 32-bit integers."""
    record: bytes
    """MessagePack of the FileRecord."""
    unfit: str
    """Why its content is not ranked; empty for most. Such a file has no chunks."""


class Segment(NamedTuple):
    """Files and their postings, ready to be stored."""

    files: tuple[IndexedFile, ...]
    postings: tuple[tuple[str, bytes], ...]
    """Sorted by term; each posting is `chunk << COUNT_BITS | count`, as 32-bit integers."""


def build_segment(sources: Iterable[Source]) -> Segment:
    """Analyse files and collect their postings. A file without chunks still takes one number."""
    files: list[IndexedFile] = []
    postings: dict[str, list[int]] = {}
    at = 0
    for key, path, data in sources:
        unfit = why_unfit(path, data) or ""
        found = analysed("text", b"") if unfit else analysed(language_at(path), data)
        for number, (counts, names) in enumerate(zip(found.counts, found.names, strict=True), at):
            _post(postings, number, "", counts)
            _post(postings, number, NAME, names)
        _post(postings, at, DEFINES, dict.fromkeys(defined_names(found.record), 1))
        _post(
            postings, at, REFERS, {name: n for name, n in found.record.references.items() if len(name) >= _LEAST_NAME}
        )
        chunks = max(1, len(found.counts))
        lengths = pack(sum(counts.values()) for counts in found.counts) or pack([0])
        files.append(IndexedFile(key, at, chunks, lengths, msgspec.msgpack.encode(found.record), unfit))
        at += chunks
    return Segment(tuple(files), tuple((term, pack(postings[term])) for term in sorted(postings)))


def defined_names(record: FileRecord) -> list[str]:
    """Bare names that a file defines and that are long enough to link by, sorted."""
    return sorted({symbol.bare_name for symbol in record.symbols if len(symbol.bare_name) >= _LEAST_NAME})


def _post(postings: dict[str, list[int]], number: int, prefix: str, counts: Mapping[str, int]) -> None:
    base = number << COUNT_BITS
    for term, count in counts.items():
        entry = base | (count if count < MOST_COUNTED else MOST_COUNTED)
        name = prefix + term
        if (found := postings.get(name)) is None:
            postings[name] = [entry]
        else:
            found.append(entry)


def pack(numbers: Iterable[int]) -> bytes:
    """Numbers below 2**32 as little-endian bytes."""
    packed = array(NUMBERS, numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def unpack(data: bytes) -> "array[int]":
    """The reverse of `pack`."""
    numbers: array[int] = array(NUMBERS)
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def entries(data: bytes) -> Iterator[tuple[int, int]]:
    """Chunk number and count of each posting."""
    for entry in unpack(data):
        yield entry >> COUNT_BITS, entry & MOST_COUNTED
