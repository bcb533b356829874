"""A line for a word that must be typed, letter by letter.

Invariant: nothing gets into it by a paste, and no letter that was typed before the question was seen.
"""

from collections.abc import Callable

from textual import events

from hybridcode.tui.guard import KeyGuard
from hybridcode.tui.widgets.in_order import LineBox


class TypedLine(LineBox):
    """An input that takes keys only, once its guard lets them through."""

    def __init__(self, guard: Callable[[], KeyGuard | None], *, placeholder: str) -> None:
        super().__init__(id="answer")
        self.placeholder = placeholder
        self._guard = guard

    def on_mount(self) -> None:
        """Nothing blinks."""
        self.cursor_blink = False

    async def _on_key(self, event: events.Key) -> None:
        guard = self._guard()
        if guard is not None:
            guard.press()
        if guard is not None and event.is_printable and guard.refusal():
            event.prevent_default()
            event.stop()

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()

    def action_paste(self) -> None:
        """Nothing: the word is to be typed."""
