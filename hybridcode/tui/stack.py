"""Paragraphs one above the other: where each stands, without laying out what is not looked at.

Invariant: adding costs by what is added; a height is guessed until the paragraph is laid out or its text tells it, and
what is in sight is laid out; at most KEPT_ROWS laid out rows are kept.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from hybridcode.tui.entry import Entry
from hybridcode.tui.folding import KEY, Laid, guess_height, lay_out

KEPT_ROWS = 4_000
REACH = 150
"""Paragraphs above and below what is in sight whose height is made certain."""


class Place(NamedTuple):
    """A row of a paragraph."""

    entry: int
    row: int


class Stack:
    """The paragraphs of a transcript at one width."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._cells = 0
        self._heights: list[int] = []
        self._ends: list[int] = []
        """Row behind each paragraph, as far as they are worked out."""
        self._guessed: set[int] = set()
        self._laid: OrderedDict[int, Laid] = OrderedDict()
        self._kept = 0
        self._key = KEY
        self.is_open = False
        """True when long paragraphs stand in full, but for the odd ones."""
        self._odd: set[int] = set()

    def add(self, entries: Iterable[Entry]) -> None:
        """Put paragraphs below the last one."""
        for entry in entries:
            self.entries.append(entry)
            self._heights.append(0)
            if self._cells:
                self._guess(len(self.entries) - 1)

    def clear(self) -> None:
        """Forget every paragraph, and what was unfolded."""
        self.entries.clear()
        self._heights.clear()
        self._ends.clear()
        self._guessed.clear()
        self._odd.clear()
        self._forget()

    def replace(self, number: int, entry: Entry) -> None:
        """Put another paragraph in the place of one."""
        self.entries[number] = entry
        self._drop(number)
        self._guess(number)

    def name_key(self, key: str) -> None:
        """Say that this key unfolds all; no height changes by that."""
        if key != self._key:
            self._key = key
            self._forget()

    def fit(self, cells: int) -> None:
        """Have another width."""
        if cells != self._cells:
            self._cells = cells
            self._forget()
            self._ends.clear()
            for number in range(len(self.entries)):
                self._guess(number)

    @property
    def width(self) -> int:
        """Cells of a row; 0 as long as nothing is on a screen."""
        return self._cells

    @property
    def height(self) -> int:
        """Rows of all paragraphs, as far as they are known."""
        return self.end(len(self.entries) - 1) if self.entries else 0

    def is_certain(self, first: int, last: int) -> bool:
        """True when no height from one paragraph to another is guessed."""
        return not any(number in self._guessed for number in range(max(first, 0), last + 1))

    def end(self, number: int) -> int:
        """The row behind a paragraph."""
        ends, heights = self._ends, self._heights
        total = ends[-1] if ends else 0
        for at in range(len(ends), number + 1):
            total += heights[at]
            ends.append(total)
        return ends[number]

    def top(self, number: int) -> int:
        """The first row of a paragraph."""
        return self.end(number - 1) if number > 0 else 0

    def place(self, row: int) -> Place | None:
        """What stands in a row; None behind the end."""
        if not 0 <= row < self.height:
            return None
        number = bisect_right(self._ends, row)
        return Place(number, row - self.top(number))

    def laid(self, number: int) -> Laid:
        """A paragraph laid out; its height is certain from here on."""
        found = self._laid.get(number)
        if found is not None:
            self._laid.move_to_end(number)
            return found
        found = lay_out(self.entries[number], self._cells, is_open=self.is_unfolded(number), key=self._key)
        self._laid[number] = found
        self._kept += len(found.rows)
        while self._kept > KEPT_ROWS and len(self._laid) > 1:
            self._kept -= len(self._laid.popitem(last=False)[1].rows)
        self._guessed.discard(number)
        if self._heights[number] != len(found.rows):
            self._heights[number] = len(found.rows)
            del self._ends[number:]
        return found

    def measure_down(self, row: int, rows: int) -> None:
        """Lay out what stands from a row on, so many rows."""
        place = self.place(row)
        number = place.entry if place is not None else len(self.entries)
        while number < len(self.entries) and self.top(number) < row + rows:
            self.laid(number)
            number += 1

    def measure_up(self, rows: int) -> None:
        """Lay out what stands in the last rows."""
        number = len(self.entries) - 1
        while number >= 0 and rows > 0:
            rows -= len(self.laid(number).rows)
            number -= 1

    def measure_near(self, number: int) -> bool:
        """Make the height of one more paragraph around one certain, the nearest; False where all are, up to REACH."""
        for away in range(REACH):
            for at in (number - away, number + away):
                if at in self._guessed:
                    self.laid(at)
                    return True
        return False

    def is_unfolded(self, number: int) -> bool:
        """True when a paragraph stands in full if it is a long one."""
        return self.is_open != (number in self._odd)

    def unfold(self, number: int, *, is_open: bool) -> None:
        """Show a paragraph in full, or fold it."""
        if self.is_unfolded(number) != is_open:
            self._odd ^= {number}
            self._drop(number)
            self._guess(number)

    def unfold_all(self, *, is_open: bool) -> None:
        """Show every paragraph in full, also what comes, or fold every long one."""
        changed = [at for at, entry in enumerate(self.entries) if entry.fold and self.is_unfolded(at) != is_open]
        self.is_open = is_open
        self._odd.clear()
        for number in changed:
            self._drop(number)
            self._guess(number)

    def hidden(self, number: int) -> int:
        """Rows of a paragraph that folding it takes away."""
        return self.laid(number).hidden if self.entries[number].fold is not None else 0

    def _guess(self, number: int) -> None:
        height, is_certain = guess_height(self.entries[number], self._cells, is_open=self.is_unfolded(number))
        if height != self._heights[number]:
            self._heights[number] = height
            del self._ends[number:]
        if not is_certain:
            self._guessed.add(number)
        else:
            self._guessed.discard(number)

    def _drop(self, number: int) -> None:
        found = self._laid.pop(number, None)
        self._kept -= len(found.rows) if found is not None else 0

    def _forget(self) -> None:
        self._laid.clear()
        self._kept = 0
