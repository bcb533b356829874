"""What happened, as paragraphs: a line-API log that wraps to its width.

Invariant: rows are tuples; painting costs the same whatever the length; it follows the end only while it is at the end.
"""

from collections.abc import Iterable
from typing import ClassVar, NamedTuple

from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from hybridcode.tui.paint import fit, segment, wrap
from hybridcode.tui.story import Entry, Tone

LABEL_CELLS = 11
"""Cells of the margin that holds labels."""

_TONES = ("plain", "strong", "quiet", "good", "bad", "warn", "code")


class _Row(NamedTuple):
    label: str
    text: str
    tone: Tone


class Transcript(ScrollView, can_focus=True):
    """Completed paragraphs. What is still being written stands in a Live widget below."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"story--{tone}" for tone in (*_TONES, "label")}

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[Entry] = []
        self._rows: list[_Row] = []
        self._cells = 0
        self._styles: dict[str, Style] = {}
        self._is_following = True
        """Until somebody scrolls up, and again from the end on; scrolling itself happens later, after a refresh."""

    def add(self, entries: Iterable[Entry]) -> None:
        """Append paragraphs; scrolls along when the end was in sight."""
        new = list(entries)
        if not new:
            return
        self._entries.extend(new)
        if self._cells:
            self._rows.extend(row for entry in new for row in _rows(entry, self._cells))
            self._settle()

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._rows.clear()
        self._is_following = True
        self._settle()

    def catch_up(self) -> None:
        """Show the end, unless somebody scrolled away from it."""
        if self._is_following:
            self.scroll_end(animate=False, force=True)

    def on_resize(self, event: events.Resize) -> None:
        """Wrap again when the width changed; keep the end in sight if it was."""
        cells = self.scrollable_content_region.width
        if cells != self._cells:
            self._cells = cells
            self._rows = [row for entry in self._entries for row in _rows(entry, cells)]
        self._settle()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Up is away from the end, and the end is where it is followed from."""
        super().watch_scroll_y(old_value, new_value)
        if new_value < old_value:
            self._is_following = False
        if round(new_value) + self.size.height >= len(self._rows):
            self._is_following = True

    def _settle(self) -> None:
        self.virtual_size = Size(1, len(self._rows))
        self.refresh()
        self.catch_up()

    def notify_style_update(self) -> None:
        """Drop the styles made with the old colours."""
        super().notify_style_update()
        self._styles.clear()

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = self.get_component_rich_style(f"story--{name}")
        return style

    def render_line(self, y: int) -> Strip:
        """The strip of one visible line."""
        line, cells = y + self.scroll_offset.y, self.size.width
        if line >= len(self._rows):
            return Strip.blank(cells, self._style("plain"))
        row = self._rows[line]
        style = self._style(row.tone)
        lead = segment(fit(row.label, LABEL_CELLS), self._style("label"))
        return Strip([lead, segment(row.text, style)]).crop_extend(
            0, cells, style if row.tone == "code" else self._style("plain")
        )


def _rows(entry: Entry, cells: int) -> Iterable[_Row]:
    lines = wrap(entry.text, cells - LABEL_CELLS - 1)
    for number, line in enumerate(lines):
        yield _Row(entry.label if number == 0 else "", line, entry.tone)
