"""A tree as ranking sees it: its files, their chunks, and where each term stands.

Invariant: everything here is a function of the sorted (path, content) list; in which order and how often files were
indexed is not visible.
"""

from array import array
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

from hybridcode.context.counted import Counts, counted_in
from hybridcode.context.layout import Layout, layout_of
from hybridcode.context.records import FileRecord
from hybridcode.context.render import shown_otherwise
from hybridcode.context.segments import COUNT_BITS, DEFINES, LEAST_NAME, MOST_COUNTED, REFERS, unpack
from hybridcode.context.store import IndexBroken, IndexStore, StoredFile
from hybridcode.repo.entry import Skipped
from hybridcode.repo.history import History
from hybridcode.repo.snapshot import Snapshot


class Link(NamedTuple):
    """A name that connects files."""

    definers: tuple[int, ...]
    users: tuple[tuple[int, int], ...]
    """Files that use it, and how often."""


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
    places: tuple[StoredFile, ...] = field(repr=False)
    """Where the index keeps each path's chunks."""
    _again: "Callable[[], Corpus]" = field(repr=False)
    """Makes the corpus of the whole snapshot once more, without the index on disk."""

    def without(self, paths: Collection[str]) -> "Corpus":
        """The same tree with some files out of sight, and without git's past: what the rest says by itself."""
        kept = [number for number, path in enumerate(self.paths) if path not in paths]
        return replace(
            self,
            paths=tuple(self.paths[number] for number in kept),
            history=History(None, reason="not looked at"),
            places=tuple(self.places[number] for number in kept),
        )

    def edited(
        self,
        snapshot: Snapshot,
        history: History,
        *,
        places: Mapping[str, StoredFile],
        again: "Callable[[], Corpus]",
    ) -> "Corpus":
        """The corpus of the tree in which the files of `places` have other contents, and nothing else is different."""
        all_places = list(self.places)
        for path, place in places.items():
            all_places[self.number[path]] = place
        return replace(self, snapshot=snapshot, history=history, places=tuple(all_places), _again=again)

    @property
    def store(self) -> IndexStore:
        """Where what is known of the files is kept."""
        return self._store

    def reads_as(self, other: "Corpus") -> bool:
        """Every question about its files and commits has the same answer as one about the other's."""
        return (
            self._store is other._store
            and self.paths == other.paths
            and self.places == other.places
            and self.history == other.history
        )

    def record(self, file: int) -> FileRecord:
        """The record of the `file`-th path."""
        return self._store.record_at_hand(self.places[file].id) or self.records([file])[file]

    def records(self, files: Collection[int]) -> dict[int, FileRecord]:
        """The records of several files, read together."""
        try:
            found = self._store.records({self.places[file].id for file in files})
        except IndexBroken:
            return self._whole.records(files)
        return {file: found[self.places[file].id] for file in files}

    def oddities(self, paths: Iterable[str]) -> list[str]:
        """Of some files, what their parser could not read and what a window shows other than it stands there."""
        notes: list[str] = []
        for path in dict.fromkeys(paths):
            if path in self.number and (note := self.record(self.number[path]).note):
                notes.append(f"{path} {note}")
            if path in self.snapshot.files:
                notes += shown_otherwise(path, self.snapshot.read(path))
        return notes

    @cached_property
    def number(self) -> Mapping[str, int]:
        """The place of each path in `paths`."""
        return _numbers(self.paths)

    @cached_property
    def _layout(self) -> Layout:
        return layout_of(self._store, self.places)

    @cached_property
    def _numbers(self) -> Layout:
        """Of a broken index the numbers of files and chunks are known all the same."""
        try:
            return self._layout
        except IndexBroken:
            return self._whole._layout

    @property
    def first_chunk(self) -> "array[int]":
        """Number of each file's first chunk."""
        return self._numbers.first_chunk

    @property
    def file_of(self) -> "array[int]":
        """The file of each chunk."""
        return self._numbers.file_of

    @property
    def lengths(self) -> "array[int]":
        """Identifiers in each chunk."""
        return self._numbers.lengths

    @property
    def file_lengths(self) -> "array[int]":
        """Identifiers in each file."""
        return self._numbers.file_lengths

    @cached_property
    def _whole(self) -> "Corpus":
        """The same corpus, for an index that turns out to be broken. Numbers of files and chunks are the same."""
        again = self._again()
        return again.without(set(again.paths) - set(self.paths))

    def chunk_counts(self, terms: Collection[str]) -> dict[str, Counts]:
        """Chunk and count wherever each term stands, sorted by chunk."""
        try:
            held, first = self._store.postings(terms), self._layout.first_chunk
        except IndexBroken:
            return self._whole.chunk_counts(terms)
        known = counted_in(self._store)
        return {
            term: known.of(term, self.places, packed, first_chunk=first, count=self._counts)
            for term, packed in held.items()
        }

    def _counts(self, packed: Sequence[tuple[int, bytes]]) -> Counts:
        homes, twins = self._layout.homes, self._layout.twins
        counts: dict[int, int] = {}
        for segment, data in packed:
            home = homes.get(segment)
            if home is None:
                continue
            for entry in unpack(data):
                chunk = home[entry >> COUNT_BITS]
                if chunk >= 0:
                    counts[chunk] = counts.get(chunk, 0) + (entry & MOST_COUNTED)
        found = list(counts.items())
        if twins:
            found.extend(self._of_twins(found))
        found.sort()
        return found

    def _of_twins(self, found: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        more: list[tuple[int, int]] = []
        layout = self._layout
        for chunk, count in found:
            file = layout.file_of[chunk]
            for twin in layout.twins.get(file, ()):
                more.append((chunk - layout.first_chunk[file] + layout.first_chunk[twin], count))
        return more

    def links(self, names: Collection[str], most: int) -> dict[str, Link]:
        """Files that define and use each of `names` that 1 to `most` files define; short names link nothing."""
        try:
            return self._links([name for name in names if len(name) >= LEAST_NAME], most)
        except IndexBroken:
            return self._whole.links(names, most)

    def definers(self, names: Collection[str], most: int) -> dict[str, tuple[int, ...]]:
        """Files that define each of `names`, however short, that 1 to `most` files define."""
        try:
            return {name: link.definers for name, link in self._links(names, most).items()}
        except IndexBroken:
            return self._whole.definers(names, most)

    def _links(self, names: Collection[str], most: int) -> dict[str, Link]:
        packed = self._store.links(names)
        found: dict[str, Link] = {}
        for name in names:
            definers = self._holders(packed.get(DEFINES + name, ()))
            if 0 < len(definers) <= most:
                users = self._holders(packed.get(REFERS + name, ()))
                found[name] = Link(tuple(file for file, _ in definers), tuple(users))
        return found

    def _holders(self, packed: Iterable[tuple[int, bytes]]) -> list[tuple[int, int]]:
        """File and count wherever a name is posted, sorted by file: names are posted with a file's first chunk."""
        first_homes, twins = self._layout.first_homes, self._layout.twins
        found: list[tuple[int, int]] = []
        for segment, data in packed:
            if (files := first_homes.get(segment)) is not None:
                for entry in unpack(data):
                    if (file := files.get(entry >> COUNT_BITS)) is not None:
                        found.append((file, entry & MOST_COUNTED))
        if twins:
            found.extend([(twin, count) for file, count in found for twin in twins.get(file, ())])
        found.sort()
        return found


@lru_cache(maxsize=4)
def _numbers(paths: tuple[str, ...]) -> Mapping[str, int]:
    return {path: number for number, path in enumerate(paths)}
