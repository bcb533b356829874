"""A task's sentence as ranking reads it: weighted terms, named files, lines of a traceback, words in quotes.

Invariant: a pure function of the sentence; terms are sorted.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from hybridcode.context.terms import STOP_WORDS, identifiers, terms_of, whole_of
from hybridcode.repo.grammars import language_of
from hybridcode.repo.sections import structured_language_of

_REST_WEIGHT = 0.35
"""A word below the first line counts this much of one in it."""
_WHOLE_WEIGHT = 1.5
_PAIR_WEIGHT = 0.5
"""Of two neighbouring words read as one identifier."""
_FRAMES = (
    re.compile(r'File "([^"\n]+)", line (\d+)'),
    re.compile(r"(?:^|[\s(\[])(?:file://)?([\w./\\@+-]+\.\w{1,6}):(\d+)(?::\d+)?\b"),
)
"""Python's tracebacks, then `path:line` as compilers, node, go and rust print it."""
_QUOTED = re.compile(r"`([^`\n]{2,80})`|\"([^\"\n]{4,80})\"|“([^”\n]{4,80})”|(?<!\w)'([^'\n]{4,80})'(?!\w)")
_CODE_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_COMPOUND = re.compile(r"[a-z0-9][A-Z]|[A-Za-z0-9]_[A-Za-z0-9]|[A-Z]{2,}[a-z]")
_DOTTED = re.compile(r"(?<![\w./\\@-])[A-Za-z_]\w*(?:(?:\.|::)[A-Za-z_]\w*)+(?![\w/\\])")
"""`Class.method`, `module.function` and `Type::method`."""
_CALLED = re.compile(r"(?<!\w)([A-Za-z_]\w+)\((?!e?s\))")
"""A name that is called; `file(s)` is none."""
_KINDS = r"(?:function|class|decorator|method|module|option|flag)"
_AFTER_KIND = re.compile(rf"\b{_KINDS} ([A-Za-z_]\w+)")
_BEFORE_KIND = re.compile(rf"(?:\b(the) )?\b([A-Za-z_]\w+) {_KINDS}\b", re.IGNORECASE)
_MODULE = re.compile(r"\bmodule ([A-Za-z_]\w+)|\b([A-Za-z_]\w+) module\b")
FILLER = frozenset(
    {
        "allow", "allows", "already", "always", "another", "any", "behave", "behaves", "both", "call", "called",
        "calling", "calls", "correct", "correctly", "currently", "each", "every", "everything", "give", "given",
        "gives", "instead", "keep", "keeps", "like", "likewise", "look", "looked", "looking", "looks", "may",
        "might", "must", "need", "needed", "needs", "never", "other", "please", "provide", "provides", "put", "rather",
        "replace", "replaced", "replaces", "replacing", "return", "returned", "returning", "returns", "same", "shall",
        "still", "take", "takes", "thing", "things", "value", "values", "want", "wants", "way", "whatever", "without",
        "work", "working", "works", "yet",
    }
)  # fmt: skip
"""Words of instructions, beside those that no index holds: they rank nothing unless they are written as code."""
_ASKS_FOR_TESTS = re.compile(r"\b(tests?|testing|specs?|benchmarks?|fixtures?)\b", re.IGNORECASE)
_ASKS_FOR_PROSE = re.compile(
    r"\b(docs?|documentation|documented|readme|changelog|examples?|tutorials?)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Query:
    """What a sentence asks for."""

    text: str
    weights: Mapping[str, float]
    """Weight of each term, sorted by term."""
    words: Mapping[str, tuple[str, ...]]
    """Words that count, as written, with their terms; sorted."""
    names: tuple[str, ...]
    """Identifiers as written that are hardly meant as plain words: compounds, single words in backticks, what is called
    or dotted, and a word right beside one for what it is (`the total function`). Sorted."""
    qualified: tuple[str, ...]
    """Dotted names as written (`Cart.total`), with dots; no paths. Sorted."""
    modules: tuple[str, ...]
    """Words right beside `module`, sorted."""
    frames: tuple[tuple[str, int], ...]
    """Paths with line numbers, as they stand in a traceback."""
    phrases: tuple[str, ...]
    """What stands in quotes or backticks, in order of appearance."""
    asks_for_tests: bool
    asks_for_prose: bool


def read_query(text: str) -> Query:
    """Take a sentence apart. Its first line counts most, whole compound names more than their parts."""
    first, _, _ = text.strip().partition("\n")
    phrases = tuple(dict.fromkeys(next(filter(None, match.groups())) for match in _QUOTED.finditer(text)))
    qualified = sorted({match.replace("::", ".") for match in _DOTTED.findall(text) if not _is_path(match)})
    names = sorted({*_compounds(text), *_written_as_code(text, phrases, qualified), *_beside_kinds(text)})
    words = {word: parts for word in sorted(set(identifiers(text))) if (parts := terms_of(word))}
    words = {word: parts for word, parts in words.items() if word in names or word.lower() not in FILLER} or words
    found: dict[str, float] = dict.fromkeys(_terms_in(first, words), 1.0)
    for term in _terms_in(text, words):
        found.setdefault(term, _REST_WEIGHT)
    for term in _neighbours(first):
        found.setdefault(term, _PAIR_WEIGHT)
    for term in _neighbours(text):
        found.setdefault(term, _PAIR_WEIGHT * _REST_WEIGHT)
    return Query(
        text=text,
        weights={term: found[term] * (_WHOLE_WEIGHT if term.startswith("=") else 1.0) for term in sorted(found)},
        words=words,
        names=tuple(names),
        qualified=tuple(qualified),
        modules=tuple(sorted({word for pair in _MODULE.findall(text) for word in pair if word})),
        frames=tuple((path, int(line)) for pattern in _FRAMES for path, line in pattern.findall(text)),
        phrases=phrases,
        asks_for_tests=bool(_ASKS_FOR_TESTS.search(text)),
        asks_for_prose=bool(_ASKS_FOR_PROSE.search(text)),
    )


def _terms_in(text: str, words: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Terms of the words that count, with repetitions."""
    return (term for word in identifiers(text) for term in words.get(word, ()))


def _written_as_code(text: str, phrases: Iterable[str], qualified: Iterable[str]) -> Iterator[str]:
    """Single words in quotes or backticks, what is called, and the parts of dotted names."""
    yield from (phrase for phrase in phrases if _CODE_WORD.fullmatch(phrase))
    yield from _CALLED.findall(text)
    yield from (part for name in qualified for part in name.split(".") if len(part) > 1)


def _beside_kinds(text: str) -> Iterator[str]:
    """Words right beside one for what they are; before it, a word of an instruction needs an article (`the add
    method`, neither `add method total` nor `a new method`)."""
    yield from (word for word in _AFTER_KIND.findall(text) if not _is_plain(word))
    yield from (word for the, word in _BEFORE_KIND.findall(text) if the or not _is_plain(word))


def _is_plain(word: str) -> bool:
    return word.lower() in STOP_WORDS or word.lower() in FILLER


def _is_path(name: str) -> bool:
    """`cart.py`, and `e.g`."""
    is_file = language_of(name) is not None or structured_language_of(name) is not None
    return is_file or all(len(part) < 2 for part in name.split("."))


def _neighbours(text: str) -> list[str]:
    """Neighbouring words as identifiers: `command palette` may be written `CommandPalette`."""
    runs = [_CODE_WORD.findall(run) for run in re.split(r"[^\w \-]+|\n", text)]
    return [whole_of(*pair) for run in runs for pair in pairwise(run) if all(len(word) > 1 for word in pair)]


def _compounds(text: str) -> list[str]:
    return [word for word in _CODE_WORD.findall(text) if _COMPOUND.search(word)]
