"""The plan beside the transcript: every step, who writes it, where it stands and why.

Invariant: shows every step in full; nothing is cut, it scrolls.
"""

from collections.abc import Mapping

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from hybridcode.session.state import TaskView
from hybridcode.tui.plan_text import active_line, plan_parts
from hybridcode.tui.widgets.painted import Painted


class PlanView(VerticalScroll, can_focus=False):
    """The steps of the latest task."""

    def __init__(self) -> None:
        super().__init__()
        self._view: TaskView | None = None
        self._words: Mapping[str, str] = {}
        self._active = 0

    def compose(self) -> ComposeResult:
        """One block of text."""
        yield Painted()

    def show(self, task: TaskView | None, *, words: Mapping[str, str]) -> None:
        """Show a task as it is now; `words` say what the steps they name do instead of their status."""
        self._view, self._words = task, words
        self._paint()

    def on_resize(self, event: events.Resize) -> None:
        """Wrap to the new width."""
        self._paint()

    def _paint(self) -> None:
        cells = self.scrollable_content_region.width - 1
        if self._view is None or cells < 8:
            return
        parts = plan_parts(self._view, cells, words=self._words)
        self.query_one(Painted).paint(*parts)
        active = active_line(self._view, parts)
        if active != self._active:
            self._active = active
            self.call_after_refresh(self.scroll_to, y=active, animate=False)
