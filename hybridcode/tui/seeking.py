"""Words looked for in paragraphs: how often, where, and what to mark on a row.

Invariant: matches are counted in the text as it was written, upper and lower case alike, folded or not.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hybridcode.tui.entry import Entry
from hybridcode.tui.styled import Row


class Match(NamedTuple):
    """One occurrence."""

    entry: int
    nth: int
    """Which of the paragraph's occurrences, from 0."""


class Search:
    """Every occurrence of some words."""

    def __init__(self, words: str = "", entries: Iterable[Entry] = ()) -> None:
        self.words = words.lower()
        self._entries: list[int] = []
        """Paragraphs that have some."""
        self._ends: list[int] = []
        """Occurrences up to and with each of them."""
        self._seen = 0
        self.extend(entries)

    def extend(self, entries: Iterable[Entry]) -> None:
        """Look into paragraphs that follow those looked into."""
        for entry in entries:
            count = entry.text.lower().count(self.words) if self.words else 0
            if count:
                self._entries.append(self._seen)
                self._ends.append(self.count + count)
            self._seen += 1

    @property
    def count(self) -> int:
        """How many there are."""
        return self._ends[-1] if self._ends else 0

    def match(self, number: int) -> Match:
        """An occurrence by its number, from 0."""
        at = bisect_right(self._ends, number)
        return Match(self._entries[at], number - (self._ends[at - 1] if at else 0))

    def first_from(self, entry: int) -> int:
        """Number of the first occurrence in that paragraph or a later one; the last one where there is none."""
        at = bisect_left(self._entries, entry)
        return (self._ends[at - 1] if at else 0) if at < len(self._entries) else max(self.count - 1, 0)


def row_of(rows: Sequence[Row], words: str, nth: int) -> int:
    """The row in which an occurrence begins, as near as layout lets tell."""
    texts = [row.text.lower() for row in rows]
    joined = " ".join(texts)
    at = -1
    for _ in range(nth + 1):
        found = joined.find(words, at + 1)
        if found < 0:
            break
        at = found
    row, end = 0, -1
    for row, text in enumerate(texts):
        end += len(text) + 1
        if at < end:
            return row
    return 0


def ranges_of(text: str, words: str) -> list[tuple[int, int]]:
    """Where words stand in a row."""
    low = text.lower()
    if not words or len(low) != len(text):
        return []
    found: list[tuple[int, int]] = []
    at = low.find(words)
    while at >= 0:
        found.append((at, at + len(words)))
        at = low.find(words, at + len(words))
    return found
