"""Which chunks go into a window: a taste of many files first, then what fits best, until the room is used up.

Invariant: the passages together never take more than the room given; the choice depends on scores, paths and lines
alone.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from hybridcode.context.passages import Passage, Reader, Taken, joined, passage_of
from hybridcode.context.rank import Ranking
from hybridcode.context.scores import MILLION
from hybridcode.domain.window import Cut


@dataclass(frozen=True)
class Style:
    """How a window is filled."""

    share: int
    """Percent of the room that one file may take."""
    tastes: bool
    """Show a little of many files before much of a few."""
    least: int
    """A chunk worth less than this part of the best one is left out even where there is room; 0: none is."""


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
_BASE = 150_000
"""Worth of a chunk that fits not at all, in a file that does: beside its own millionths."""
_MOST_CUT = 12
_MOST_CUT_OF_FILE = 3


@dataclass(frozen=True)
class _Candidate:
    """A chunk that may be shown. Sorted by worth, path and line."""

    worth: int
    path: str
    file: int
    chunk: int
    start: int
    end: int

    @property
    def order(self) -> tuple[int, str, int]:
        return (-self.worth, self.path, self.start)


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
        ranking=ranking, room=room, cap=room * (100 if only is not None else style.share) // 100, taken=taken
    )
    candidates = sorted(_candidates(ranking, only), key=lambda candidate: candidate.order)
    best: dict[int, list[_Candidate]] = {}
    for candidate in candidates:
        best.setdefault(candidate.file, []).append(candidate)
    for file in ranked[: room // _ROOM_PER_TASTE if style.tastes else 0]:
        for candidate in best.get(file.file, [])[:_TASTED_CHUNKS]:
            if packing.add(candidate, most=_TASTE_BYTES) is None:
                break
    cut: list[Cut] = []
    of_file: Counter[int] = Counter()
    least = candidates[0].worth // style.least if style.least and candidates else -1
    for candidate in candidates:
        if candidate.worth <= least:
            break
        if candidate.chunk in packing.chosen:
            continue
        reason = packing.add(candidate)
        if reason and reason != _SHOWN and len(cut) < _MOST_CUT and of_file[candidate.file] < _MOST_CUT_OF_FILE:
            of_file[candidate.file] += 1
            cut.append(Cut(candidate.path, candidate.start, candidate.end, score=candidate.worth, reason=reason))
    order = {file.path: number for number, file in enumerate(ranked)}
    passages = joined(packing.reader, packing.chosen.values())
    passages.sort(key=lambda passage: (order[passage.excerpt.path], passage.excerpt.start))
    return Packed(tuple(passages), tuple(cut))


_SHOWN = "shown already"


@dataclass
class _Packing:
    """The room while it is filled."""

    ranking: Ranking
    room: int
    cap: int
    taken: Taken
    chosen: dict[int, Passage] = field(default_factory=dict[int, Passage])
    used: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        self.reader = Reader(self.ranking.corpus.snapshot)

    def add(self, candidate: _Candidate, *, most: int | None = None) -> str | None:
        """Take a chunk, or say why it cannot be taken."""
        chunk = self.ranking.corpus.chunk(candidate.chunk)
        if chunk is None or self.taken.overlaps(candidate.path, candidate.start, candidate.end):
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
        self.room -= size
        self.used[candidate.path] = used + size
        self.taken.add(candidate.path, candidate.start, candidate.end)
        self.chosen[candidate.chunk] = passage
        return None


def _candidates(ranking: Ranking, only: Collection[str] | None) -> Iterator[_Candidate]:
    corpus = ranking.corpus
    best = max((file.score for file in ranking.files), default=0)
    for file in ranking.files[:_MOST_FILES]:
        if only is not None and file.path not in only:
            continue
        likely = math.exp((file.score - best) / MILLION)
        first = corpus.first_chunk[file.file]
        for number, chunk in enumerate(corpus.record(file.file).chunks, first):
            worth = round(likely * (_BASE + ranking.chunks.get(number, 0)))
            yield _Candidate(worth, file.path, file.file, number, chunk.start, chunk.end)
