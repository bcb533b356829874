"""The diff pane: costs the same for ten lines or a million.

Invariant: text is coloured for visible rows only and kept in a bounded cache; no row becomes a widget.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from hybridcode.tui.diff_rows import Row
from hybridcode.tui.file_diff import FileDiff
from hybridcode.tui.file_review import Mark
from hybridcode.tui.highlight import Lexer, pieces
from hybridcode.tui.paint import segment
from hybridcode.tui.words import Span, word_changes

MARKS: dict[Mark, tuple[str, str, str]] = {
    "undecided": (" ", "undecided", "quiet"),
    "accepted": ("✓", "accepted", "good"),
    "rejected": ("✗", "rejected", "bad"),
    "edited": ("✎", "edited", "good"),
    "shown": (" ", "", "quiet"),
}
"""Sign, word and colour of a mark."""

_EMPTY = FileDiff()
_CACHED_ROWS = 2048
_NAMES = (
    *("same", "add", "add-word", "add-sign", "delete", "delete-word", "delete-sign", "quiet", "line", "cursor"),
    *("good", "bad", "warn", "find", "keyword", "string", "number", "comment", "name"),
)
_RULE = "─" * 240
_SIGNS = {"same": " ", "add": "+", "delete": "-"}


class DiffView(ScrollView, can_focus=True):
    """One file's diff with a cursor on one hunk. Moving and deciding is the screen's part."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"diff--{name}" for name in _NAMES}

    def __init__(self) -> None:
        super().__init__()
        self.diff = _EMPTY
        self.group = 0
        self.is_split = False
        self._marks: Sequence[Mark] = ()
        self._tags: Sequence[str] = ()
        self._words = ""
        """What is searched for, in lower case."""
        self._found: list[int] = []
        """Rows that hold it."""
        self._lexer: Lexer | None = None
        self._texts: LRUCache[tuple[int, bool], list[Segment]] = LRUCache(_CACHED_ROWS)
        self._styles: dict[str, Style] = {}

    def show(self, diff: FileDiff, *, marks: Sequence[Mark], group: int, tags: Sequence[str] = ()) -> None:
        """Show a file: `marks` has one entry per shown hunk, `group` is the one under the cursor.

        `tags` are short remarks for the heads of the hunks.
        """
        is_other, has_moved = diff is not self.diff, group != self.group
        self.diff, self._marks, self.group, self._tags = diff, marks, group, tags
        self.virtual_size = self._measure()
        if is_other:
            self.find(self._words)
        self.refresh()
        if is_other or has_moved:
            self.call_after_refresh(self.reveal)

    def find(self, words: str) -> int:
        """Mark every row that holds `words`, whatever the case; returns how many there are."""
        self._words = words.casefold()
        rows = self.diff.rows
        self._found = [n for n in range(len(rows)) if self._words in rows[n].text.casefold()] if self._words else []
        self._texts.clear()
        self.refresh()
        return len(self._found)

    def go_to_match(self, direction: int) -> int:
        """Scroll to the next or previous match, round the end; returns its number from 1 on, 0 for none."""
        if not self._found:
            return 0
        here = self.scroll_offset.y + self.size.height // 3
        lines = [self._line_of(row) for row in self._found]
        after = bisect_right(lines, here) if direction > 0 else bisect_left(lines, here) - 1
        number = after % len(lines)
        self.scroll_to(y=max(0, lines[number] - self.size.height // 3), animate=False, force=True)
        return number + 1

    def go_to_line(self, number: int) -> None:
        """Scroll to a line of the new file, or the first one after it that is shown."""
        rows = self.diff.rows
        shown = (n for n in range(len(rows)) if rows[n].kind in ("same", "add") and rows[n].new >= number)
        self.scroll_to(y=max(0, self._line_of(next(shown, len(rows) - 1)) - 1), animate=False, force=True)

    def colour_by(self, lexer: Lexer | None) -> None:
        """Colour program text from now on."""
        if lexer is self._lexer:
            return
        self._lexer = lexer
        self._texts.clear()
        self.refresh()

    def set_split(self, is_split: bool) -> None:
        """Two columns, or one."""
        self.is_split = is_split
        self.show(self.diff, marks=self._marks, group=self.group, tags=self._tags)
        self.call_after_refresh(self.reveal)

    def reveal(self) -> None:
        """Scroll so that the hunk under the cursor is on screen, its head near the top if it does not fit."""
        if not self.diff.rows.heads:
            return
        first = self._line_of(self.diff.rows.heads[self.group])
        last = self._line_of(self.diff.rows.last_of(self.group))
        top, height = self.scroll_offset.y, max(self.size.height, 1)
        if first < top or last >= top + height:
            self.scroll_to(y=max(0, first - 1), animate=False, force=True)

    def _line_of(self, row: int) -> int:
        return self.diff.rows.side_lines.get(row, 0) if self.is_split else row

    def _measure(self) -> Size:
        if self.is_split:
            return Size(1, len(self.diff.rows.sides))
        return Size(self._gutter + self.diff.width + 1, len(self.diff.rows))

    @property
    def _gutter(self) -> int:
        return self.diff.number_width + 6

    def notify_style_update(self) -> None:
        """Drop everything that was made with the old colours."""
        super().notify_style_update()
        self._styles.clear()
        self._texts.clear()

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            is_overlay = name.endswith("-word") or name in ("find", "keyword", "string", "number", "comment", "name")
            style = self.get_component_rich_style(f"diff--{name}", partial=is_overlay)
            self._styles[name] = style
        return style

    def render_line(self, y: int) -> Strip:
        """The strip of one visible line."""
        offset_x, offset_y = self.scroll_offset
        line, cells = y + offset_y, self.scrollable_content_region.width
        blank = self._style("same")
        if line >= self.virtual_size.height:
            return Strip.blank(cells, blank)
        if self.is_split:
            return self._side_strip(line, cells)
        strip = self._strip(line)
        row = self.diff.rows[line]
        fill = self._fill(row)
        if strip.cell_length <= offset_x + cells or row.kind == "head":
            return strip.crop_extend(offset_x, offset_x + cells, fill)
        more = segment("»", self._style("quiet") + Style(bgcolor=fill.bgcolor))
        return Strip.join([strip.crop(offset_x, offset_x + cells - 1), Strip([more])])

    def _fill(self, row: Row) -> Style:
        is_loud = row.kind in ("add", "delete") and not self._is_rejected(row)
        return self._style(row.kind if is_loud else "same")

    def _is_rejected(self, row: Row) -> bool:
        return row.group >= 0 and self._marks[row.group] == "rejected"

    def _strip(self, index: int) -> Strip:
        row = self.diff.rows[index]
        match row.kind:
            case "head":
                return Strip(self._head(row))
            case "fold":
                text = f"{'':>{self._gutter}}⋯ {row.new:,} unchanged lines · z shows them"
                return Strip([segment(text, self._style("quiet"))])
            case "remark":
                return Strip([segment(f"{'':>{self._gutter}}{row.text}", self._style("warn"))])
            case "note":
                return Strip([segment(f"{'':>{self._gutter}}{row.text}", self._style("quiet"))])
            case _:
                return Strip([*self._lead(row, row.new or row.old), *self._text(index, row)])

    def _head(self, row: Row) -> list[Segment]:
        sign, word, colour = MARKS[self._marks[row.group]]
        is_here = row.group == self.group
        tag = self._tags[row.group] if row.group < len(self._tags) else ""
        name = f"hunk {row.group + 1}/{len(self.diff.rows.heads)}"
        return [
            segment("▌" if is_here else " ", self._style("cursor")),
            segment(f"{sign} ", self._style(colour)),
            segment(f"{name} ", self._style("cursor" if is_here else "quiet")),
            segment(f"line {row.new} ", self._style("quiet")),
            segment(f"{word} ", self._style(colour)),
            *([segment(f"{tag} ", self._style("good"))] if tag else []),
            segment(_RULE, self._style("line")),
        ]

    def _lead(self, row: Row, number: int) -> list[Segment]:
        """Cursor bar, mark, line number and sign."""
        is_here = row.group == self.group and row.group >= 0
        is_changed = row.kind in ("add", "delete")
        mark = self._marks[row.group] if row.group >= 0 and is_changed else "undecided"
        sign, _, colour = MARKS[mark]
        base = self._fill(row)
        sign_style = self._style(f"{row.kind}-sign") if is_changed and mark != "rejected" else self._style("quiet")
        return [
            segment("▌" if is_here else " ", self._style("cursor")),
            segment(f"{sign} ", self._style(colour)),
            segment(f"{number:>{self.diff.number_width}} ", self._style("quiet") + Style(bgcolor=base.bgcolor)),
            segment(f"{_SIGNS[row.kind]} ", sign_style),
        ]

    def _text(self, index: int, row: Row) -> list[Segment]:
        """The row's text in its colours: the costly part, kept for as long as the file and its colours stay."""
        key = (index, self._is_rejected(row))
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = self._coloured(index, row)
        return text

    def _coloured(self, index: int, row: Row) -> list[Segment]:
        if self._is_rejected(row) and row.kind == "add":
            return [segment(row.text, self._style("quiet"))]
        base = self._fill(row)
        runs = [
            segment(text, base + self._style(word)) if word != "plain" else segment(text, base)
            for text, word in pieces(self._lexer, row.text)
        ]
        if spans := self._spans(index, row):
            runs = _overlay(runs, spans, self._style(f"{row.kind}-word"))
        if self._words and (places := _places(row.text, self._words)):
            runs = _overlay(runs, places, self._style("find"))
        return runs

    def _spans(self, index: int, row: Row) -> Sequence[Span]:
        partner = self.diff.rows.partner(index)
        if partner is None or self._is_rejected(row):
            return ()
        other = self.diff.rows[partner].text
        if row.kind == "delete":
            return word_changes(row.text, other)[0]
        return word_changes(other, row.text)[1]

    def _side_strip(self, line: int, cells: int) -> Strip:
        left, right = self.diff.rows.sides[line]
        half = (cells - 1) // 2
        if left == right and self.diff.rows[left].kind in ("head", "fold", "note", "remark"):
            return self._strip(left).crop_extend(0, cells, self._style("same"))
        middle = Strip([segment("│", self._style("line"))])
        return Strip.join(
            [self._half(left, half, is_old=True), middle, self._half(right, cells - half - 1, is_old=False)]
        )

    def _half(self, index: int, cells: int, *, is_old: bool) -> Strip:
        if index < 0:
            return Strip.blank(cells, self._style("same"))
        row = self.diff.rows[index]
        strip = Strip([*self._lead(row, row.old if is_old else row.new), *self._text(index, row)])
        if strip.cell_length > cells:
            cut = strip.crop(0, cells - 1)
            return Strip.join([cut, Strip([segment("…", self._style("quiet"))])])
        return strip.crop_extend(0, cells, self._fill(row))


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
            out.append(segment(text[first - start : last - start], painted))
        at = end
    return out
