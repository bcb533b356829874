"""A tree as ranking sees it: its files, their chunks, and where each term stands.

Invariant: everything here is a function of the sorted (path, content) list; in which order and how often files were
indexed is not visible.
"""

from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from hybridcode.context.records import Chunk, FileRecord
from hybridcode.context.segments import COUNT_BITS, DEFINES, MOST_COUNTED, NUMBERS, REFERS, unpack
from hybridcode.context.store import IndexStore, StoredFile
from hybridcode.repo.entry import Skipped
from hybridcode.repo.history import History
from hybridcode.repo.snapshot import Snapshot


@dataclass(frozen=True)
class Corpus:
    """The ranked files of a snapshot. Files are counted in order of path, chunks in order of file and line."""

    snapshot: Snapshot
    paths: tuple[str, ...]
    """Sorted."""
    history: History
    left_out: tuple[Skipped, ...]
    """What is in the tree and not ranked, sorted."""
    grammars: Mapping[str, str]
    """Version of each grammar that a ranked file was parsed with."""
    _store: IndexStore = field(repr=False)
    _places: tuple[StoredFile, ...] = field(repr=False)
    """Of each path."""
    _records: dict[int, FileRecord] = field(default_factory=dict[int, FileRecord], repr=False)

    def without(self, paths: Collection[str]) -> "Corpus":
        """The same tree with some files out of sight, and without git's past: what the rest says by itself."""
        kept = [number for number, path in enumerate(self.paths) if path not in paths]
        return replace(
            self,
            paths=tuple(self.paths[number] for number in kept),
            history=History(None, reason="not looked at"),
            _places=tuple(self._places[number] for number in kept),
        )

    def record(self, file: int) -> FileRecord:
        """The record of the `file`-th path."""
        number = self._places[file].id
        if (found := self._records.get(number)) is None:
            found = self._records[number] = self._store.record(number)
        return found

    def chunk(self, chunk: int) -> Chunk | None:
        """One chunk; None for the chunk of an empty file."""
        file = self.file_of[chunk]
        chunks = self.record(file).chunks
        at = chunk - self.first_chunk[file]
        return chunks[at] if at < len(chunks) else None

    @cached_property
    def number(self) -> Mapping[str, int]:
        """The place of each path in `paths`."""
        return {path: number for number, path in enumerate(self.paths)}

    @cached_property
    def first_chunk(self) -> "array[int]":
        """Number of each file's first chunk."""
        firsts: array[int] = array("l")
        at = 0
        for place in self._places:
            firsts.append(at)
            at += place.chunks
        return firsts

    @cached_property
    def file_of(self) -> "array[int]":
        """The file of each chunk."""
        files: array[int] = array("l")
        for number, place in enumerate(self._places):
            files.extend(array("l", [number]) * place.chunks)
        return files

    @cached_property
    def lengths(self) -> "array[int]":
        """Terms in each chunk."""
        lengths: array[int] = array(NUMBERS)
        for place in self._places:
            lengths.extend(unpack(place.lengths))
        return lengths

    @cached_property
    def file_lengths(self) -> "array[int]":
        """Terms in each file."""
        return array("l", [sum(unpack(place.lengths)) for place in self._places])

    @cached_property
    def _homes(self) -> Mapping[int, "array[int]"]:
        """For each segment, the number of the first path's chunk behind each of its chunks; -1 for other trees'."""
        homes = {segment: array("l", [-1]) * chunks for segment, chunks in self._store.segments().items()}
        for number in reversed(range(len(self.paths))):
            place = self._places[number]
            first = self.first_chunk[number]
            homes[place.segment][place.first : place.first + place.chunks] = array(
                "l", range(first, first + place.chunks)
            )
        return homes

    @cached_property
    def _twins(self) -> Mapping[int, Sequence[int]]:
        """First path's number -> numbers of further paths with the same content."""
        first: dict[int, int] = {}
        twins: dict[int, list[int]] = {}
        for number, place in enumerate(self._places):
            known = first.setdefault(place.id, number)
            if known != number:
                twins.setdefault(known, []).append(number)
        return twins

    def chunk_counts(self, term: str) -> list[tuple[int, int]]:
        """Chunk and count wherever a term stands, sorted by chunk."""
        found: list[tuple[int, int]] = []
        for segment, data in self._store.postings(term):
            home = self._homes.get(segment)
            if home is None:
                continue
            for entry in unpack(data):
                chunk = home[entry >> COUNT_BITS]
                if chunk >= 0:
                    found.append((chunk, entry & MOST_COUNTED))
        if self._twins:
            found.extend(self._of_twins(found))
        found.sort()
        return found

    def _of_twins(self, found: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        more: list[tuple[int, int]] = []
        for chunk, count in found:
            file = self.file_of[chunk]
            for twin in self._twins.get(file, ()):
                more.append((chunk - self.first_chunk[file] + self.first_chunk[twin], count))
        return more

    def definers(self, name: str) -> list[int]:
        """Files that define a name."""
        return [self.file_of[chunk] for chunk, _ in self.chunk_counts(DEFINES + name)]

    def users(self, name: str) -> list[tuple[int, int]]:
        """Files that use a name, and how often."""
        return [(self.file_of[chunk], count) for chunk, count in self.chunk_counts(REFERS + name)]
