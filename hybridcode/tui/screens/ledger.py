"""What this session used and what it cost, and the same for all sessions of the repository.

Invariant: follows while a task runs; all sessions are read only when they are asked for, off the event loop.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import Envelope
from hybridcode.tui.accounts import Books
from hybridcode.tui.archive import Archive, Total
from hybridcode.tui.desk import Desk
from hybridcode.tui.hints import Hint
from hybridcode.tui.ledger_text import session_parts, totals_parts
from hybridcode.tui.paint import Part
from hybridcode.tui.screens.framed import Keys, ViewScreen
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.painted import Painted

_LOOK_S = 0.5


class LedgerScreen(ViewScreen):
    """Two pages: this session, all sessions."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "turn", "this session, all sessions", priority=True, id="ledger.turn"),
    ]
    HINTS: ClassVar[Keys] = (Hint("Tab", "all sessions", is_needed=True), Hint("↑↓", "scroll"))

    def __init__(self, envelopes: Callable[[], Sequence[Envelope]], archive: Archive, frontier: str) -> None:
        super().__init__()
        self._envelopes, self._archive, self._frontier = envelopes, archive, frontier
        self._is_all = False
        self._totals: list[Total] | None = None
        self._said = ""
        self._done = (0, 0)
        self._seen = 0
        self._books = Books()

    def body(self) -> ComposeResult:
        """The page."""
        with VerticalScroll(id="ledger-body", can_focus=True):
            yield Painted(ident="ledger-text")

    def on_mount(self) -> None:
        """Scroll keys work at once."""
        self.query_one("#ledger-body").focus()
        self.set_interval(_LOOK_S, self._follow)

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """Which page this is."""
        page = "all sessions of this repository" if self._is_all else "this session"
        return (("ledger ", "bold $accent"), (page, "bold")), []

    def hints(self) -> Keys:
        """The key names the other page."""
        first = Hint("Tab", "this session" if self._is_all else "all sessions", "turn", is_needed=True)
        return (first, *self.HINTS[1:])

    def repaint(self) -> None:
        """Paint the page too."""
        super().repaint()
        cells = max(self.size.width - 4, 20)
        self.query_one("#ledger-text", Painted).paint(*(self._all_parts(cells) if self._is_all else self._own(cells)))

    def _own(self, cells: int) -> list[Part | str]:
        envelopes = self._envelopes()
        seen, self._seen = self._seen, len(envelopes)
        if seen < self._seen:
            self._books.take(envelopes[seen:] if seen else envelopes)
        archive = self._archive
        return session_parts(
            self._books, cells, price=archive.price, budget_usd=archive.budget_usd, frontier=self._frontier
        )

    def _all_parts(self, cells: int) -> list[Part | str]:
        if self._totals is None:
            done, total = self._done
            return [(self._said or (f"reading session {done} of {total}" if total else "reading"), "$quiet")]
        return totals_parts(self._totals, cells, price=self._archive.price, frontier=self._frontier)

    def _follow(self) -> None:
        is_reading = self._is_all and self._totals is None
        has_news = not self._is_all and len(self._envelopes()) != self._seen
        if self.is_current and (is_reading or has_news):
            self.repaint()

    def action_turn(self) -> None:
        """The other page; all sessions are read anew."""
        self._is_all = not self._is_all
        if self._is_all:
            self._totals, self._said, self._done = None, "", (0, 0)
            self.run_worker(self._read(), exclusive=True)
        self.query_one("#ledger-body").scroll_home(animate=False)
        self.repaint()

    async def _read(self) -> None:
        try:
            self._totals = await self._archive.totals(self._hear)
        except HybridcodeError as error:
            self._said = f"{error.message} {error.hint}".strip()
        self.repaint()

    def _hear(self, done: int, total: int) -> None:
        self._done = (done, total)


def open_ledger(desk: Desk, argument: str) -> LedgerScreen:
    """Tokens, seconds and dollars."""
    del argument
    talk = desk.conversation
    return LedgerScreen(lambda: talk.envelopes, talk.archive, desk.facts.frontier or "")
