"""A task's sentence as ranking reads it: weighted terms, named files, lines of a traceback, words in quotes.

Invariant: a pure function of the sentence; terms are sorted.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from hybridcode.context.terms import identifiers, terms, terms_of, whole_of

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
    """Identifiers as written that can hardly be plain words: compounds, and single words in backticks. Sorted."""
    frames: tuple[tuple[str, int], ...]
    """Paths with line numbers, as they stand in a traceback."""
    phrases: tuple[str, ...]
    """What stands in quotes or backticks, in order of appearance."""
    asks_for_tests: bool
    asks_for_prose: bool


def read_query(text: str) -> Query:
    """Take a sentence apart. Its first line counts most, whole compound names more than their parts."""
    first, _, _ = text.strip().partition("\n")
    found: dict[str, float] = dict.fromkeys(terms(first), 1.0)
    for term in terms(text):
        found.setdefault(term, _REST_WEIGHT)
    for term in _neighbours(first):
        found.setdefault(term, _PAIR_WEIGHT)
    for term in _neighbours(text):
        found.setdefault(term, _PAIR_WEIGHT * _REST_WEIGHT)
    phrases = tuple(dict.fromkeys(next(filter(None, match.groups())) for match in _QUOTED.finditer(text)))
    return Query(
        text=text,
        weights={term: found[term] * (_WHOLE_WEIGHT if term.startswith("=") else 1.0) for term in sorted(found)},
        words={word: parts for word in sorted(set(identifiers(text))) if (parts := terms_of(word))},
        names=tuple(sorted({*_compounds(text), *(phrase for phrase in phrases if _CODE_WORD.fullmatch(phrase))})),
        frames=tuple((path, int(line)) for pattern in _FRAMES for path, line in pattern.findall(text)),
        phrases=phrases,
        asks_for_tests=bool(_ASKS_FOR_TESTS.search(text)),
        asks_for_prose=bool(_ASKS_FOR_PROSE.search(text)),
    )


def _neighbours(text: str) -> list[str]:
    """Neighbouring words as identifiers: `command palette` may be written `CommandPalette`."""
    runs = [_CODE_WORD.findall(run) for run in re.split(r"[^\w \-]+|\n", text)]
    return [whole_of(*pair) for run in runs for pair in pairwise(run) if all(len(word) > 1 for word in pair)]


def _compounds(text: str) -> list[str]:
    return [word for word in _CODE_WORD.findall(text) if _COMPOUND.search(word)]
