"""When a key may decide: half a second after the pane is on the screen, with no key in between and nothing unsent.

Invariant: what counts is when a key was typed, never when it is handled, so that no key of before the pane was seen can
decide, however late it is read; any key while the guard sleeps decides nothing and makes it sleep again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

SLEEP_S = 0.5
"""Seconds without a key press after which keys decide."""

Seen = Callable[[float], None]
"""Takes the time at which a person's screen showed what was sent to it."""
LATER = "key ignored: this has only just appeared"
_TOO_SOON = f"key ignored: keys decide after {SLEEP_S} s without a key press"
_AT_ONCE = "keys ignored: they came all at once, as in a paste"
_UNSENT = "the composer holds unsent text: send it or clear it (Esc goes back)"


class Eyes(Protocol):
    """What knows when keys were typed and when a frame is on the screen."""

    @property
    def typed_at(self) -> float:
        """When the key that is being handled was typed."""
        ...

    def is_burst(self) -> bool:
        """True when the last two keys came faster than anybody types."""
        ...

    def when_seen(self, seen: Seen) -> None:
        """Call back once everything sent so far is on the screen."""
        ...


@dataclass
class KeyGuard:
    """Asleep at first and after every `appear`; awake after SLEEP_S seconds without a key."""

    clock: Callable[[], float]
    """Seconds that only grow, as time.monotonic."""
    unsent: Callable[[], str]
    """What the composer holds right now."""
    eyes: Eyes | None = None
    """None: a key is typed when it is handled, and a frame is seen when it is sent."""
    _since: float | None = None
    """The last moment that keeps it asleep; None until the pane is seen."""
    _away_at: float | None = None
    """When the key before was typed, if it led elsewhere."""
    _times: int = 0

    def appear(self, after_refresh: Callable[[Callable[[], None]], object] | None = None) -> None:
        """A pane comes to the front; `after_refresh` calls back when its frame is on its way to the terminal."""
        self._since = None
        self._times += 1
        number = self._times
        if after_refresh is None:
            self._look(number)
        else:
            after_refresh(lambda: self._look(number))

    def _look(self, number: int) -> None:
        def seen(at: float) -> None:
            if number == self._times:
                self._since = at

        if self.eyes is None:
            seen(self.clock())
        else:
            self.eyes.when_seen(seen)

    def press(self) -> None:
        """Some key was pressed, whatever it is bound to."""
        at = self._typed_at
        if self._since is not None and at - self._since < SLEEP_S:
            self._since = max(self._since, at)

    def leads_away(self, does: bool) -> None:
        """Whether the key that is being handled leads elsewhere: behind one that does, the guard sleeps again from the
        time when it was typed, so that what was typed for the place it opens decides nothing here."""
        if self._away_at is not None and self._since is not None:
            self._since = max(self._since, self._away_at)
        self._away_at = self._typed_at if does else None

    def refusal(self) -> str:
        """Why the key that is being handled may not decide, empty if it may."""
        if self.unsent().strip():
            return _UNSENT
        if self._since is None:
            return LATER
        if self.eyes is not None and self.eyes.is_burst():
            return _AT_ONCE
        return _TOO_SOON if self._typed_at - self._since < SLEEP_S else ""

    @property
    def _typed_at(self) -> float:
        return self.clock() if self.eyes is None else self.eyes.typed_at
