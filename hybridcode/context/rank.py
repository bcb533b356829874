"""Which files and chunks a sentence is about.

Invariant: every signal is quantised to whole millionths before it is weighed or compared; equal scores are ordered by
path and line.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hybridcode.context import signals
from hybridcode.context.corpus import Corpus
from hybridcode.context.graph import Links, page_rank
from hybridcode.context.query import Query, read_query
from hybridcode.context.scores import MILLION, quantised
from hybridcode.repo.grammars import language_of

WEIGHTS: Mapping[str, int] = {
    "body": 213,
    "chunk": 97,
    "coverage": 67,
    "path": 88,
    "graph": 154,
    "tested": 52,
    "folder": 84,
    "recent": 92,
    "past": 149,
    "defined": 68,
    "mention": 200,
    "frame": 200,
    "aside": -307,
    "prose": -261,
    "plain": -261,
}
"""Hundredths of log-odds that each signal (0 to a million) adds to a file's: fitted by softmax regression on which
files 611 commits of 26 repositories changed (docs/benchmarks.md); `mention` and `frame` are set by hand."""
_SILENT = frozenset({"recent", "folder"})
"""Signals that say nothing about the sentence by themselves."""
_SEED_MIX: Mapping[str, int] = {"body": 100, "path": 70, "defined": 50, "chunk": 70}
_SEEDS = 15
_LIKELY = 20
"""Files whose neighbours in their folder gain by them."""
_FRAME_BONUS = MILLION


@dataclass(frozen=True)
class RankedFile:
    """A file with its score and where it came from."""

    file: int
    """Number in the corpus."""
    path: str
    score: int
    """Weighted sum of the signals: log-odds in millionths; larger is better."""
    signals: Mapping[str, int]
    """Each signal in millionths of the best file's; those of zero are left out."""


@dataclass(frozen=True)
class Ranking:
    """Files that have anything to do with the sentence, best first, and how well each chunk of them fits."""

    corpus: Corpus
    query: Query
    files: tuple[RankedFile, ...]
    chunks: Mapping[int, int]
    """Millionths of the best chunk's score, by the chunk's number in the corpus."""
    unmatched: tuple[str, ...]
    """Words of the sentence of which nothing stands in the tree, sorted."""


def rank(corpus: Corpus, sentence: str) -> Ranking:
    """Rank the files and chunks of a tree for a task or a step's goal."""
    query = read_query(sentence)
    if not corpus.paths:
        return Ranking(corpus, query, (), {}, tuple(query.words))
    counts = corpus.chunk_counts(list(query.weights))
    chunks = signals.chunk_scores(corpus, query, counts)
    found = _signals(corpus, query, counts, chunks)
    files = _weighed(corpus, query, found)
    frames = signals.framed(corpus, query)
    return Ranking(
        corpus=corpus,
        query=query,
        files=files,
        chunks=_with_frames(corpus, quantised(chunks), frames),
        unmatched=tuple(word for word, parts in query.words.items() if not any(counts[part] for part in parts)),
    )


def _signals(
    corpus: Corpus, query: Query, counts: Mapping[str, list[tuple[int, int]]], chunks: Mapping[int, float]
) -> dict[str, dict[int, int]]:
    found = {
        "body": quantised(signals.body(corpus, query, counts)),
        "chunk": quantised(signals.best_chunks(corpus, chunks)),
        "coverage": quantised(signals.coverage(corpus, query, counts)),
        "path": quantised(signals.paths(corpus, query)),
        "defined": quantised(signals.defined(corpus, query)),
        "mention": quantised(signals.mentioned(corpus, query)),
        "frame": dict.fromkeys(signals.framed(corpus, query), MILLION),
        "recent": quantised(signals.recent(corpus, corpus.history)),
        "past": quantised(signals.past(corpus, corpus.history, query)),
    }
    mix = _weighted(found, _SEED_MIX)
    seeds = sorted(mix.items(), key=lambda item: (-item[1], item[0]))[:_SEEDS]
    shares = page_rank(Links(corpus), {file: float(weight) ** 2 for file, weight in seeds})
    found["graph"] = quantised({file: share**0.5 for file, share in shares.items()})
    found["tested"] = quantised(signals.tested(corpus, mix))
    found["folder"] = quantised(signals.neighbours(corpus, _likely(_weighed(corpus, query, found))))
    return found


def _likely(files: Sequence[RankedFile]) -> dict[int, float]:
    """How likely each of the first files is, beside the best one."""
    best = max((file.score for file in files), default=0)
    return {file.file: math.exp((file.score - best) / MILLION) for file in files[:_LIKELY]}


def _weighted(found: Mapping[str, Mapping[int, int]], weights: Mapping[str, int]) -> dict[int, int]:
    """Weighted sums by file, in millionths."""
    sums: dict[int, int] = {}
    for name in sorted(weights):
        for file, value in found.get(name, {}).items():
            sums[file] = sums.get(file, 0) + weights[name] * value
    return {file: value // 100 for file, value in sorted(sums.items())}


def _weighed(corpus: Corpus, query: Query, found: Mapping[str, Mapping[int, int]]) -> tuple[RankedFile, ...]:
    candidates = sorted({file for name, values in found.items() if name not in _SILENT for file in values})
    files: list[RankedFile] = []
    for file in candidates:
        path = corpus.paths[file]
        own = {name: values[file] for name, values in found.items() if file in values}
        if signals.is_aside(path) and not query.asks_for_tests:
            own["aside"] = MILLION
        if signals.is_prose(path):
            own["prose"] = 0 if query.asks_for_prose else MILLION
        elif language_of(path) is None:
            own["plain"] = MILLION
        score = sum(WEIGHTS[name] * value for name, value in own.items()) // 100
        files.append(RankedFile(file, path, score, {name: value for name, value in own.items() if value}))
    files.sort(key=lambda file: (-file.score, file.path))
    return tuple(files)


def _with_frames(corpus: Corpus, chunks: Mapping[int, int], frames: Mapping[int, tuple[int, ...]]) -> dict[int, int]:
    """Chunks that hold a line of a traceback fit as well as the best one."""
    found = dict(chunks)
    for file, lines in frames.items():
        for number, chunk in enumerate(corpus.record(file).chunks, corpus.first_chunk[file]):
            if any(chunk.start <= line <= chunk.end for line in lines):
                found[number] = max(found.get(number, 0), _FRAME_BONUS)
    return found
