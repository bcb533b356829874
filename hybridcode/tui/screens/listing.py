"""A view that is a list, with what is known about the row under the cursor beside or below it.

Invariant: the list is narrowed by words (all of them, in any order, whatever their case); nothing is cut silently.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll

from hybridcode.tui.paint import Part
from hybridcode.tui.screens.framed import ViewScreen
from hybridcode.tui.widgets.finder import Finder
from hybridcode.tui.widgets.painted import Painted
from hybridcode.tui.widgets.rows import Row, Rows

WIDE_CELLS = 100
"""Columns from which details stand beside the list instead of below it."""


class ListScreen(ViewScreen):
    """Rows, a search line, details. Subclasses say what the rows are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "search the list", key_display="/", id="list.find"),
    ]
    NOTHING: ClassVar[str] = "nothing here yet"
    """Shown in place of an empty list."""

    def __init__(self) -> None:
        super().__init__()
        self._words: list[str] = []

    def body(self) -> ComposeResult:
        """List and details, the search line below."""
        with Container(id="list-and-detail"):
            yield Rows()
            with VerticalScroll(id="detail", can_focus=False):
                yield Painted(ident="detail-text")
        yield Painted(ident="nothing")
        yield Finder()

    def on_mount(self) -> None:
        """The list takes the keys."""
        self.query_one(Rows).focus()

    def on_resize(self, event: events.Resize) -> None:
        """Details beside or below."""
        self.set_class(event.size.width < WIDE_CELLS, "-narrow")

    def rows(self, cells: int) -> Sequence[Row]:
        """What the list holds, for a width of `cells`."""
        del cells
        return ()

    def nothing(self) -> str:
        """What stands in place of an empty list."""
        return self.NOTHING

    def detail_parts(self, key: str, cells: int) -> list[Part | str]:
        """What is known about a row; empty: there are no details."""
        del key, cells
        return []

    def repaint(self) -> None:
        """Paint the rows too."""
        super().repaint()
        has_detail = type(self).detail_parts is not ListScreen.detail_parts
        self.query_one("#detail").set_class(has_detail, "-on")
        is_beside = has_detail and self.size.width >= WIDE_CELLS
        found = [
            row
            for row in self.rows(self.size.width // 2 if is_beside else self.size.width - 2)
            if all(word in f"{row.text} {row.also}".casefold() for word in self._words)
        ]
        self.query_one(Rows).show(found)
        said = "nothing matches · Esc in the search line clears it" if self._words else self.nothing()
        self.query_one("#nothing", Painted).paint(("" if found else said, "$quiet"))
        self.query_one("#nothing").set_class(not found, "-on")
        self._paint_detail()

    def _paint_detail(self) -> None:
        is_beside = self.size.width >= WIDE_CELLS
        cells = self.size.width // 2 - 4 if is_beside else self.size.width - 3  # beside a scroll bar
        key = self.query_one(Rows).key
        self.query_one("#detail-text", Painted).paint(*(self.detail_parts(key, cells) if key else []))

    @property
    def key(self) -> str:
        """Key of the row under the cursor, empty for none."""
        return self.query_one(Rows).key

    def go_to(self, key: str) -> None:
        """Put the cursor on a row, once what was painted last has its size: text painted twice at once keeps the first
        one's height."""
        self.call_after_refresh(lambda: self.query_one(Rows).go_to(key))

    def on_rows_moved(self, event: Rows.Moved) -> None:
        """Other details."""
        event.stop()
        self.query_one("#detail").scroll_home(animate=False)
        self._paint_detail()

    def on_finder_typed(self, event: Finder.Typed) -> None:
        """Narrow the list."""
        event.stop()
        self._words = event.words.casefold().split()
        self.repaint()

    def on_finder_closed(self, event: Finder.Closed) -> None:
        """The list takes the keys again."""
        event.stop()
        self.query_one(Rows).focus()

    def forget_words(self) -> None:
        """Search for nothing any more."""
        self._words = []
        finder = self.query_one(Finder)
        finder.value = ""
        finder.display = False

    def action_find(self) -> None:
        """Type what to look for."""
        self.query_one(Finder).open()
