"""A view with keys that change something: they wait like those of a pane.

Invariant: no such key counts in the half second after the view appears, nor while the composer holds text; Enter is
bound to none of them.
"""

from textual import events

from hybridcode.tui.guard import KeyGuard
from hybridcode.tui.screens.framed import ViewScreen


class GuardedScreen(ViewScreen):
    """A view whose decisive keys ask `may_decide` first."""

    def __init__(self, guard: KeyGuard) -> None:
        super().__init__()
        self.guard = guard

    def on_screen_resume(self) -> None:
        """Sleep again whenever the view comes to the front."""
        self.guard.appear(self.call_after_refresh)

    def on_key(self, event: events.Key) -> None:
        """Every key keeps a sleeping guard asleep; Textual calls this beside the handler of `Framed`."""
        del event
        self.guard.press()

    def may_decide(self) -> bool:
        """True when a key may decide now; otherwise the bottom line says why not."""
        refusal = self.guard.refusal()
        self.flash(refusal)
        return not refusal
