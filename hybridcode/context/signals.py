"""What speaks for a file: one function for each signal that does not need another one.

Invariant: each gives values by file number, zero where left out; nothing but corpus and query goes in.
"""

import functools
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from hybridcode.context.corpus import Corpus
from hybridcode.context.counted import Counts
from hybridcode.context.query import Query
from hybridcode.context.scores import bm25, bm25_of_term, rarity, summed
from hybridcode.context.segments import NAME
from hybridcode.context.terms import terms
from hybridcode.repo.history import History

_NAME_WEIGHT = 1.2
_MOST_DEFINED = 5
"""A name that more files define does not point to any."""
_RECENT = 15
"""Commits after which a touch counts half."""
_FADED = 150
"""Commits after which a similar message has lost half of what age can take from it."""
_ASIDE = re.compile(
    r"(^|/)(tests?|testing|__tests__|specs?|testdata|fixtures|e2e|docs?|examples?|benchmarks?|snapshots?)(/|$)"
    r"|(^|/)(test_[^/]*|conftest\.py|[^/]*_test\.[a-z]+|[^/]*_spec\.rb|[^/]*\.(test|spec)\.[a-z]+)$",
    re.IGNORECASE,
)
_PROSE = re.compile(
    r"\.(md|mdx|rst|txt|adoc)$|(^|/)(docs?|examples?)(/|$)|(^|/)(changelog|license|readme)[^/]*$", re.IGNORECASE
)
_TEST_MARK = re.compile(r"^(test_|tests_|spec_)|(_test|_tests|_spec|\.test|\.spec|Tests?|Spec)$")
_TYPES = ".d.ts"
_SCRIPTS = (".js", ".mjs", ".cjs")

Values = Mapping[int, float]


def counts_of_files(corpus: Corpus, counts: Mapping[str, Counts]) -> dict[str, Mapping[int, int]]:
    """How often each term stands in each file that has it."""
    file_of = corpus.file_of
    by_file: dict[str, Mapping[int, int]] = {}
    for term, found in counts.items():
        sums: dict[int, int] = {}
        for chunk, count in found:
            file = file_of[chunk]
            sums[file] = sums.get(file, 0) + count
        by_file[term] = sums
    return by_file


def body(corpus: Corpus, query: Query, by_file: Mapping[str, Mapping[int, int]]) -> Values:
    """BM25 of whole files."""
    number = len(corpus.paths)
    average = sum(corpus.file_lengths) / number
    counts = {term: sums.items() for term, sums in by_file.items()}
    return bm25(counts, query.weights, number=number, lengths=corpus.file_lengths, average=average)


def chunk_scores(corpus: Corpus, query: Query, counts: Mapping[str, Counts]) -> Values:
    """BM25 of every chunk, by its text and, a little more, by its name. By chunk number."""
    number = len(corpus.lengths)
    average = sum(corpus.lengths) / number
    scores = dict(bm25(counts, query.weights, number=number, lengths=corpus.lengths, average=average))
    named = corpus.chunk_counts([NAME + term for term in query.weights])
    names = {term.removeprefix(NAME): places for term, places in named.items()}
    for chunk, score in summed(bm25_of_term(names[t], query.weights[t], number=number) for t in names).items():
        scores[chunk] = scores.get(chunk, 0.0) + _NAME_WEIGHT * score
    return scores


def best_chunks(corpus: Corpus, chunks: Values) -> Values:
    """Score of each file's best chunk."""
    found: dict[int, float] = {}
    file_of = corpus.file_of
    for chunk, score in chunks.items():
        file = file_of[chunk]
        if score > found.get(file, 0.0):
            found[file] = score
    return found


def coverage(corpus: Corpus, query: Query, by_file: Mapping[str, Mapping[int, int]]) -> Values:
    """How much of what the query asks for stands in a file at all, rare terms first."""
    number = len(corpus.paths)
    return summed(
        dict.fromkeys(files, query.weights[term] * rarity(number, len(files))) for term, files in by_file.items()
    )


def paths(corpus: Corpus, query: Query) -> Values:
    """BM25 of the paths."""
    known = sorted(query.weights.keys() & _path_postings(corpus.paths).keys())
    return summed(_path_parts(corpus.paths, term, query.weights[term]) for term in known)


@functools.lru_cache(maxsize=32)
def _path_parts(paths: tuple[str, ...], term: str, weight: float) -> Mapping[int, float]:
    """What a term adds to each path that has it; goals of one plan share most terms of their paths."""
    return bm25_of_term(_path_postings(paths)[term], weight, number=len(paths))


@functools.lru_cache(maxsize=2)
def _path_postings(paths: tuple[str, ...]) -> Mapping[str, Sequence[tuple[int, int]]]:
    """File and count wherever each term of a path stands; an edit leaves all paths as they are."""
    postings: dict[str, list[tuple[int, int]]] = {}
    for file, path in enumerate(paths):
        for term, count in Counter(path_terms(path)).items():
            postings.setdefault(term, []).append((file, count))
    return postings


@functools.lru_cache(maxsize=65_536)
def path_terms(path: str) -> tuple[str, ...]:
    """Terms of a path, without its ending."""
    return tuple(terms(re.sub(r"[/.\-]", " ", path.removesuffix(PurePosixPath(path).suffix))))


