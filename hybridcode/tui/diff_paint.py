"""Rows of a diff as strips, in one column or side by side.

Invariant: a strip depends on nothing but the row, what is marked and searched, and the window of cells asked for;
joining the texts of a row gives the row.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import get_args

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from hybridcode.tui.diff_rows import Row
from hybridcode.tui.file_diff import FileDiff
from hybridcode.tui.file_review import Mark
from hybridcode.tui.highlight import Lexer, Word, pieces
from hybridcode.tui.paint import restyled, segment, width
from hybridcode.tui.palette import Ink, Palette
from hybridcode.tui.words import Span, word_changes

MARKS: dict[Mark, tuple[str, str, str]] = {
    "undecided": (" ", "undecided", "quiet"),
    "accepted": ("✓", "accepted", "good"),
    "rejected": ("✗", "rejected", "bad"),
    "edited": ("✎", "edited", "good"),
    "shown": (" ", "", "quiet"),
}
"""Sign, word and ink of a mark."""

INKS = {
    "same": Ink("foreground", "background"),
    "add": Ink("foreground", "diff-add-background"),
    "add-word": Ink("", "diff-add-word", is_bold=True),
    "add-sign": Ink("diff-add", "diff-add-background", is_bold=True),
    "add-number": Ink("quiet", "diff-add-background"),
    "delete": Ink("foreground", "diff-delete-background"),
    "delete-word": Ink("", "diff-delete-word", is_bold=True),
    "delete-sign": Ink("diff-delete", "diff-delete-background", is_bold=True),
    "delete-number": Ink("quiet", "diff-delete-background"),
    "quiet": Ink("quiet", "background"),
    "line": Ink("line", "background"),
    "cursor": Ink("accent", "background", is_bold=True),
    "good": Ink("success", "background"),
    "bad": Ink("error", "background"),
    "warn": Ink("warning", "background"),
    "find": Ink(is_reverse=True),
    "keyword": Ink("syntax-keyword"),
    "string": Ink("syntax-string"),
    "number": Ink("syntax-number"),
    "comment": Ink("syntax-comment"),
    "name": Ink("syntax-name"),
}

_WORDS: tuple[Word, ...] = get_args(Word)
_EMPTY = FileDiff()
_KEPT_TEXTS = 4096
"""Rows whose coloured text is kept."""
_STRETCH = 8
"""Cells by which a line is coloured further: what is out of sight costs nothing."""
_RULE = "─" * 240
_SIGNS = {"same": " ", "add": "+", "delete": "-"}
_WHOLE_LINES = ("head", "fold", "note", "remark")
"""Kinds of rows that take both halves side by side."""


@dataclass
class DiffPainter:
    """What is shown, and how."""

    diff: FileDiff = _EMPTY
    marks: Sequence[Mark] = ()
    """One per shown hunk."""
    tags: Sequence[str] = ()
    """Short remarks for the heads of the hunks."""
    group: int = 0
    """The hunk under the cursor."""
    words: str = ""
    """What is searched for, in lower case."""
    lexer: Lexer | None = None
    palette: Palette = field(default_factory=lambda: Palette(INKS))
    _texts: dict[tuple[int, bool, int], tuple[list[Segment], int]] = field(
        default_factory=dict[tuple[int, bool, int], tuple[list[Segment], int]]
    )

    def forget(self) -> None:
        """Drop the texts: their colours are others now."""
        self._texts.clear()

    @property
    def gutter(self) -> int:
        """Cells in front of the text."""
        return self.diff.number_width + 6

    def blank(self, cells: int) -> Strip:
        """A line behind the last one."""
        return Strip.blank(cells, self.palette.styles["same"])

    def line(self, index: int, x: int, cells: int) -> Strip:
        """A row in one column: the cells from `x` on."""
        row = self.diff.rows[index]
        if row.kind in _WHOLE_LINES:
            return self._whole(row, x, cells)
        lead, fill = self._lead(row, row.new or row.old), self._fill(row)
        if x:
            every = Strip([*lead, *self._text(index, row, x + cells)[0]])
            return Strip(_cut(every, x, cells, self._more(fill), fill), cells)
        return Strip([*lead, *self._room(index, row, 0, cells - self.gutter)], cells)

    def pair(self, line: int, x: int, cells: int) -> Strip:
        """A line side by side; `x` moves the text of both halves."""
        left, right = self.diff.rows.side(line)
        half = (cells - 1) // 2
        if left == right:
            row = self.diff.rows[left]
            if row.kind in _WHOLE_LINES:
                return self._whole(row, 0, cells)
        middle = segment("│", self.palette.styles["line"])
        old, new = self._half(left, x, half, is_old=True), self._half(right, x, cells - half - 1, is_old=False)
        return Strip([*old, middle, *new], cells)

    def _whole(self, row: Row, x: int, cells: int) -> Strip:
        """A row that is not a line of the file."""
        styles, blank = self.palette.styles, self.palette.styles["same"]
        if row.kind == "head":
            return Strip(self._head(row)).crop_extend(0, cells, blank)
        text = f"{'':>{self.gutter}}{row.text}"
        if row.kind == "fold":
            text = f"{'':>{self.gutter}}⋯ {row.new:,} unchanged lines · z shows them"
        ink = styles["warn" if row.kind == "remark" else "quiet"]
        return Strip(_cut(Strip([segment(text, ink)]), x, cells, self._more(blank), blank), cells)

    def group_at(self, line: int, *, is_split: bool) -> int:
        """The shown hunk that a line belongs to, -1 for none."""
        row = max(self.diff.rows.side(line)) if is_split else line
        return self.diff.rows.group_of(row)

    def _half(self, index: int, x: int, cells: int, *, is_old: bool) -> list[Segment]:
        if index < 0:
            return [segment(" " * cells, self.palette.styles["same"])]
        row = self.diff.rows[index]
        return [*self._lead(row, row.old if is_old else row.new), *self._room(index, row, x, cells - self.gutter)]

    def _room(self, index: int, row: Row, x: int, cells: int) -> list[Segment]:
        """The text of a row from `x` on, in exactly `cells` cells."""
        (text, wide), fill = self._text(index, row, x + cells), self._fill(row)
        if x or wide > cells:
            return _cut(Strip(text, wide), x, cells, self._more(fill), fill)
        return [*text, segment(" " * (cells - wide), fill)] if wide < cells else text

    def _more(self, fill: Style) -> Segment:
        """Says that a line goes on."""
        return segment("»", _on(self.palette.styles["quiet"], fill))

    def _fill(self, row: Row) -> Style:
        is_loud = row.kind in ("add", "delete") and not self._is_rejected(row)
        return self.palette.styles[row.kind if is_loud else "same"]

    def _is_rejected(self, row: Row) -> bool:
        return row.group >= 0 and self.marks[row.group] == "rejected"

    def _head(self, row: Row) -> list[Segment]:
        styles = self.palette.styles
        sign, word, colour = MARKS[self.marks[row.group]]
        is_here = row.group == self.group
        tag = self.tags[row.group] if row.group < len(self.tags) else ""
        name = f"hunk {row.group + 1}/{len(self.diff.rows.heads)}"
        return [
            segment("▌" if is_here else " ", styles["cursor"]),
            segment(f"{sign} ", styles[colour]),
            segment(f"{name} ", styles["cursor" if is_here else "quiet"]),
            segment(f"line {row.new} ", styles["quiet"]),
            segment(f"{word} ", styles[colour]),
            *([segment(f"{tag} ", styles["good"])] if tag else []),
            segment(_RULE, styles["line"]),
        ]

    def _lead(self, row: Row, number: int) -> list[Segment]:
        """Cursor bar, mark, line number and sign."""
        styles = self.palette.styles
        is_here = row.group == self.group and row.group >= 0
        is_changed = row.kind in ("add", "delete")
        mark = self.marks[row.group] if row.group >= 0 and is_changed else "undecided"
        sign, _, colour = MARKS[mark]
        is_loud = is_changed and mark != "rejected"
        return [
            segment("▌" if is_here else " ", styles["cursor"]),
            segment(f"{sign} ", styles[colour]),
            segment(f"{number:>{self.diff.number_width}} ", styles[f"{row.kind}-number" if is_loud else "quiet"]),
            segment(f"{_SIGNS[row.kind]} ", styles[f"{row.kind}-sign" if is_loud else "quiet"]),
        ]

    def _text(self, index: int, row: Row, end: int) -> tuple[list[Segment], int]:
        """The row's text in its colours at least up to cell `end`, and its cells, all of them or more than `end`.

        It is the costly part, kept while the file and its colours stay.
        """
        if len(row.text) > end and row.text.isascii():
            row = row._replace(text=row.text[: (end // _STRETCH + 1) * _STRETCH])
        key = (index, self._is_rejected(row), len(row.text))
        text = self._texts.get(key)
        if text is None:
            if len(self._texts) >= _KEPT_TEXTS:
                self._texts.clear()
            text = self._texts[key] = self._coloured(index, row), width(row.text)
        return text

    def _coloured(self, index: int, row: Row) -> list[Segment]:
        styles = self.palette.styles
        if self._is_rejected(row) and row.kind == "add":
            return [segment(row.text, styles["quiet"])]
        base = self._fill(row)
        looks = {word: base if word == "plain" else base + styles[word] for word in _WORDS}
        paint = restyled if row.text.isascii() and row.text.isprintable() else segment
        runs = [paint(text, looks[word]) for text, word in self._pieces(row)]
        if spans := self._spans(index, row):
            runs = _overlay(runs, spans, styles[f"{row.kind}-word"])
        if self.words and (places := _places(row.text, self.words)):
            runs = _overlay(runs, places, styles["find"])
        return runs

    def _pieces(self, row: Row) -> list[tuple[str, Word]]:
        side, number = (self.diff.old, row.old) if row.kind == "delete" else (self.diff.new, row.new)
        if side is None or self.lexer is None:
            return pieces(self.lexer, row.text)
        found: list[tuple[str, Word]] = []
        for text, word in side.parts(number - 1, row.text):
            if word is None:
                found += pieces(self.lexer, text)
            else:
                found.append((text, word))
        return found

    def _spans(self, index: int, row: Row) -> Sequence[Span]:
        partner = self.diff.rows.partner(index)
        if partner is None or self._is_rejected(row):
            return ()
        text, other = self.diff.rows[index].text, self.diff.rows[partner].text
        return word_changes(text, other)[0] if row.kind == "delete" else word_changes(other, text)[1]


def _cut(strip: Strip, x: int, cells: int, more: Segment, fill: Style) -> list[Segment]:
    """`cells` cells of a line from `x` on; one that goes on ends in `more`."""
    if not x and 0 < cells < strip.cell_length and all(run.text.isascii() for run in strip):
        return [*_begin(strip, cells - 1), more]
    if strip.cell_length <= x + cells:
        return list(strip.crop_extend(x, x + cells, fill))
    return [*strip.crop(x, x + cells - 1), more]


def _begin(runs: Iterable[Segment], cells: int) -> Iterator[Segment]:
    """The first `cells` cells of runs in which each character takes one."""
    for run in runs:
        if len(run.text) >= cells:
            if cells:
                yield restyled(run.text[:cells], run.style or Style())
            return
        cells -= len(run.text)
        yield run


@lru_cache(maxsize=64)
def _on(style: Style, fill: Style) -> Style:
    """A style on the ground of another one."""
    return style + Style(bgcolor=fill.bgcolor)


def _places(text: str, words: str) -> list[Span]:
    """Where `words` stand in `text`, whatever the case."""
    folded = text.casefold()
    if len(folded) != len(text):
        return []
    starts = [match.start() for match in re.finditer(re.escape(words), folded)]
    return [(start, start + len(words)) for start in starts]


def _overlay(runs: list[Segment], spans: Sequence[Span], style: Style) -> list[Segment]:
    """The runs with `style` laid over the characters in `spans`."""
    edges = sorted({edge for span in spans for edge in span})
    out: list[Segment] = []
    at = 0
    for text, base, _ in runs:
        start, end = at, at + len(text)
        cuts = [start, *(edge for edge in edges if start < edge < end), end]
        for first, last in pairwise(cuts):
            is_inside = any(low <= first < high for low, high in spans)
            painted = (base or Style()) + style if is_inside else base or Style()
            out.append(restyled(text[first - start : last - start], painted))
        at = end
    return out
