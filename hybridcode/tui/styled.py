"""Text in several looks, broken into rows of a width.

Invariant: no row is wider than its width, and nothing but blanks at a break is left out; every text is visible already.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from hybridcode.tui.paint import width
from hybridcode.tui.visible import visible

TAB = 4


class Run(NamedTuple):
    """Text in one look: words as `bold link`, each the name of a style; empty = as the paragraph."""

    text: str
    look: str = ""


Runs = tuple[Run, ...]


class Row(NamedTuple):
    """One line of the screen."""

    runs: Runs = ()
    ground: str = ""
    """Look whose background goes on to the right edge; empty = the paragraph's."""
    language: str = ""
    """What the runs that look like `code` are written in; empty = unknown."""

    @property
    def text(self) -> str:
        """What stands there."""
        return "".join(run.text for run in self.runs)


def shown(text: str) -> str:
    """One line with tabs as blanks and everything hidden spelled out."""
    return visible(text.expandtabs(TAB) if "\t" in text else text)


def cells_of(runs: Iterable[Run]) -> int:
    """Cells that runs take side by side."""
    return sum(width(run.text) for run in runs)


def spans(line: str, cells: int, *, at_blanks: bool = True) -> Iterator[tuple[int, int]]:
    """Where a line is cut so that every piece takes at most `cells` cells; at blanks where there are some."""
    cells, size = max(cells, 1), len(line)
    is_narrow = line.isascii()
    indent = size - len(line.lstrip(" "))
    start = 0
    while True:
        cut = start + cells if is_narrow else _reach(line, start, cells)
        if cut >= size:
            yield start, size
            return
        blank = line.rfind(" ", start + 1, cut + 1) if at_blanks else -1
        if blank <= max(start, indent if start == 0 else 0):
            yield start, cut
            start = cut
        else:
            end = blank
            while end > start and line[end - 1] == " ":
                end -= 1
            yield start, end
            start = blank
        if at_blanks:
            while start < size and line[start] == " ":
                start += 1
        if start >= size:
            return


def _reach(line: str, start: int, cells: int) -> int:
    """The index up to which text takes at most `cells` cells; one character at least."""
    used = 0
    for index in range(start, len(line)):
        character = line[index]
        used += 1 if character < "\x7f" else cell_len(character)
        if used > cells:
            return max(index, start + 1)
    return len(line)


def flow(runs: Sequence[Run], cells: int, *, at_blanks: bool = True) -> list[Runs]:
    """Runs as lines that fit; a line feed breaks. Never empty."""
    lines: list[Runs] = []
    for line in _lines(runs):
        text = "".join(run.text for run in line)
        if len(text) <= cells and text.isascii():
            lines.append(line)
        else:
            lines.extend(_slices(line, list(spans(text, cells, at_blanks=at_blanks))))
    return lines or [()]


def _lines(runs: Sequence[Run]) -> Iterator[Runs]:
    """The runs between line feeds, made visible."""
    line: list[Run] = []
    for run in runs:
        pieces = run.text.split("\n")
        for number, piece in enumerate(pieces):
            if number:
                yield tuple(line)
                line = []
            if piece:
                line.append(Run(shown(piece), run.look))
    yield tuple(line)


def _slices(line: Runs, cuts: Sequence[tuple[int, int]]) -> Iterator[Runs]:
    """The pieces of a line between cuts, in one pass over its runs."""
    number, begin = 0, 0
    for start, end in cuts:
        piece: list[Run] = []
        while number < len(line):
            text, look = line[number]
            upto = begin + len(text)
            if upto > start and begin < end:
                piece.append(Run(text[max(start - begin, 0) : end - begin], look))
            if upto > end:
                break
            number, begin = number + 1, upto
        yield tuple(piece)


def relook(runs: Sequence[Run], ranges: Iterable[tuple[int, int]], look: str) -> Runs:
    """The runs with one more look from each first character up to the one behind each last; ranges in order."""
    marks = list(ranges)
    if not marks:
        return tuple(runs)
    cut: list[Run] = []
    begin = 0
    for text, has in runs:
        end, here = begin + len(text), begin
        for first, last in marks:
            first, last = max(first, here), min(last, end)
            if first < last:
                cut.append(Run(text[here - begin : first - begin], has))
                cut.append(Run(text[first - begin : last - begin], f"{has} {look}".strip()))
                here = last
        cut.append(Run(text[here - begin :], has))
        begin = end
    return tuple(run for run in cut if run.text)
