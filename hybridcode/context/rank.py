"""Which files and chunks a sentence is about.

Invariant: every signal is quantised to whole millionths before it is weighed or compared; equal scores are ordered by
path and line.
"""

import functools
import math
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import nsmallest
from typing import NamedTuple
from weakref import WeakKeyDictionary

from hybridcode.context import signals
from hybridcode.context.corpus import Corpus
from hybridcode.context.counted import Counts
from hybridcode.context.graph import Links, page_rank
from hybridcode.context.query import Query, read_query
from hybridcode.context.scores import MILLION, quantised
from hybridcode.context.store import IndexStore
from hybridcode.repo.collecting import collector_rests
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


_MOST_KEPT = 2


class RankedFile(NamedTuple):
    """A file with its score."""

    file: int
    """Number in the corpus."""
    path: str
    score: int
    """Weighted sum of the signals: log-odds in millionths; larger is better."""


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
    _signals: Mapping[str, Mapping[int, int]]

    def signals_of(self, file: int) -> dict[str, int]:
        """What speaks for a file and against it: signals in millionths of the best file's, without those of zero."""
        return {name: values[file] for name, values in self._signals.items() if values.get(file)}


_rankings: "WeakKeyDictionary[IndexStore, deque[Ranking]]" = WeakKeyDictionary()
"""The last ones of each index: how clear a task is and what is shown of it are asked one after the other."""


def rank(corpus: Corpus, sentence: str) -> Ranking:
    """Rank the files and chunks of a tree for a task or a step's goal."""
    lately = _rankings.setdefault(corpus.store, deque(maxlen=_MOST_KEPT))
    for known in tuple(lately):
        if known.query.text == sentence and known.corpus.reads_as(corpus):
            return replace(known, corpus=corpus)
    with collector_rests():
        found = _ranked(corpus, sentence)
    lately.append(found)
    return found


def _ranked(corpus: Corpus, sentence: str) -> Ranking:
    query = read_query(sentence)
    if not corpus.paths:
        return Ranking(corpus, query, (), {}, tuple(query.words), {})
    counts = corpus.chunk_counts(list(query.weights))
    chunks = signals.chunk_scores(corpus, query, counts)
    found, weighed = _signals(corpus, query, counts, chunks)
    files = [RankedFile(file, corpus.paths[file], score) for file, score in weighed]
    frames = signals.framed(corpus, query)
    return Ranking(
        corpus=corpus,
        query=query,
        files=tuple(files),
        chunks=_with_frames(corpus, quantised(chunks), frames),
        unmatched=tuple(word for word, parts in query.words.items() if not any(counts[part] for part in parts)),
        _signals=found,
    )


def _signals(
    corpus: Corpus, query: Query, counts: Mapping[str, Counts], chunks: Mapping[int, float]
) -> tuple[dict[str, dict[int, int]], list[tuple[int, int]]]:
    """The signals, and the files weighed by them, best first."""
    by_file = signals.counts_of_files(corpus, counts)
    found = {
        "body": quantised(signals.body(corpus, query, by_file)),
        "chunk": quantised(signals.best_chunks(corpus, chunks)),
        "coverage": quantised(signals.coverage(corpus, query, by_file)),
        "path": quantised(signals.paths(corpus, query)),
        "defined": quantised(signals.defined(corpus, query)),
        "mention": quantised(signals.mentioned(corpus, query)),
        "frame": dict.fromkeys(signals.framed(corpus, query), MILLION),
        "recent": quantised(signals.recent(corpus, corpus.history)),
        "past": quantised(signals.past(corpus, corpus.history, query)),
    }
    mix = {file: value // 100 for file, value in _summed(found, _SEED_MIX).items()}
    seeds = nsmallest(_SEEDS, ((-weight, file) for file, weight in mix.items()))
    shares = page_rank(Links(corpus), {file: float(minus) ** 2 for minus, file in seeds})
    found["graph"] = quantised({file: share**0.5 for file, share in shares.items()})
    found["tested"] = quantised(signals.tested(corpus, mix))
    candidates = set[int]().union(*(values for name, values in found.items() if name not in _SILENT))
    found |= _priors(corpus, query, candidates)
    sums = _summed(found, WEIGHTS)
    first = nsmallest(_LIKELY, ((-(sums[file] // 100), file) for file in candidates))
    found["folder"] = quantised(signals.neighbours(corpus, _likely(first)))
    for file, value in found["folder"].items():
        sums[file] = sums.get(file, 0) + WEIGHTS["folder"] * value
    weighed = {file: sums[file] // 100 for file in sorted(candidates)}
    return found, sorted(weighed.items(), key=_minus_score)


def _minus_score(weighed: tuple[int, int]) -> int:
    return -weighed[1]


def _priors(corpus: Corpus, query: Query, candidates: Iterable[int]) -> dict[str, dict[int, int]]:
    """What speaks against files by their paths alone."""
    found: dict[str, dict[int, int]] = {"aside": {}, "prose": {}, "plain": {}}
    for file in candidates:
        is_aside, is_prose, is_plain = _read_path(corpus.paths[file])
        if is_aside and not query.asks_for_tests:
            found["aside"][file] = MILLION
        if is_prose and not query.asks_for_prose:
            found["prose"][file] = MILLION
        if is_plain and not is_prose:
            found["plain"][file] = MILLION
    return found


@functools.lru_cache(maxsize=65_536)
def _read_path(path: str) -> tuple[bool, bool, bool]:
    """It is a test, a fixture or documentation; it is documentation; it is not in a programming language."""
    return signals.is_aside(path), signals.is_prose(path), language_of(path) is None


def _likely(first: Sequence[tuple[int, int]]) -> dict[int, float]:
    """How likely each of the first files is, beside the best one; given as minus score and file."""
    return {file: math.exp((first[0][0] - minus) / MILLION) for minus, file in first}


def _summed(found: Mapping[str, Mapping[int, int]], weights: Mapping[str, int]) -> dict[int, int]:
    """Weighted sums by file, in hundredths of millionths."""
    sums = defaultdict[int, int](int)
    for name, weight in weights.items():
        for file, value in found.get(name, {}).items():
            sums[file] += weight * value
    return sums


def _with_frames(corpus: Corpus, chunks: Mapping[int, int], frames: Mapping[int, tuple[int, ...]]) -> dict[int, int]:
    """Chunks that hold a line of a traceback fit as well as the best one."""
    found = dict(chunks)
    for file, lines in frames.items():
        for number, chunk in enumerate(corpus.record(file).chunks, corpus.first_chunk[file]):
            if any(chunk.start <= line <= chunk.end for line in lines):
                found[number] = max(found.get(number, 0), _FRAME_BONUS)
    return found
