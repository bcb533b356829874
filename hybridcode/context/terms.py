"""Words of code and prose as terms that can be counted: identifiers split and stemmed.

Invariant: a pure function of the text; the order of terms is the order of the text.
"""

import functools
import re
from collections import Counter
from collections.abc import Mapping

_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_DIGITS = b"0123456789"
_LAST_DIGIT = ord("9")
_BLANKED = bytes(code if chr(code).isalnum() or code == ord("_") else ord(" ") for code in range(128)) + b" " * 128
"""What an ASCII byte becomes before words are split at blanks."""
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_a-zA-Z]+")
_ENDINGS = ("ations", "ation", "ings", "ing", "ers", "ies", "ied", "er", "ed", "es", "s", "e")
_SHORTEST_STEM = 3
_WHOLE = 6
"""Compound identifiers of at least this length also count as a whole, marked with `=`."""
_MOST_KNOWN = 200_000
_LONGEST_WORD = 64
"""Longer runs of word characters are data (hashes, base64): they are not split."""
_YOUNG_LETTERS = re.compile(
    "[\U0001123f-\U00011240\U00011f00-\U00011f5f\U0001342f-\U00013455\U0001b132\U0001b155\U0001d2c0-\U0001d2d3"
    "\U0001df25-\U0001df2a\U0001e030-\U0001e06d\U0001e4d0-\U0001e4f9\U0002b739\U0002ebf0-\U0002ee5d"
    "\U00031350-\U000323af]"
)
"""Letters only to Pythons after 3.11 (Unicode 15 and 15.1): to us they are none, so that all count the same words."""
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

_KEYWORDS = frozenset(
    {
        "bool", "cls", "const", "def", "elif", "else", "endif", "false", "fn", "func", "int", "len", "mut", "nil",
        "none", "null", "pub", "return", "self", "str", "true", "undefined", "var", "void",
    }
)  # fmt: skip
"""Words that stand everywhere in code and say nothing about it."""


def terms(text: str) -> list[str]:
    """Terms of all identifiers in `text`, with repetitions."""
    return [term for word in identifiers(text) for term in _known[word]]


def identifiers(text: str) -> list[str]:
    """Identifiers of `text` as they are written, with repetitions."""
    return _IDENTIFIER.findall(text if text.isascii() else _YOUNG_LETTERS.sub(" ", text))


def identifier_counts(data: bytes) -> Mapping[bytes, int]:
    """How often each of `identifiers` stands in a text of UTF-8, where other bytes are replaced. Words as UTF-8.

    Most code is ASCII, which splits at blanks several times as fast as by an expression.
    """
    if not data.isascii():
        found = Counter(identifiers(data.decode("utf-8", "replace")))
        return {word.encode(): count for word, count in found.items()}
    counts = Counter(data.translate(_BLANKED).split())
    for word in [word for word in counts if word[0] <= _LAST_DIGIT]:
        count = counts.pop(word)
        if name := word.lstrip(_DIGITS):
            counts[name] += count
    return counts


_IGNORED = STOP_WORDS | _KEYWORDS


def terms_of(word: str) -> tuple[str, ...]:
    """Terms of one identifier: its stemmed parts, and itself if it is a compound."""
    return _known[word]


class _Known(dict[str, tuple[str, ...]]):
    """Terms of the words met so far: an index meets the same ones again and again."""

    def __missing__(self, word: str) -> tuple[str, ...]:
        if len(self) >= _MOST_KNOWN:
            self.clear()
        found = self[word] = _taken_apart(word)
        return found


_known = _Known()


def _taken_apart(word: str) -> tuple[str, ...]:
    if len(word) > _LONGEST_WORD:
        return ()
    parts = [part.lower() for part in _PART.findall(word)]
    stems = [_stem(part) for part in parts if len(part) > 1 and part not in _IGNORED]
    if len(parts) > 1 and len(word) >= _WHOLE:
        stems.append(whole_of(word))
    return tuple(stems)


def whole_of(*words: str) -> str:
    """The term of words as one identifier, however it is written: `text_area`, `TextArea` and `text area` are one."""
    return "=" + "".join(words).replace("_", "").lower()


@functools.lru_cache(maxsize=32_768)
def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word[: -len(ending)] + ("y" if ending in ("ies", "ied") else "")
    return word
