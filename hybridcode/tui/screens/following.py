"""A list over the envelopes of this session that follows while a task runs.

Invariant: folds and paints only when something happened since, at most a few times a second.
"""

from collections.abc import Callable, Sequence

from textual import events

from hybridcode.domain.events import Envelope
from hybridcode.tui.screens.listing import ListScreen

LOOK_S = 0.5
"""Seconds between two looks at how many envelopes there are."""


class FollowingList(ListScreen):
    """Subclasses fold the envelopes in `take`, each once."""

    def __init__(self, envelopes: Callable[[], Sequence[Envelope]]) -> None:
        super().__init__()
        self._envelopes = envelopes
        self._seen = 0

    def take(self, envelopes: Sequence[Envelope]) -> None:
        """Fold envelopes that follow those taken before."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Look again from time to time."""
        self._look()
        self.set_interval(LOOK_S, self._follow)

    def on_resize(self, event: events.Resize) -> None:
        """The first fold comes before the first paint."""
        del event
        self._look()

    def _look(self) -> bool:
        envelopes = self._envelopes()
        seen, self._seen = self._seen, len(envelopes)
        if seen < self._seen:
            self.take(envelopes[seen:] if seen else envelopes)
        return seen < self._seen

    def _follow(self) -> None:
        if self.is_current and self._look():
            self.repaint()
