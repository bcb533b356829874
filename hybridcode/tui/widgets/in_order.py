"""Widgets to write in: every key counts in the order it was typed, also where many come in one piece.

Invariant: what a key of the widget's own does is done before the next key is looked at. Textual itself takes letters at
once and offers every other key to all screens first, so that a backspace would be overtaken by the letters behind it.
"""

from textual import events
from textual.widget import Widget
from textual.widgets import Input

from hybridcode.tui.in_program import do


async def take_own(widget: Widget, event: events.Key) -> None:
    """Do what a key that writes nothing does in this very widget, if it does anything there."""
    if event.is_printable:
        return
    active = widget.screen.active_bindings.get(event.key)
    if active is None or active.node is not widget or active.binding.priority:
        return
    if await do(widget, active.binding.action):
        event.prevent_default()
        event.stop()


class LineBox(Input):
    """One line to write."""

    async def _on_key(self, event: events.Key) -> None:
        await take_own(self, event)
