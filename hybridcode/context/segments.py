"""Postings of a batch of files: which chunks hold which term, how often.

Invariant: a segment is a pure function of its files' languages and bytes; chunks are counted from 0 within it, so that
segments can be built anywhere and stored in any order.
"""

import sys
import zlib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from hybridcode.context.records import FileRecord, analysed, language_at
from hybridcode.context.terms import terms_of
from hybridcode.repo.classify import why_unfit
from hybridcode.repo.collecting import collector_rests

NAME = "#"
"""Before a term: it stands in a chunk's name."""
DEFINES = "d:"
"""Before a name as written: a file defines it."""
REFERS = "r:"
"""Before a name as written: a file uses it."""
_LINK_MARK = ":"
"""The second character of both, and of no other term."""

_BUCKETS = 4096
_LINK_BUCKETS = 1024
COUNT_BITS = 8
MOST_COUNTED = (1 << COUNT_BITS) - 1
LEAST_NAME = 4
"""Shorter names link too much; where they are defined can be asked for."""
NUMBERS = "I" if array("I").itemsize == 4 else "L"
"""Type code of 32-bit integers."""


class Source(NamedTuple):
    """A file to be indexed."""

    key: str
    path: str
    """One of the places it stands at; all of them give the same language."""
    data: bytes
    breaks_parser: bool = False
    """A process that took it apart by its language did not survive."""


class IndexedFile(NamedTuple):
    """A file's place in a segment."""

    key: str
    first: int
    """Number of its first chunk."""
    chunks: int
    lengths: bytes
    """Identifiers in each chunk, as 32-bit integers."""
    record: bytes
    """MessagePack of the FileRecord."""
    unfit: str
    """Why its content is not ranked; empty for most. Such a file has no chunks."""


class Segment(NamedTuple):
    """Files and their postings, ready to be stored."""

    files: tuple[IndexedFile, ...]
    postings: tuple[tuple[int, bytes], ...]
    """Sorted by bucket: MessagePack of a map from each of its terms to entries `chunk << COUNT_BITS | count`, as 32-bit
    integers; a chunk has one for each of its words that hold the term. A hundred thousand terms share a few thousand
    rows, which are written in a third of the time."""


def build_segment(sources: Iterable[Source]) -> Segment:
    """Analyse files and collect their postings. A file without chunks still takes one number.

    The collector of cyclic garbage rests meanwhile: millions of values are made here, none in a cycle, and looking
    through them took a tenth of the time.
    """
    with collector_rests():
        return _built(sources)


def _built(sources: Iterable[Source]) -> Segment:
    files: list[IndexedFile] = []
    postings: defaultdict[str, array[int]] = defaultdict(_no_numbers)
    words: defaultdict[bytes, array[int]] = defaultdict(_no_numbers)
    at = 0
    for key, path, data, breaks_parser in sources:
        unfit = why_unfit(path, data) or ""
        found = analysed(language_at(path), b"" if unfit else data, breaks_parser=breaks_parser)
        for number, (counts, names) in enumerate(zip(found.counts, found.names, strict=True), at):
            base = number << COUNT_BITS
            for word, count in counts.items():
                words[word].append(base | (count if count < MOST_COUNTED else MOST_COUNTED))
            _post(postings, number, NAME, names)
        _post(postings, at, DEFINES, dict.fromkeys(sorted({s.bare_name for s in found.record.symbols}), 1))
        _post(postings, at, REFERS, {name: n for name, n in found.record.references.items() if len(name) >= LEAST_NAME})
        chunks = max(1, len(found.counts))
        lengths = pack(sum(counts.values()) for counts in found.counts) or pack([0])
        files.append(IndexedFile(key, at, chunks, lengths, msgspec.msgpack.encode(found.record), unfit))
        at += chunks
    parts = {term: [_bytes_of(numbers)] for term, numbers in postings.items()}
    for word, numbers in words.items():
        packed = _bytes_of(numbers)
        for term in terms_of(word.decode()):
            parts.setdefault(term, []).append(packed)
    return Segment(tuple(files), tuple(_in_buckets(parts)))


def defined_names(record: FileRecord) -> list[str]:
    """Bare names that a file defines and that are long enough to link by, sorted."""
    return sorted({symbol.bare_name for symbol in record.symbols if len(symbol.bare_name) >= LEAST_NAME})


def _post(postings: "Mapping[str, array[int]]", number: int, prefix: str, counts: Mapping[str, int]) -> None:
    base = number << COUNT_BITS
    for term, count in counts.items():
        postings[prefix + term].append(base | (count if count < MOST_COUNTED else MOST_COUNTED))


def _in_buckets(parts: Mapping[str, Sequence[bytes]]) -> Iterator[tuple[int, bytes]]:
    buckets: defaultdict[int, dict[str, bytes]] = defaultdict(dict)
    for term, packed in parts.items():
        buckets[bucket_of(term)][term] = packed[0] if len(packed) == 1 else b"".join(packed)
    for bucket in sorted(buckets):
        yield bucket, msgspec.msgpack.encode(buckets[bucket])


def bucket_of(term: str) -> int:
    """The bucket of a term. What a name is defined and used by share one; words and names of chunks have others."""
    if term[1:2] == _LINK_MARK:
        return -1 - zlib.crc32(term[len(DEFINES) :].encode()) % _LINK_BUCKETS
    return zlib.crc32(term.encode()) % _BUCKETS


def pack(numbers: Iterable[int]) -> bytes:
    """Numbers below 2**32 as little-endian bytes."""
    return _bytes_of(array(NUMBERS, numbers))


def _no_numbers() -> "array[int]":
    return array(NUMBERS)


def _bytes_of(numbers: "array[int]") -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


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
