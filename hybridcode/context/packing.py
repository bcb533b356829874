"""Which chunks go into a window: a taste of many files first, then what fits best, until the room is used up.

Invariant: the passages together never take more than the room given; the choice depends on scores, paths and lines
alone.
"""

import heapq
import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hybridcode.context.margins import Margin
from hybridcode.context.passages import Passage, Reader, Taken, joined, passage_of
from hybridcode.context.rank import RankedFile, Ranking
from hybridcode.context.records import Chunk
from hybridcode.context.scores import MILLION
from hybridcode.context.signals import is_test
from hybridcode.domain.window import Cut
from hybridcode.repo.classify import reads_as_prose


@dataclass(frozen=True)
class Style:
    """How a window is filled."""

    share: int
    """Percent of the room that one file may take."""
    tastes: bool
    """Show a little of many files before much of a few."""
    least: int
    """A chunk worth less than this part of the best one is left out even where there is room; 0: none is."""
    tests: int = 100
    """Percent of the room that all tests together may take."""
    prose: int = 100
    """Percent of the room that all documentation may take; without `least` also what all else leaves."""
    is_numbered: bool = False
    """Lines that have no name stand behind their numbers: it is for a planner."""


FINDING = Style(share=60, tastes=True, least=0)
"""The place of a change is looked for."""
EDITING = Style(share=40, tastes=False, least=50)
"""The place is known; what stands beside it only helps to write."""
_TASTE_BYTES = 1_500
"""Largest chunk that shows what a file is about."""
_ROOM_PER_TASTE = 2_000
"""Bytes of room for each file that is tasted."""
_TASTED_CHUNKS = 3
_MOST_FILES = 400
"""Files further down the ranking are not looked into."""
_BASE = 80_000
"""Worth of a chunk that fits not at all, in a file that does: beside its own millionths."""
_MOST_CUT = 12
_MOST_CUT_OF_FILE = 3
_LEAST_PASSAGE = 19
"""Bytes below which no passage is: a place, two fences and a line."""
_RECORDS_AT_ONCE = 16


class Candidate(NamedTuple):
    """A chunk that may be shown. Sorted by worth, path and line."""

    minus_worth: int
    path: str
    start: int
    file: int
    number: int
    """Of the chunk in the corpus."""
    chunk: Chunk

    @property
    def worth(self) -> int:
        return -self.minus_worth

    def cut(self, reason: str) -> Cut:
        """Say that it is not shown."""
        return Cut(self.path, self.start, self.chunk.end, score=self.worth, reason=reason)


@dataclass(frozen=True)
class Packed:
    """What was chosen, by rank of its file and line, and what would have come next."""

    passages: tuple[Passage, ...]
    cut: tuple[Cut, ...]


