"""The line in which a person types what to look for.

Invariant: Escape and Enter both give the keys back to what is searched; what was typed stays until it is cleared.
"""

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from hybridcode.tui.widgets.in_order import LineBox


class Finder(LineBox):
    """One line, shown only while it is used or holds something."""

    @dataclass
    class Typed(Message):
        """The words to look for are others now."""

        words: str

    @dataclass
    class Closed(Message):
        """The keys go back to what is searched."""

        is_kept: bool = False
        """True when Enter ended the search."""
        is_cleared: bool = False
        """True when the words were forgotten."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "end the search", id="find.clear"),
        Binding("enter", "keep", "to what was found", id="find.keep"),
        Binding("down", "close", "to what was found", id="find.down"),
    ]

    def __init__(self) -> None:
        super().__init__(placeholder="find", id="finder")

    def on_mount(self) -> None:
        """Nothing blinks."""
        self.cursor_blink = False

    def open(self) -> None:
        """Take the keys, from the very next one on."""
        self.display = True
        self.screen.set_focus(self)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look at once."""
        event.stop()
        self.post_message(self.Typed(event.value))

    def action_clear(self) -> None:
        """Forget the words and give the keys back."""
        self.value = ""
        self.display = False
        self.post_message(self.Closed(is_cleared=True))

    def action_keep(self) -> None:
        """Give the keys back: this is what was looked for, also where Enter came together with the last letters."""
        self.display = bool(self.value)
        self.post_message(self.Typed(self.value))
        self.post_message(self.Closed(is_kept=True))

    def action_close(self) -> None:
        """Give the keys back."""
        self.display = bool(self.value)
        self.post_message(self.Closed())


def take_late(focused: Widget | None, event: events.Key) -> None:
    """Give an open search a letter that was typed right behind the key which opened it and went elsewhere first."""
    if isinstance(focused, Finder) and event.is_printable and event.character:
        event.prevent_default()
        focused.insert_text_at_cursor(event.character)
