"""The command pane: exact words, folder, variables, sandbox, network, and the rule that asked.

Invariant: paints the facts of one proposal in full; it scrolls, nothing is cut.
"""

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from hybridcode.tui.command_text import Fact, fact_parts
from hybridcode.tui.widgets.painted import Painted


class CommandView(VerticalScroll, can_focus=True):
    """Facts in two aligned columns."""

    def __init__(self, facts: list[Fact]) -> None:
        super().__init__()
        self._facts = facts

    def compose(self) -> ComposeResult:
        """One block of text."""
        yield Painted()

    def show(self, facts: list[Fact]) -> None:
        """Show other facts."""
        self._facts = facts
        self._paint()

    def on_resize(self, event: events.Resize) -> None:
        """Wrap to the new width."""
        self._paint()

    def _paint(self) -> None:
        cells = self.scrollable_content_region.width - 4
        if cells > 20:
            self.query_one(Painted).paint(*fact_parts(self._facts, cells))
