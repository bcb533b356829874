"""The diff pane: costs the same for ten lines or a million.

Invariant: only visible lines are painted, and again only when something of them changed; no row becomes a widget.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from textual import events
from textual.filter import ANSIToTruecolor, LineFilter
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import Reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from hybridcode.tui.diff_paint import DiffPainter
from hybridcode.tui.file_diff import FileDiff
from hybridcode.tui.file_review import Mark
from hybridcode.tui.highlight import Lexer
from hybridcode.tui.in_program import terminal_size, theme_tokens

_KEPT_LINES = 2048
"""Painted lines that are kept."""


class DiffView(ScrollView, can_focus=True):
    """One file's diff with a cursor on one hunk. Moving and deciding is the screen's part."""

    @dataclass
    class Picked(Message):
        """A person clicked on a hunk; nothing is decided."""

        group: int

    def __init__(self) -> None:
        super().__init__()
        self._is_split = False
        self._painter = DiffPainter()
        self._found: list[int] = []
        """Rows that hold what is searched for."""
        self._lines: dict[int, Strip] = {}
        """Painted lines by their number, for `_window`."""
        self._window = (0, 0, False)
        """First cell, cells, and whether both sides stand side by side."""

    @property
    def diff(self) -> FileDiff:
        """The file that is shown."""
        return self._painter.diff

    @property
    def group(self) -> int:
        """The hunk under the cursor."""
        return self._painter.group

    def show(self, diff: FileDiff, *, marks: Sequence[Mark], group: int, tags: Sequence[str] = ()) -> None:
        """Show a file: `marks` has one entry per shown hunk, `group` is the one under the cursor.

        `tags` are short remarks for the heads of the hunks. What did not change is not painted again.
        """
        painter = self._painter
        is_other, has_moved = diff is not painter.diff, group != painter.group
        touched = {group, painter.group} if has_moved else set[int]()
        if not is_other:
            touched |= _differing(painter.marks, marks) | _differing(painter.tags, tags)
        painter.diff, painter.marks, painter.group, painter.tags = diff, marks, group, tags
        self._take_size()
        if is_other:
            self.find(painter.words)
        elif touched:
            self._repaint_groups(touched)
        if is_other or has_moved:
            self.call_after_refresh(self.reveal)

    @property
    def is_split(self) -> bool:
        """True while old and new stand side by side."""
        return self._is_split

    def set_split(self, is_split: bool) -> None:
        """Two columns or one, from the next `show` on."""
        if is_split != self._is_split:
            self._is_split = is_split
            self.scroll_to(x=0, animate=False, force=True)
            self._repaint_all()
            self.call_after_refresh(self.reveal)

    def _repaint_groups(self, groups: set[int]) -> None:
        stale = [line for line in self._lines if self._painter.group_at(line, is_split=self._is_split) in groups]
        for line in stale:
            del self._lines[line]
        top, cells = self.scroll_offset.y, self.size.width
        regions = [Region(0, line - top, cells, 1) for line in stale if 0 <= line - top < self.size.height]
        if regions:
            self.refresh(*regions)

    def _repaint_all(self) -> None:
        self._lines.clear()
        self.refresh()

    def find(self, words: str) -> int:
        """Mark every row that holds `words`, whatever the case; returns how many there are."""
        words, rows = words.casefold(), self.diff.rows
        self._painter.words = words
        self._found = [n for n in range(len(rows)) if words in rows[n].text.casefold()] if words else []
        self._painter.forget()
        self._repaint_all()
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
        if lexer is self._painter.lexer:
            return
        self._painter.lexer = lexer
        self._painter.forget()
        self._repaint_all()

    def reveal(self) -> None:
        """Scroll so that the hunk under the cursor is on screen, its head near the top if it does not fit."""
        if not self.diff.rows.heads:
            return
        first = self._line_of(self.diff.rows.heads[self.group])
        last = self._line_of(self.diff.rows.last_of(self.group))
        top, height = self.scroll_offset.y, max(self.size.height, 1)
        if first < top or last >= top + height:
            self.scroll_to(y=max(0, first - 1), animate=False, force=True)

    @property
    def allow_horizontal_scroll(self) -> bool:
        """Long lines move sideways; no bar is shown for it."""
        return self.max_scroll_x > 0

    def _line_of(self, row: int) -> int:
        return self.diff.rows.side_line(row) if self._is_split else row

    def _take_size(self) -> None:
        size = self._measure()
        if self.size:
            self.virtual_size = size
        else:  # before the first layout: it finds the size and the bar as they are, and needs no second one
            self.set_reactive(cast(Reactive[Size], ScrollView.virtual_size), size)
            self.set_reactive(ScrollView.show_vertical_scrollbar, size.height > terminal_size(self).height)

    def _measure(self) -> Size:
        gutter, diff = self._painter.gutter, self.diff
        if not self._is_split:
            return Size(gutter + diff.width + 1, len(diff.rows))
        cells = self.scrollable_content_region.width
        hidden = max(gutter + diff.width - (cells - 1) // 2, 0) if cells else 0
        return Size(cells + hidden, diff.rows.side_count)

    def on_resize(self, event: events.Resize) -> None:
        """Side by side, how far the text moves depends on the room."""
        if self._is_split:
            self._take_size()

    def on_click(self, event: events.Click) -> None:
        """The hunk that was clicked on is under the cursor then; it stays where it is on the screen."""
        line = event.y + self.scroll_offset.y
        if line < self.virtual_size.height:
            group = self._painter.group_at(line, is_split=self._is_split)
            if group >= 0:
                touched = {group, self.group}
                self._painter.group = group
                self._repaint_groups(touched)
                self.post_message(self.Picked(group))

    def render_lines(self, crop: Region) -> list[Strip]:
        """The strips of the visible lines; no border, padding or opacity of Textual's is laid over them."""
        painter, (x, y) = self._painter, self.scroll_offset
        if painter.palette.use(theme_tokens(self)):
            painter.forget()
            self._lines.clear()
        window = x, self.scrollable_content_region.width, self._is_split
        if window != self._window or len(self._lines) > _KEPT_LINES:
            self._window = window
            self._lines.clear()
        strips = [self._painted(y + row) for row in crop.line_range]
        background = self.background_colors[1]
        for line_filter in self._filters():
            strips = [strip.apply_filter(line_filter, background) for strip in strips]
        if crop.column_span == (0, window[1]):
            return strips
        return [strip.crop(*crop.column_span) for strip in strips]

    def _filters(self) -> Iterator[LineFilter]:
        for line_filter in self.get_line_filters():
            # one that replaces the sixteen colours would look at each piece and change none
            if not (self._painter.palette.is_true and type(line_filter) is ANSIToTruecolor):
                yield line_filter

    def _painted(self, line: int) -> Strip:
        strip = self._lines.get(line)
        if strip is None:
            x, cells, is_split = self._window
            if line >= self.virtual_size.height:
                strip = self._painter.blank(cells)
            elif is_split:
                strip = self._painter.pair(line, x, cells)
            else:
                strip = self._painter.line(line, x, cells)
            self._lines[line] = strip
        return strip


def _differing(before: Sequence[object], now: Sequence[object]) -> set[int]:
    """Numbers of the entries that are not the same."""
    if len(before) != len(now):
        return set(range(max(len(before), len(now))))
    return {number for number, (one, other) in enumerate(zip(before, now, strict=True)) if one != other}
