"""Which words of a changed line changed.

Invariant: spans are ordered, do not overlap, and are empty when the two lines have too little in common to compare.
"""

import re
from difflib import SequenceMatcher
from functools import lru_cache

Span = tuple[int, int]
"""First index and index after the last, in characters."""

_WORD = re.compile(r"\w+|\s+|[^\w\s]")
_MAX_WORDS = 300
_MIN_ALIKE = 0.4


@lru_cache(maxsize=1024)
def word_changes(old: str, new: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Spans of `old` that were taken away and spans of `new` that were put in."""
    before, after = _WORD.findall(old), _WORD.findall(new)
    if max(len(before), len(after)) > _MAX_WORDS:
        return (), ()
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() < _MIN_ALIKE:
        return (), ()
    taken: list[Span] = []
    put: list[Span] = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            _add(taken, before, i1, i2)
            _add(put, after, j1, j2)
    return tuple(taken), tuple(put)


def _add(spans: list[Span], words: list[str], first: int, last: int) -> None:
    if first < last:
        start = sum(map(len, words[:first]))
        spans.append((start, start + sum(map(len, words[first:last]))))
