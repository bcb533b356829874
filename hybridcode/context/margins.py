"""Numbers before the lines of an excerpt, where a plan has no other name for them than `path#L3-9`.

Invariant: a function of tree and lines. An excerpt that mostly shows definitions or imports has none: these
have names, and numbers take about a tenth of what they stand before.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from hybridcode.context.corpus import Corpus
from hybridcode.context.extents import import_lines
from hybridcode.repo.grammars import language_of
from hybridcode.repo.symbols import outline

_FEWEST = 4
"""Lines below which the heading tells enough."""


@dataclass(frozen=True)
class Margin:
    """Which excerpts of a tree are numbered."""

    corpus: Corpus

    def is_wanted(self, path: str, start: int, end: int) -> bool:
        """Most of lines `start`..`end` stand in nothing that a plan can name."""
        if end - start + 1 < _FEWEST:
            return False
        if language_of(path) is None:
            return True
        named = sum(min(last, end) - max(first, start) + 1 for first, last in _merged(self._named(path, start, end)))
        return 2 * named < end - start + 1

    def _named(self, path: str, start: int, end: int) -> list[tuple[int, int]]:
        """The lines of definitions and imports that reach into `start`..`end`, sorted."""
        data = self.corpus.snapshot.read(path)
        imports = import_lines(path, data)
        found = [(one.start, one.end) for one in outline(path, data)] + ([imports] if imports else [])
        return sorted((first, last) for first, last in found if first <= end and start <= last)


def _merged(ranges: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Ranges without what the one before them holds."""
    end = 0
    for first, last in ranges:
        if last > end:
            yield max(first, end + 1), last
            end = last
