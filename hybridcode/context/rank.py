"""Which files and chunks a sentence is about: BM25 over split, stemmed identifiers, names and paths.

Invariant: every signal is quantised to whole millionths before it is weighed or compared; equal scores are ordered by
path and line. BM25 as Robertson and Zaragoza give it (k1 = 1.2, b = 0.75).
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from hybridcode.context.records import FileRecord, record_of
from hybridcode.context.terms import terms
from hybridcode.repo.snapshot import Snapshot

MILLION = 1_000_000
WEIGHTS: Mapping[str, int] = {"body": 100, "chunk": 100, "symbol": 30, "path": 220, "mention": 300, "prior": -100}
"""Hundredths that each signal (0 to a million) counts."""

Key = TypeVar("Key", str, tuple[str, int])

_K1 = 1.2
_B = 0.75
_NAME_WEIGHT = 1.2
_REST_WEIGHT = 0.35
"""A word below the first line of the sentence counts this much of one in it."""
_WHOLE_WEIGHT = 1.5
_ASIDE = re.compile(
    r"(^|/)(tests?|testing|__tests__|specs?|testdata|fixtures|e2e|docs?|examples?|benchmarks?|snapshots?)(/|$)"
    r"|(^|/)(test_[^/]*|conftest\.py|[^/]*_test\.[a-z]+|[^/]*\.(test|spec)\.[a-z]+)$"
    r"|\.(md|mdx|rst|txt|adoc)$",
    re.IGNORECASE,
)
_ASKS_FOR_ASIDE = re.compile(r"\b(tests?|testing|specs?|docs?|documentation|readme|examples?|benchmarks?)\b", re.I)
_GENERATED = re.compile(
    r"(^|/)(package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|uv\.lock|poetry\.lock|Pipfile\.lock"
    r"|Cargo\.lock|go\.sum|composer\.lock|Gemfile\.lock)$|\.(min\.(js|css)|map|svg|csv|tsv|lock|snap|po|ipynb)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class RankedFile:
    """A file with its score and where it came from."""

    path: str
    score: int
    """Weighted sum of the signals, in millionths; larger is better."""
    signals: Mapping[str, int]
    """Each signal in millionths of the best file's."""


@dataclass(frozen=True)
class Ranking:
    """Files that have anything to do with the sentence, best first, and how well each chunk of them fits."""

    files: tuple[RankedFile, ...]
    chunks: Mapping[tuple[str, int], int]
    """Millionths of the best chunk's score, by path and first line."""
    records: Mapping[str, FileRecord]
    """Records of all files that were looked at."""


def records(snapshot: Snapshot) -> dict[str, FileRecord]:
    """Records of the text files of a tree, without lock files and other generated ones, by path."""
    return {
        path: record_of(path, snapshot.read(path))
        for path, entry in snapshot.files.items()
        if entry.kind == "text" and not _GENERATED.search(path)
    }


def rank(snapshot: Snapshot, sentence: str) -> Ranking:
    """Rank the files and chunks of a tree for a task or a step's goal."""
    known = records(snapshot)
    query = _weights(sentence)
    chunk_scores = _chunk_scores(known, query)
    signals = {
        "body": _body(known, query),
        "chunk": _best_chunks(known, chunk_scores),
        "symbol": _bm25(
            {path: Counter(terms(" ".join(s.bare_name for s in record.symbols))) for path, record in known.items()},
            query,
        ),
        "path": _bm25({path: Counter(terms(re.sub(r"[/.\-]", " ", path))) for path in known}, query),
        "mention": {path: float(_is_mentioned(path, sentence)) for path in known},
    }
    quantised = {name: _quantised(values) for name, values in signals.items()}
    asks_for_aside = bool(_ASKS_FOR_ASIDE.search(sentence))
    files: list[RankedFile] = []
    for path in sorted(known):
        found = {name: values[path] for name, values in quantised.items()}
        if not any(found.values()):
            continue
        found["prior"] = MILLION if _ASIDE.search(path) and not asks_for_aside else 0
        score = sum(WEIGHTS[name] * value for name, value in found.items()) // 100
        files.append(RankedFile(path=path, score=max(1, score), signals=found))
    files.sort(key=lambda file: (-file.score, file.path))
    return Ranking(files=tuple(files), chunks=_quantised(chunk_scores), records=known)


