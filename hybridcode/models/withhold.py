"""Pieces of files that no remote model may see, found and replaced wherever a text quotes them.

Invariant: no run of 24 or more characters of a line that stands in a denied file, and in no file that may be shown,
passes.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable

MARK = "[withheld:deny-paths]"
SHORTEST = 24
"""Characters of the shortest piece that is taken for a quotation."""
_STEP = 12
"""Every run of `SHORTEST` characters of a line holds one of the pieces of this length that stand at multiples of it."""
_LETTERS = re.compile(r"\w")
_FEWEST_LETTERS = 6
"""A piece with fewer different letters and digits is a ruler or blanks."""

Shown = Callable[[str], bool]
"""True if a piece of text also stands in a file that may be shown."""


class Withheld:
    """The lines of denied files, and a search for pieces of them."""

    def __init__(self, texts: Iterable[str], *, is_shown: Shown) -> None:
        self._is_shown = is_shown
        self._lines: list[str] = []
        self._places: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        self._known = dict[str, bool]()
        for line in dict.fromkeys(line.strip() for text in texts for line in text.splitlines()):
            if len(line) >= SHORTEST:
                self._add(line)

    def take_out(self, text: str) -> tuple[str, int]:
        """The text with `[withheld:deny-paths]` for every quoted piece, and how many there were."""
        if not self._lines:
            return text, 0
        parts, at, count = list[str](), 0, 0
        for start, end in self._quotations(text):
            parts += [text[at:start], MARK]
            at, count = end, count + 1
        return "".join((*parts, text[at:])), count

    def _add(self, line: str) -> None:
        number = len(self._lines)
        self._lines.append(line)
        for offset in range(0, len(line) - _STEP + 1, _STEP):
            self._places[line[offset : offset + _STEP]].append((number, offset))

    def _quotations(self, text: str) -> Iterable[tuple[int, int]]:
        """Places of quoted pieces, in order and apart from each other."""
        done = 0
        for at in range(len(text) - _STEP + 1):
            if at < done or (places := self._places.get(text[at : at + _STEP])) is None:
                continue
            start, end = max((self._extent(text, at, *place, done) for place in places), key=_length)
            if end - start >= SHORTEST and self._is_denied(text[start:end]):
                yield start, end
                done = end

    def _extent(self, text: str, at: int, number: int, offset: int, done: int) -> tuple[int, int]:
        """How far text and line agree around a common piece."""
        line = self._lines[number]
        back = 0
        while back < min(at - done, offset) and text[at - back - 1] == line[offset - back - 1]:
            back += 1
        ahead = _STEP
        room = min(len(text) - at, len(line) - offset)
        while ahead < room and text[at + ahead] == line[offset + ahead]:
            ahead += 1
        return at - back, at + ahead

    def _is_denied(self, piece: str) -> bool:
        piece = piece.strip()
        if len(set(_LETTERS.findall(piece))) < _FEWEST_LETTERS or len(piece) < SHORTEST:
            return False
        if piece not in self._known:
            self._known[piece] = not self._is_shown(piece)
        return self._known[piece]


def _length(extent: tuple[int, int]) -> int:
    return extent[1] - extent[0]
