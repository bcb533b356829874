"""Words of code and prose as terms that can be counted: identifiers split and stemmed.

Invariant: a pure function of the text; the order of terms is the order of the text.
"""

import functools
import re
from collections import Counter

_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_a-zA-Z]+")
_ENDINGS = ("ations", "ation", "ings", "ing", "ers", "ies", "ied", "er", "ed", "es", "s", "e")
_SHORTEST_STEM = 3
_WHOLE = 6
"""Compound identifiers of at least this length also count as a whole, marked with `=`."""
_LONGEST_WORD = 64
"""Longer runs of word characters are data (hashes, base64): they are not split."""
STOP_WORDS = frozenset(
    {
        "a", "add", "added", "adding", "adds", "also", "an", "and", "are", "as", "at", "be", "been", "by", "can",
        "change", "changed", "changes", "could", "did", "do", "does", "ensure", "feat", "fix", "fixed", "fixes",
        "for", "from", "had", "has", "have", "how", "i", "if", "in", "instead", "into", "is", "it", "its", "just",
        "let", "make", "makes", "more", "new", "no", "not", "now", "of", "on", "one", "only", "or", "our", "out",
        "over", "refactor", "remove", "removed", "should", "so", "some", "such", "support", "than", "that", "the",
        "their", "them", "then", "there", "these", "they", "this", "those", "to", "too", "up", "update", "updated",
        "updates", "us", "use", "used", "uses", "using", "via", "was", "we", "were", "what", "when", "where", "which",
        "while", "who", "why", "will", "with", "would", "you", "your",
    }
)  # fmt: skip


def terms(text: str) -> list[str]:
    """Terms of all identifiers in `text`, with repetitions."""
    return [term for word in _IDENTIFIER.findall(text) for term in terms_of(word)]


def term_counts(text: str) -> dict[str, int]:
    """How often each term stands in `text`."""
    counts: dict[str, int] = {}
    for word, times in Counter(_IDENTIFIER.findall(text)).items():
        for term in terms_of(word):
            counts[term] = counts.get(term, 0) + times
    return counts


def identifiers(text: str) -> list[str]:
    """Identifiers of `text` as they are written, with repetitions."""
    return _IDENTIFIER.findall(text)


@functools.lru_cache(maxsize=65_536)
def terms_of(word: str) -> tuple[str, ...]:
    """Terms of one identifier: its stemmed parts, and itself if it is a compound."""
    if len(word) > _LONGEST_WORD:
        return ()
    parts = [part.lower() for part in _PART.findall(word)]
    stems = [_stem(part) for part in parts if len(part) > 1 and part not in STOP_WORDS]
    if len(parts) > 1 and len(word) >= _WHOLE:
        stems.append(whole_of(word))
    return tuple(stems)


def whole_of(*words: str) -> str:
    """The term of words as one identifier, however it is written: `text_area`, `TextArea` and `text area` are one."""
    return "=" + "".join(words).replace("_", "").lower()


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word[: -len(ending)] + ("y" if ending in ("ies", "ied") else "")
    return word
