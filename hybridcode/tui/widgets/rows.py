"""A list to walk through: one row is one line, with a cursor on one of them.

Invariant: rows are tuples, only visible ones are painted; the cursor is told by a sign and not by colour alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from hybridcode.tui.in_program import theme_tokens
from hybridcode.tui.paint import segment
from hybridcode.tui.palette import Ink, Palette

RowTone = Literal["plain", "strong", "quiet", "good", "bad", "warn", "accent"]
_INKS = {
    "plain": Ink("foreground", "background"),
    "strong": Ink("foreground", "background", is_bold=True),
    "quiet": Ink("quiet", "background"),
    "good": Ink("success", "background"),
    "bad": Ink("error", "background"),
    "warn": Ink("warning", "background"),
    "accent": Ink("accent", "background", is_bold=True),
    "cursor": Ink("foreground", "cursor-background"),
}


class Row(NamedTuple):
    """One line: text in runs, each with its tone. What does not fit is cut; columns are the caller's part (`fit`)."""

    key: str
    """What the row stands for; unique in its list. Empty: a heading, which the cursor passes over."""
    runs: tuple[tuple[str, RowTone], ...]
    also: str = ""
    """More words that a search finds it by."""

    @property
    def text(self) -> str:
        """The row without its tones."""
        return "".join(text for text, _ in self.runs)


class Rows(ScrollView, can_focus=True):
    """Rows with a cursor. Enter or a second click chooses."""

    @dataclass
    class Moved(Message):
        """The cursor stands on another row."""

        key: str

    @dataclass
    class Chosen(Message):
        """A person pressed Enter on a row."""

        key: str

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "next row", key_display="↓, j", id="list.down"),
        Binding("up,k", "move(-1)", "previous row", key_display="↑, k", id="list.up"),
        Binding("pagedown", "page(1)", "a page down", id="list.page-down"),
        Binding("pageup", "page(-1)", "a page up", id="list.page-up"),
        Binding("home,g", "jump(0)", "first row", key_display="Home, g", id="list.first"),
        Binding("end,G", "jump(-1)", "last row", key_display="End, G", id="list.last"),
        Binding("enter", "choose", "open it", id="list.choose"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._rows: Sequence[Row] = ()
        self._at = 0
        self._palette = Palette(_INKS)

    @property
    def key(self) -> str:
        """Key of the row under the cursor, empty in an empty list."""
        return self._rows[self._at].key if self._rows else ""

    def show(self, rows: Sequence[Row]) -> None:
        """Show other rows; the cursor stays on its key where that is still there."""
        key, self._rows = self.key, rows
        places = [place for place, row in enumerate(rows) if row.key]
        kept = next((place for place in places if rows[place].key == key), None)
        self._at = kept if kept is not None else min(places, key=lambda place: abs(place - self._at), default=0)
        self.virtual_size = Size(1, len(rows))
        self.refresh()
        self.call_after_refresh(self._reveal)
        if self.key != key:
            self.post_message(self.Moved(self.key))

    def go_to(self, key: str) -> None:
        """Put the cursor on a row by its key."""
        place = next((place for place, row in enumerate(self._rows) if row.key == key), None)
        if place is not None:
            self._put(place)

    def action_move(self, step: int) -> None:
        """One row on, headings passed over."""
        place = self._at + step
        while 0 <= place < len(self._rows) and not self._rows[place].key:
            place += step
        if 0 <= place < len(self._rows):
            self._put(place)
        elif step < 0:
            self.scroll_to(y=0, animate=False)

    def action_page(self, pages: int) -> None:
        """A screenful on."""
        self._put_near(self._at + pages * max(self.size.height - 1, 1))

    def action_jump(self, place: int) -> None:
        """To the first or the last row."""
        self._put_near(place if place >= 0 else len(self._rows) - 1)

    def action_choose(self) -> None:
        """Say that the row under the cursor is meant."""
        if self.key:
            self.post_message(self.Chosen(self.key))

    def on_click(self, event: events.Click) -> None:
        """The first click moves the cursor, one on the row under the cursor chooses it."""
        place = event.y + self.scroll_offset.y
        if not 0 <= place < len(self._rows) or not self._rows[place].key:
            return
        if place == self._at:
            self.action_choose()
        else:
            self._put(place)

    def _put_near(self, place: int) -> None:
        keyed = [number for number, row in enumerate(self._rows) if row.key]
        if keyed:
            self._put(min(keyed, key=lambda number: abs(number - place)))

    def _put(self, place: int) -> None:
        if place != self._at:
            self._at = place
            self.refresh()
            self.post_message(self.Moved(self.key))
        self._reveal()

    def _reveal(self) -> None:
        top, height = self.scroll_offset.y, max(self.size.height, 1)
        if self._at < height and not any(row.key for row in self._rows[: self._at]):
            self.scroll_to(y=0, animate=False, force=True)  # the heading above the first row is shown with it
        elif not top <= self._at < top + height:
            self.scroll_to(y=self._at if self._at < top else self._at - height + 1, animate=False, force=True)

    def render_line(self, y: int) -> Strip:
        """The strip of one visible line."""
        place, cells = y + self.scroll_offset.y, self.size.width
        self._palette.use(theme_tokens(self))
        styles = self._palette.styles
        plain = styles["plain"]
        if place >= len(self._rows):
            return Strip.blank(cells, plain)
        is_here = place == self._at and bool(self._rows[place].key)
        over = Style(bgcolor=styles["cursor"].bgcolor) if is_here else Style()
        lead = segment("▌" if is_here else " ", styles["accent"] + over)
        runs = [segment(text, styles[tone] + over) for text, tone in self._rows[place].runs]
        return Strip([lead, *runs]).crop_extend(0, cells, plain + over)
