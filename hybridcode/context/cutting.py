"""Lines of a stretch that is too large to be shown whole: those that fit best what is looked for.

Invariant: what is chosen keeps to the room and depends on scores and lines alone; a chunk is whole where it fits, else
cut around its best lines.
"""

from collections.abc import Iterator, Mapping, Sequence

from hybridcode.context.passages import Passage, Reader, joined, lines_passage
from hybridcode.context.rank import Ranking
from hybridcode.context.scores import MILLION
from hybridcode.context.terms import terms

REASON = "asked"
_LEAST = MILLION // 8
"""Millionths of the best chunk's score below which a chunk has nothing to do with it."""
_LEAST_ROOM = 200
"""Bytes of room below which no chunk is cut."""


def best_passages(
    reader: Reader, ranking: Ranking, path: str, gaps: Sequence[tuple[int, int]], *, room: int
) -> list[Passage]:
    """The passages of lines `gaps` of a file that fit the ranking's sentence best, in order of line, in at most `room`
    bytes with their heading; none where nothing fits it."""
    found: list[Passage] = []
    for first, last in _by_fit(ranking, path, gaps):
        passage = lines_passage(reader, path, first, last, reason=REASON)
        left = room - sum(one.size for one in found) - passage.heading_size
        if passage.size > left:
            if left < _LEAST_ROOM or (cut := _best_run(reader, ranking, path, first, last, room=left)) is None:
                break
            passage = cut
        found.append(passage)
    return joined(reader, found)


def _by_fit(ranking: Ranking, path: str, gaps: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What the chunks of a file have in `gaps`, best first, as far as they fit at all."""
    corpus = ranking.corpus
    if (file := corpus.number.get(path)) is None:
        return
    chunks = enumerate(corpus.record(file).chunks, corpus.first_chunk[file])
    scored = [(-ranking.chunks.get(number, 0), chunk.start, chunk.end) for number, chunk in chunks]
    inside = [
        (minus, max(start, first), min(end, last))
        for minus, start, end in scored
        for first, last in gaps
        if start <= last and first <= end
    ]
    best = -min((minus for minus, _, _ in inside), default=0)
    for minus, first, last in sorted(inside):
        if best and -minus * MILLION >= best * _LEAST:
            yield first, last


def _best_run(reader: Reader, ranking: Ranking, path: str, start: int, end: int, *, room: int) -> Passage | None:
    """The run of lines in `start`..`end` that holds most of what is looked for in `room` bytes, that in its middle."""
    texts = [reader.text(path, line, line) for line in range(start, end + 1)]
    worth = [_worth(text, ranking.query.weights) for text in texts]
    sizes = [len(f"{line}: {text}".encode()) for line, text in enumerate(texts, start)]
    one = lines_passage(reader, path, start, start, reason=REASON)
    spent = one.size - len(one.lines.encode()) + len(f"s-{end}")
    runs = [(first, last) for first in range(len(texts)) if (last := _reach(sizes, first, room - spent)) > first]
    if not runs:
        return None
    first, last = max(runs, key=lambda run: (sum(worth[run[0] : run[1]]), -_off(worth, *run), -run[0]))
    passage = lines_passage(reader, path, start + first, start + last - 1, reason=REASON)
    return passage if passage.size <= room else None


def _reach(sizes: Sequence[int], first: int, room: int) -> int:
    """The end of the lines from `first` on that `room` bytes hold."""
    last = first
    while last < len(sizes) and sizes[last] <= room:
        room -= sizes[last]
        last += 1
    return last


def _off(worth: Sequence[int], first: int, last: int) -> int:
    """How far what counts lies from the middle of lines `first`..`last`."""
    counting = [line for line in range(first, last) if worth[line]]
    return abs((counting[0] - first) - (last - 1 - counting[-1])) if counting else 0


def _worth(text: str, weights: Mapping[str, float]) -> int:
    """Thousandths of weight of the terms in a line."""
    return sum(round(1_000 * weights[term]) for term in set(terms(text)) & weights.keys())