def _weights(sentence: str) -> dict[str, float]:
    """Terms of the sentence by weight: its first line counts most, whole compound names more than their parts."""
    first, _, _ = sentence.strip().partition("\n")
    found: dict[str, float] = dict.fromkeys(terms(first), 1.0)
    for term in terms(sentence):
        found.setdefault(term, _REST_WEIGHT)
    return {term: found[term] * (_WHOLE_WEIGHT if term.startswith("=") else 1.0) for term in sorted(found)}


def _body(known: Mapping[str, FileRecord], query: Mapping[str, float]) -> dict[str, float]:
    counts = {path: _wanted(record, query) for path, record in known.items()}
    return _bm25(counts, query, lengths={path: record.length for path, record in known.items()})


def _wanted(record: FileRecord, query: Mapping[str, float]) -> Counter[str]:
    total: Counter[str] = Counter()
    for chunk in record.chunks:
        for term in query:
            total[term] += chunk.counts.get(term, 0)
    return total


def _chunk_scores(known: Mapping[str, FileRecord], query: Mapping[str, float]) -> dict[tuple[str, int], float]:
    """Score of every chunk by its text and, a little more, by its name."""
    chunks = [((path, chunk.start), chunk) for path in sorted(known) for chunk in known[path].chunks]
    texts = {key: chunk.counts for key, chunk in chunks}
    lengths = {key: sum(chunk.counts.values()) for key, chunk in chunks}
    by_text = _bm25(texts, query, lengths=lengths)
    by_name = _bm25({key: Counter(terms(chunk.name.replace(".", " "))) for key, chunk in chunks}, query)
    return {key: by_text[key] + _NAME_WEIGHT * by_name[key] for key in texts}


def _best_chunks(known: Mapping[str, FileRecord], scores: Mapping[tuple[str, int], float]) -> dict[str, float]:
    return {
        path: max((scores[path, chunk.start] for chunk in record.chunks), default=0.0) for path, record in known.items()
    }


def _bm25(
    documents: Mapping[Key, Mapping[str, int]],
    query: Mapping[str, float],
    *,
    lengths: Mapping[Key, int] | None = None,
) -> dict[Key, float]:
    """BM25 of every document. Terms are summed in the order of `query`, which is sorted."""
    sizes = lengths or {key: sum(counts.values()) for key, counts in documents.items()}
    number = len(documents)
    average = (sum(sizes.values()) / number if number else 0) or 1.0
    having = {term: sum(1 for counts in documents.values() if counts.get(term)) for term in query}
    rarity = {term: math.log(1 + (number - have + 0.5) / (have + 0.5)) for term, have in having.items()}
    scores: dict[Key, float] = {}
    for key, counts in documents.items():
        norm = _K1 * (1 - _B + _B * sizes[key] / average)
        score = 0.0
        for term, weight in query.items():
            if count := counts.get(term, 0):
                score += weight * rarity[term] * count * (_K1 + 1) / (count + norm)
        scores[key] = score
    return scores


def _quantised(values: Mapping[Key, float]) -> dict[Key, int]:
    """Whole millionths of the largest value."""
    largest = max(values.values(), default=0.0)
    return {key: round(value * MILLION / largest) if largest > 0 else 0 for key, value in values.items()}


def _is_mentioned(path: str, sentence: str) -> bool:
    """The sentence names the file, with or without its folder."""
    return any(_names(name, sentence) for name in _mentionable(path))


def _mentionable(path: str) -> Iterable[str]:
    name = path.rpartition("/")[2]
    return (path, name) if "." in name.lstrip(".") else (path,)


def _names(name: str, sentence: str) -> bool:
    at = sentence.find(name)
    while at >= 0:
        before, after = sentence[:at], sentence[at + len(name) :]
        if not re.search(r"[\w.-]\Z", before) and not re.match(r"\w", after):
            return True
        at = sentence.find(name, at + 1)
    return False
