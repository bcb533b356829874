"""A text area whose lines are painted as everything else is.

Invariant: what is painted has as many characters as the text, so that the cursor stands where it belongs.
"""

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import TextArea

from hybridcode.tui.paint import edited
from hybridcode.tui.widgets.in_order import take_own


class TextBox(TextArea):
    """Text to edit, hidden characters in it shown as one sign each."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+underscore", "undo", "undo what was written", key_display="Ctrl+_", id="text.undo"),
    ]

    async def _on_key(self, event: events.Key) -> None:
        await take_own(self, event)

    def get_line(self, line_index: int) -> Text:
        """One line as it is painted."""
        return edited(self.document.get_line(line_index))
