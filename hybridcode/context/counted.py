"""Where terms stand in a tree, remembered from question to question: after an edit only the edited files are counted.

Invariant: what is remembered is the same, to the last entry, as what counting the whole tree again would give; that it
was remembered shows in nothing but the time it takes.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from hybridcode.context.layout import Places, changed_files
from hybridcode.context.segments import entries
from hybridcode.context.store import IndexStore

Counts = Sequence[tuple[int, int]]
"""Chunk and count, sorted by chunk."""
_MOST_ENTRIES = 150_000
"""Chunks and counts that are remembered of one index, about 100 bytes each."""

_MOST_COMPARED = 8


@dataclass
class Counted:
    """What was counted lately in trees of one index."""

    _known: dict[str, tuple[Places, Counts]] = field(default_factory=dict[str, tuple[Places, Counts]])
    _entries: int = 0
    _compared: list[tuple[Places, Places, Collection[int] | None]] = field(
        default_factory=list[tuple[Places, Places, "Collection[int] | None"]]
    )
    """Pairs of trees compared lately: terms were counted last in several of them."""

    def of(
        self,
        term: str,
        places: Places,
        packed: Sequence[tuple[int, bytes]],
        *,
        first_chunk: Sequence[int],
        count: Callable[[Sequence[tuple[int, bytes]]], Counts],
    ) -> Counts:
        """The counts of a term, `packed` as the index holds them, in the tree with these places; `count` counts it."""
        known = self._known.get(term)
        if known is None:
            found = count(packed)
        else:
            changed = self._changed(known[0], places)
            found = count(packed) if changed is None else _renewed(known[1], places, changed, packed, first_chunk)
        self._keep(term, places, found, len(known[1]) if known else 0)
        return found

    def _keep(self, term: str, places: Places, found: Counts, before: int) -> None:
        self._entries += len(found) - before
        if self._entries > _MOST_ENTRIES:
            self._known.clear()
            self._entries = len(found)
        self._known[term] = places, found

    def _changed(self, old: Places, new: Places) -> Collection[int] | None:
        for before, after, changed in self._compared:
            if before is old and after is new:
                return changed
        changed = changed_files(old, new)
        self._compared = [*self._compared[1 - _MOST_COMPARED :], (old, new, changed)]
        return changed


_counted: "WeakKeyDictionary[IndexStore, Counted]" = WeakKeyDictionary()


def counted_in(store: IndexStore) -> Counted:
    """What is remembered of the trees in an index."""
    return _counted.setdefault(store, Counted())


def _renewed(
    known: Counts,
    places: Places,
    changed: Collection[int],
    packed: Sequence[tuple[int, bytes]],
    first_chunk: Sequence[int],
) -> Counts:
    """The counts with those of the changed files in place of what these held before."""
    if not changed:
        return known
    found = list(known)
    for file in changed:
        place, first = places[file], first_chunk[file]
        counts: dict[int, int] = {}
        for data in (data for segment, data in packed if segment == place.segment):
            for chunk, count in entries(data):
                if place.first <= chunk < place.first + place.chunks:
                    number = first + chunk - place.first
                    counts[number] = counts.get(number, 0) + count
        low, high = bisect_left(found, (first,)), bisect_left(found, (first + place.chunks,))
        found[low:high] = sorted(counts.items())
    return found
