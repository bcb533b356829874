"""When a key may decide: the half second after a pane appears, and text that is still being typed.

Invariant: any key pressed while the guard sleeps decides nothing and makes it sleep again from that moment.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

SLEEP_S = 0.5
"""Seconds without a key press after which keys decide."""


@dataclass
class KeyGuard:
    """Asleep at first and after every `appear`; awake after SLEEP_S seconds without a key."""

    clock: Callable[[], float]
    """Seconds that only grow, as time.monotonic."""
    unsent: Callable[[], str]
    """What the composer holds right now."""
    _since: float = field(init=False)

    def __post_init__(self) -> None:
        self._since = self.clock()

    def appear(self) -> None:
        """A pane has just been painted."""
        self._since = self.clock()

    def press(self) -> None:
        """Some key was pressed, whatever it is bound to."""
        now = self.clock()
        if now - self._since < SLEEP_S:
            self._since = now

    def refusal(self) -> str:
        """Why a key pressed now may not decide, empty if it may."""
        if self.unsent().strip():
            return "the composer holds unsent text: send it or clear it (Esc goes back)"
        if self.clock() - self._since < SLEEP_S:
            return f"key ignored: keys decide after {SLEEP_S} s without a key press"
        return ""