def pack(ranking: Ranking, *, room: int, taken: Taken, style: Style, only: Collection[str] | None = None) -> Packed:
    """Fill `room` bytes with the best chunks. `taken` grows by them.

    With `only`, those files are all that is looked at, and one may take all of the room.
    """
    ranked = [file for file in ranking.files[:_MOST_FILES] if only is None or file.path in only]
    if not ranked or room <= 0:
        return Packed((), ())
    packing = _Packing(
        ranking=ranking,
        room=room,
        cap=room * (100 if only is not None else style.share) // 100,
        tests=room * style.tests // 100,
        prose=room * style.prose // 100,
        taken=taken,
        margin=Margin(ranking.corpus) if style.is_numbered else None,
    )
    candidates = Candidates(ranking, ranked)
    for file in ranked[: room // _ROOM_PER_TASTE if style.tastes else 0]:
        for candidate in heapq.nsmallest(_TASTED_CHUNKS, candidates.of(file)):
            if packing.add(candidate, most=_TASTE_BYTES) is None:
                break
    cut = packing.fill(candidates, least=style.least)
    order = {file.path: number for number, file in enumerate(ranked)}
    passages = joined(packing.reader, packing.chosen.values())
    passages.sort(key=lambda passage: (order[passage.excerpt.path], passage.excerpt.start))
    return Packed(tuple(passages), tuple(cut))


_SHOWN = "shown already"
_LATER = "documentation has its share"


@dataclass
class _Packing:
    """The room while it is filled."""

    ranking: Ranking
    room: int
    cap: int
    tests: int
    """Bytes that are left for tests."""
    prose: int
    """Bytes that are left for documentation."""
    taken: Taken
    margin: Margin | None
    chosen: dict[int, Passage] = field(default_factory=dict[int, Passage])
    used: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        self.reader = Reader(self.ranking.corpus.snapshot, self.margin)

    def fill(self, candidates: "Candidates", *, least: int) -> list[Cut]:
        """Take what fits, best first, documentation above its share last; the first that does not, with the reason.

        Once enough of those are known, chunks that are larger than the room are no longer looked at.
        """
        cut: list[Cut] = []
        late: list[Candidate] = []
        of_file: Counter[int] = Counter()
        worst = -1
        for at, candidate in enumerate(candidates.in_order()):
            if at == 0 and least:
                worst = candidate.worth // least
            if candidate.worth <= worst or (self.room < _LEAST_PASSAGE and len(cut) == _MOST_CUT):
                break
            if candidate.number in self.chosen:
                continue
            reason = self.add(candidate)
            if reason == _LATER:
                late.append(candidate)
            elif reason and reason != _SHOWN and len(cut) < _MOST_CUT and of_file[candidate.file] < _MOST_CUT_OF_FILE:
                of_file[candidate.file] += 1
                cut.append(candidate.cut(reason))
            if len(cut) == _MOST_CUT:
                candidates.most_bytes = self.room
        self.prose = 0 if least else self.room
        left_out = [candidate.cut(_LATER) for candidate in late if self.add(candidate)]
        return [*cut, *left_out][:_MOST_CUT]

    def add(self, candidate: Candidate, *, most: int | None = None) -> str | None:
        """Take a chunk, or say why it cannot be taken."""
        chunk = candidate.chunk
        if self.taken.overlaps(candidate.path, candidate.start, chunk.end):
            return _SHOWN
        if chunk.size > (self.room if most is None else min(self.room, most)):
            return "no room"
        passage = passage_of(self.reader, candidate.path, chunk, reason="rank", score=candidate.worth)
        used = self.used.get(candidate.path, 0)
        size = passage.size + (0 if used else passage.heading_size)
        if size > self.room:
            return "no room"
        if used + size > self.cap:
            return "its file has its share"
        if is_test(candidate.path):
            if size > self.tests:
                return "tests have their share"
            self.tests -= size
        if reads_as_prose(candidate.path):
            if size > self.prose:
                return _LATER
            self.prose -= size
        self.room -= size
        self.used[candidate.path] = used + size
        self.taken.add(candidate.path, candidate.start, chunk.end)
        self.chosen[candidate.number] = passage
        return None


class Candidates:
    """The chunks of ranked files, looked at no earlier than their turn may come."""

    def __init__(self, ranking: Ranking, ranked: Sequence[RankedFile]) -> None:
        self._ranking = ranking
        self._ranked = ranked
        self._best = max((file.score for file in ranking.files), default=0)
        self.most_bytes: float = math.inf
        """Larger chunks are passed over."""

    def of(self, file: RankedFile) -> list[Candidate]:
        """The chunks of a file, in order of line."""
        likely, fits = self._likely(file), self._ranking.chunks
        chunks = self._ranking.corpus.record(file.file).chunks
        return [
            Candidate(-round(likely * (_BASE + fits.get(number, 0))), file.path, chunk.start, file.file, number, chunk)
            for number, chunk in enumerate(chunks, self._ranking.corpus.first_chunk[file.file])
            if chunk.size <= self.most_bytes
        ]

    def in_order(self) -> Iterator[Candidate]:
        """All chunks, best first. No chunk of a file is worth more than one that fits best would be."""
        waiting: list[Candidate] = []
        for at, file in enumerate(self._ranked):
            if at % _RECORDS_AT_ONCE == 0:
                self._ranking.corpus.records([other.file for other in self._ranked[at : at + _RECORDS_AT_ONCE]])
            most = round(self._likely(file) * (_BASE + MILLION))
            yield from self._taken_from(waiting, above=most)
            for candidate in self.of(file):
                heapq.heappush(waiting, candidate)
        yield from self._taken_from(waiting, above=-1)

    def _taken_from(self, waiting: list[Candidate], *, above: int) -> Iterator[Candidate]:
        while waiting and waiting[0].worth > above:
            if (candidate := heapq.heappop(waiting)).chunk.size <= self.most_bytes:
                yield candidate

    def _likely(self, file: RankedFile) -> float:
        return math.exp((file.score - self._best) / MILLION)
