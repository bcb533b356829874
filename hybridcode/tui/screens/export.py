"""Where a session is written to: a small question.

Invariant: nothing that is there already is overwritten; Escape writes nothing.
"""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from hybridcode.domain.errors import HybridcodeError
from hybridcode.tui.desk import Desk
from hybridcode.tui.records import Library
from hybridcode.tui.widgets.in_order import LineBox
from hybridcode.tui.widgets.painted import Painted


class ExportScreen(ModalScreen[None]):
    """Asks for the path, writes, and says where it stands."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "back", id="export.back")]

    def __init__(self, library: Library, session: str, path: str = "") -> None:
        super().__init__()
        self._library, self._session = library, session
        self._path = path or f"hybridcode-{session}.md"

    def compose(self) -> ComposeResult:
        """A line to write on, and what follows."""
        with Vertical(classes="question"):
            yield Painted(("Export this session", "bold"))
            yield Painted(("tasks, plans, diffs, commands, checks and costs, in one file", "$quiet"))
            yield LineBox(self._path, id="answer", select_on_focus=False)
            yield Painted(
                *(("Enter", "bold $accent"), (" writes it   ", "$quiet"), (".html", "bold"), (" or ", "$quiet")),
                *((".md", "bold"), ("   ", ""), ("Esc", "bold $accent"), (" back", "$quiet")),
                ident="hint",
            )

    def on_mount(self) -> None:
        """Nothing blinks."""
        self.query_one(LineBox).cursor_blink = False

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Write."""
        event.stop()
        if path := event.value.strip():
            self.run_worker(self._write(path), exclusive=True)

    async def _write(self, path: str) -> None:
        hint = self.query_one("#hint", Painted)
        hint.paint(("writing …", "$quiet"))
        try:
            written = await self._library.export(self._session, path)
        except HybridcodeError as error:
            hint.paint((f"! {error.advice}", "bold $warning"))
            return
        hint.paint((f"✓ {written}", "$success"), ("   Esc", "bold $accent"), (" back", "$quiet"))


def open_export(desk: Desk, argument: str) -> ExportScreen | None:
    """The question for this session; the argument is the path it begins with."""
    if not desk.state.session:
        desk.tell("·", "there is nothing to export yet · /sessions has the earlier ones", "quiet")
        return None
    return ExportScreen(desk.conversation.library, desk.state.session, argument)
