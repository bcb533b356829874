"""Which file each chunk of a tree belongs to, and where the index keeps it; renewed, not made again, after an edit.

Invariant: a renewed layout is equal to the one that is made from the places alone.
"""

import operator
from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from hybridcode.context.segments import NUMBERS
from hybridcode.context.store import IndexStore, StoredFile

_ID = operator.attrgetter("id")
Places = tuple[StoredFile, ...]
"""Where the chunks of each file of a tree are kept, in order of path."""
_MOST_CHANGED = 8
"""Of more files that differ, beginning anew costs little more."""


@dataclass(frozen=True)
class Layout:
    """Files are counted in order of path, chunks in order of file and line."""

    places: Places
    first_chunk: "array[int]"
    """Number of each file's first chunk."""
    file_of: "array[int]"
    """The file of each chunk."""
    lengths: "array[int]"
    """Identifiers in each chunk."""
    file_lengths: "array[int]"
    """Identifiers in each file."""
    homes: Mapping[int, "array[int]"]
    """For each segment, the number of the first path's chunk behind each of its chunks; -1 for other trees'."""
    first_homes: Mapping[int, Mapping[int, int]]
    """For each segment, the number of the first path behind the first chunk of each content."""
    twins: Mapping[int, Sequence[int]]
    """First path's number -> numbers of further paths with the same content."""


_layouts: "WeakKeyDictionary[IndexStore, Layout]" = WeakKeyDictionary()
"""The last one of each index."""


def layout_of(store: IndexStore, places: Places) -> Layout:
    """The layout of a tree with these places.

    Raises: IndexBroken.
    """
    known = _layouts.get(store)
    if known is not None and known.places is places:
        return known
    changed = changed_files(known.places, places) if known is not None else None
    if known is None or changed is None:
        found = _made(places, store.segments())
    else:
        found = _renewed(known, places, changed, store.segments())
    _layouts[store] = found
    return found


def changed_files(old: Places, new: Places) -> Collection[int] | None:
    """The files that differ, sorted; None where that does not tell all: chunks are numbered otherwise, many files
    differ, or one that differs has a copy in either tree."""
    if old is new:
        return ()
    if len(old) != len(new):
        return None
    differing = [file for file, (a, b) in enumerate(zip(old, new, strict=True)) if a is not b and a.id != b.id]
    if len(differing) > _MOST_CHANGED or any(old[file].chunks != new[file].chunks for file in differing):
        return None
    for places in (old, new):
        ids = {places[file].id for file in differing}
        if sum(map(ids.__contains__, map(_ID, places))) > len(differing):
            return None
    return differing


def _made(places: Places, segments: Mapping[int, int]) -> Layout:
    firsts, files = array("l"), array("l")
    lengths: array[int] = array(NUMBERS)
    first_number: dict[int, int] = {}
    twins: dict[int, list[int]] = {}
    for number, place in enumerate(places):
        firsts.append(len(files))
        files.extend(array("l", [number]) * place.chunks)
        lengths.extend(place.lengths)
        if (known := first_number.setdefault(place.id, number)) != number:
            twins.setdefault(known, []).append(number)
    homes = {segment: _nobody(chunks) for segment, chunks in segments.items()}
    first_homes: dict[int, dict[int, int]] = {}
    for number in first_number.values():
        _settle(homes[places[number].segment], places[number], firsts[number])
        first_homes.setdefault(places[number].segment, {})[places[number].first] = number
    sums = array("l", [sum(place.lengths) for place in places])
    return Layout(places, firsts, files, lengths, sums, homes, first_homes, twins)


def _renewed(known: Layout, places: Places, changed: Collection[int], segments: Mapping[int, int]) -> Layout:
    """The layout with the changed files in place of what they were; nothing that is known is touched."""
    lengths, sums = known.lengths[:], known.file_lengths[:]
    homes, first_homes = dict(known.homes), dict(known.first_homes)
    for file in changed:
        old, new, first = known.places[file], places[file], known.first_chunk[file]
        lengths[first : first + new.chunks] = array(NUMBERS, new.lengths)
        sums[file] = sum(new.lengths)
        homes[old.segment] = homes[old.segment][:]
        homes[old.segment][old.first : old.first + old.chunks] = _nobody(old.chunks)
        first_homes[old.segment] = {at: number for at, number in first_homes[old.segment].items() if number != file}
        homes[new.segment] = homes[new.segment][:] if new.segment in homes else _nobody(segments[new.segment])
        _settle(homes[new.segment], new, first)
        first_homes[new.segment] = {**first_homes.get(new.segment, {}), new.first: file}
    return Layout(places, known.first_chunk, known.file_of, lengths, sums, homes, first_homes, known.twins)


def _nobody(chunks: int) -> "array[int]":
    return array("l", [-1]) * chunks


def _settle(home: "array[int]", place: StoredFile, first: int) -> None:
    home[place.first : place.first + place.chunks] = array("l", range(first, first + place.chunks))