@functools.lru_cache(maxsize=65_536)
def stem_of(path: str) -> str:
    """The file's name without folder and ending."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[0] or name


def defined(corpus: Corpus, query: Query) -> Values:
    """Files that define a name that the query writes out, more for rare names."""
    parts: dict[int, list[float]] = {}
    for definers in corpus.definers(query.names, _MOST_DEFINED).values():
        for file in definers:
            parts.setdefault(file, []).append(1 / len(definers))
    return {file: math.fsum(values) for file, values in parts.items()}


def mentioned(corpus: Corpus, query: Query) -> Values:
    """Files that the query names, with or without their folder, or as a module."""
    found: dict[int, float] = dict.fromkeys(_modules(corpus, query), 0.8)
    for file, path in enumerate(corpus.paths):
        name = path.rpartition("/")[2]
        if name not in query.text:
            continue
        if _names(path, query.text):
            found[file] = 1.0
        elif "." in name.lstrip(".") and _names(name, query.text):
            found[file] = 0.8
    return found


def _modules(corpus: Corpus, query: Query) -> Sequence[int]:
    """Files called as a word that stands beside `module`, where it means one of them."""
    found: list[int] = []
    for name in query.modules:
        files = [
            file for file, path in enumerate(corpus.paths) if stem_of(path) == name and not is_beside(path, corpus)
        ]
        found += files if len(files) == 1 else []
    return found


def framed(corpus: Corpus, query: Query) -> Mapping[int, tuple[int, ...]]:
    """Files that stand in a traceback, with the lines named there."""
    found: dict[int, list[int]] = {}
    for name, line in query.frames:
        wanted = name.replace("\\", "/").removeprefix("./")
        matches = [
            file
            for file, path in enumerate(corpus.paths)
            if path == wanted or wanted.endswith("/" + path) or path.endswith("/" + wanted)
        ]
        for file in matches[:3]:
            found.setdefault(file, []).append(line)
    return {file: tuple(found[file]) for file in sorted(found)}


def is_aside(path: str) -> bool:
    """Tests, fixtures, documentation, examples."""
    return bool(_ASIDE.search(path))


def is_prose(path: str) -> bool:
    """Documentation."""
    return bool(_PROSE.search(path))


def is_beside(path: str, corpus: Corpus) -> bool:
    """A test, prose, or the types of a module that stands beside them."""
    return is_aside(path) or is_prose(path) or _tells_types(path, corpus)


def _tells_types(path: str, corpus: Corpus) -> bool:
    if path.endswith(_TYPES):
        return any(path.removesuffix(_TYPES) + end in corpus.number for end in _SCRIPTS)
    return path.endswith(".pyi") and path.removesuffix("i") in corpus.number


def is_test(path: str) -> bool:
    """What checks other files, or is there for that."""
    return is_aside(path) and not is_prose(path)


def tested(corpus: Corpus, lexical: Values) -> Values:
    """Files whose tests fit the query: `test_cart.py` speaks for `cart.py`."""
    if not lexical:
        return {}
    least = 0.4 * max(lexical.values())
    marks: dict[str, float] = {}
    for file, value in lexical.items():
        path = corpus.paths[file]
        if value > least and is_aside(path):
            name = _TEST_MARK.sub("", stem_of(path)).lower()
            if len(name) > 2:
                marks[name] = max(marks.get(name, 0.0), value)
    if not marks:
        return {}
    return {
        file: marks[name]
        for file, path in enumerate(corpus.paths)
        if (name := stem_of(path).lstrip("_").lower()) in marks and not is_aside(path)
    }


def neighbours(corpus: Corpus, likely: Values) -> Values:
    """How likely the other files of a file's folder are."""
    folders: dict[str, dict[int, float]] = {}
    for file, value in likely.items():
        folders.setdefault(_folder(corpus.paths[file]), {})[file] = value
    sums: dict[int, float] = {}
    for file, path in enumerate(corpus.paths):
        if (beside := folders.get(_folder(path))) and (
            near := [value for other, value in beside.items() if other != file]
        ):
            sums[file] = math.fsum(near)
    return sums


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def recent(corpus: Corpus, history: History) -> Values:
    """How often the last commits touched a file; wide commits count less."""
    parts: dict[int, list[float]] = {}
    for age, commit in enumerate(history.commits):
        for path in commit.files:
            if (file := corpus.number.get(path)) is not None:
                parts.setdefault(file, []).append(0.5 ** (age / _RECENT) / len(commit.files) ** 0.5)
    return {file: math.log1p(math.fsum(values)) for file, values in parts.items()}


def past(corpus: Corpus, history: History, query: Query) -> Values:
    """Files that commits with similar messages touched."""
    messages = [
        (age, commit, _message_terms(commit.message)) for age, commit in enumerate(history.commits) if commit.files
    ]
    number = max(1, len(messages))
    asked = query.weights.keys()
    having = Counter(term for _, _, words in messages for term in words & asked)
    parts: dict[int, list[float]] = {}
    for age, commit, words in messages:
        if words.isdisjoint(asked):
            continue
        likeness = math.fsum(
            weight * math.log(1 + number / having[term]) for term, weight in query.weights.items() if term in words
        )
        likeness /= 3 + len(words) ** 0.5
        worth = likeness**2 / len(commit.files) ** 0.5 * (0.5 + 0.5 * 0.5 ** (age / _FADED))
        for path in commit.files:
            if (file := corpus.number.get(path)) is not None:
                parts.setdefault(file, []).append(worth)
    return {file: math.log1p(math.fsum(values)) for file, values in parts.items()}


@functools.lru_cache(maxsize=4096)
def _message_terms(message: str) -> frozenset[str]:
    return frozenset(terms(message))


def _names(name: str, sentence: str) -> bool:
    at = sentence.find(name)
    while at >= 0:
        before, after = sentence[:at], sentence[at + len(name) :]
        if not re.search(r"[\w.-]\Z", before) and not re.match(r"\w", after):
            return True
        at = sentence.find(name, at + 1)
    return False
