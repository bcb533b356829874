"""What screens of ours have in common: a title line, a body, a line of keys, and remarks in that line.

Invariant: the way back and the way to all keys stand in the bottom line at every width.
"""

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from hybridcode.tui.hints import ALL_KEYS, BACK, Hint, fitting_hints, hint_text
from hybridcode.tui.paint import Part
from hybridcode.tui.widgets.bars import Bar, Item

Keys = tuple[Hint, ...]
"""Keys and what they do, for the line at the bottom; the first ones matter most."""

FLASH_S = 3.0
"""Seconds that a remark stands in the bottom line if no key is pressed."""


class Framed(Screen[None]):
    """A screen between two bars. The body is the subclass's part."""

    @dataclass
    class Copied(Message):
        """A person wants this in the clipboard of the terminal."""

        text: str

    @dataclass
    class Opened(Message):
        """A screen is to stand in front of this one."""

        screen: Screen[None]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "app.view('help')", "all keys", key_display="? F1", id="screen.help"),
    ]

    HINTS: ClassVar[Keys] = ()

    def __init__(self) -> None:
        super().__init__()
        self._flash = ""
        self._flash_end: Timer | None = None

    def compose(self) -> ComposeResult:
        """Title, body, keys."""
        yield Bar("title", classes="-ruled")
        yield from self.body()
        yield Bar("keys", classes="-ruled")

    def body(self) -> ComposeResult:
        """What the screen shows."""
        yield Widget()

    def on_key(self, event: events.Key) -> None:
        """The next key ends a remark; bindings are looked at afterwards."""
        del event
        self.flash("")

    def on_resize(self, event: events.Resize) -> None:
        """Paint for the first time, and again for each new width."""
        self.repaint()

    def repaint(self) -> None:
        """Paint title and keys; subclasses add their body."""
        left, items = self.shown_title()
        self.query_one("#title", Bar).show(*left, items=items)
        self._paint_keys()

    def shown_title(self) -> tuple[tuple[Part, ...], list[Item]]:
        """The title as it is painted."""
        return self.title_parts()

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """Left part and ranked items of the title."""
        return (), []

    def hints(self) -> Keys:
        """Keys for the bottom line."""
        return self.HINTS

    def _paint_keys(self) -> None:
        bar = self.query_one("#keys", Bar)
        if self._flash:
            bar.show((f"! {self._flash}", "bold $warning"))
            return
        parts: list[Part] = []
        for hint in fitting_hints((*self.hints(), BACK, ALL_KEYS), self.size.width - 2):
            parts += [(hint.key, "bold $accent"), (hint_text(hint), "$quiet")]
        bar.show(*parts)

    def flash(self, text: str) -> None:
        """Say something in the bottom line until the next key or for FLASH_S seconds; nothing to end it."""
        if text == self._flash:
            return
        self._flash = text
        if self._flash_end is not None:
            self._flash_end.stop()
        self._flash_end = self.set_timer(FLASH_S, lambda: self.flash("")) if text else None
        self._paint_keys()


class ViewScreen(Framed):
    """A screen that only shows: Escape or q goes back to where it was opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "back", key_display="Esc, q", id="view.back"),
    ]
