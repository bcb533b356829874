"""Escape twice on the session screen: back to before an earlier task.

Invariant: opens only while nothing runs and nothing is being written; one press alone changes nothing.
"""

from hybridcode.tui.desk import Desk
from hybridcode.tui.views import open_view

TWICE_S = 0.8
"""Seconds in which the second press counts."""


class Rewinding:
    """Counts presses."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._pressed_at = -TWICE_S

    def press(self) -> None:
        """Escape, while nothing runs."""
        desk = self._desk
        if desk.session.unsent or not desk.state.tasks:
            return
        now = desk.clock()
        if now - self._pressed_at <= TWICE_S:
            self._pressed_at = -TWICE_S
            open_view(desk, "rewind")
            return
        self._pressed_at = now
        desk.session.remark("Esc again: back to before an earlier task", TWICE_S)
