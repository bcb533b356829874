"""A text to read in full: wrapped, searched, copied.

Invariant: nothing is cut; only the visible lines are painted, whatever the length of the text.
"""

import re
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from hybridcode.tui.amounts import plural, size
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part, wrap
from hybridcode.tui.screens.framed import Keys, ViewScreen
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.finder import Finder
from hybridcode.tui.widgets.rows import Row, Rows, RowTone


class Line(NamedTuple):
    """A line of the text. Marks are lines of ours between those of the text."""

    text: str
    is_mark: bool = False


class TextScreen(ViewScreen):
    """Lines to walk through; marks are told by a rule before them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "search the text", key_display="/", id="text.find"),
        Binding("n", "next(1)", "next match", id="text.next"),
        Binding("N", "next(-1)", "match before", id="text.previous"),
        Binding("m", "mark", "next part", id="text.mark"),
        Binding("c", "copy", "copy the text", id="text.copy"),
    ]
    HINTS: ClassVar[Keys] = (
        Hint("/", "search"),
        Hint("n N", "matches"),
        Hint("m", "next part"),
        Hint("c", "copy"),
    )

    def __init__(self, title: str, lines: Sequence[Line]) -> None:
        super().__init__()
        self._name, self._lines = title, tuple(lines)
        self._words = ""
        self._cells = 0
        self._shown: list[tuple[int, str]] = []
        self._matches: list[int] = []

    def body(self) -> ComposeResult:
        """The text, and the line to search it."""
        yield Rows()
        yield Finder()

    def on_mount(self) -> None:
        """The text takes the keys."""
        self.query_one(Rows).focus()

    def on_resize(self, event: events.Resize) -> None:
        """Wrap anew."""
        cells = max(event.size.width - 3, 10)
        if cells != self._cells:
            self._cells = cells
            self._shown = [(number, piece) for number, line in enumerate(self._lines) for piece in _pieces(line, cells)]

    def repaint(self) -> None:
        """Paint the text too."""
        super().repaint()
        self.query_one(Rows).show(
            [Row(str(place), ((text, self._tone(place, number)),)) for place, (number, text) in enumerate(self._shown)]
        )

    def _tone(self, place: int, number: int) -> RowTone:
        if self._lines[number].is_mark:
            return "accent"
        return "warn" if place in self._matches else "plain"

    @property
    def text(self) -> str:
        """The text without our marks."""
        return "\n".join(line.text for line in self._lines if not line.is_mark)

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """What this is, how long it is, and what was found."""
        found = [(0, f"{plural(len(self._matches), 'line')} with {self._words}")] if self._words else []
        count = sum(not line.is_mark for line in self._lines)
        return ((self._name, "bold $accent"),), [*found, (1, plural(count, "line")), (2, size(len(self.text.encode())))]

    def on_finder_typed(self, event: Finder.Typed) -> None:
        """Find at once and go to the first match from here on."""
        event.stop()
        self._words = event.words
        found = re.compile(re.escape(event.words), re.IGNORECASE) if event.words else None
        self._matches = [
            place
            for place, (number, text) in enumerate(self._shown)
            if found is not None and not self._lines[number].is_mark and found.search(text)
        ]
        self.repaint()
        if self._matches:
            here = int(self.query_one(Rows).key or 0)
            self._go(next((place for place in self._matches if place >= here), self._matches[0]))

    def on_finder_closed(self, event: Finder.Closed) -> None:
        """The text takes the keys again."""
        event.stop()
        self.query_one(Rows).focus()

    def action_find(self) -> None:
        """Type what to look for."""
        self.query_one(Finder).open()

    def action_next(self, step: int) -> None:
        """To the next match, round the end."""
        if not self._matches:
            self.flash("nothing is searched for, / searches" if not self._words else f"nothing matches {self._words}")
            return
        here = int(self.query_one(Rows).key or 0)
        ordered = self._matches if step > 0 else self._matches[::-1]
        self._go(next((place for place in ordered if (place - here) * step > 0), ordered[0]))

    def action_mark(self) -> None:
        """To the next part, round the end."""
        here = int(self.query_one(Rows).key or 0)
        marks = [place for place, (number, _) in enumerate(self._shown) if self._lines[number].is_mark]
        if marks:
            self._go(next((place for place in marks if place > here), marks[0]))

    def action_copy(self) -> None:
        """Hand the text to the clipboard."""
        self.program.copy_to_clipboard(self.text)
        self.flash(f"copied, {size(len(self.text.encode()))}")

    def _go(self, place: int) -> None:
        self.query_one(Rows).go_to(str(place))


def _pieces(line: Line, cells: int) -> list[str]:
    """A line in pieces that fit."""
    if line.is_mark:
        return [f"── {line.text} ".ljust(min(cells, 60), "─")]
    return wrap(line.text.expandtabs(4), cells) or [""]
