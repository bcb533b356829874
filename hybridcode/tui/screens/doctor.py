"""What works here, what does not, and what to do: the checks of `hybridcode doctor`, as they come in.

Invariant: nothing leaves this machine and nothing is mended here; every finding that is not well says what to do.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from hybridcode.session.doctor import Finding
from hybridcode.tui.amounts import plural
from hybridcode.tui.desk import Desk
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part, fit, wrap
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.screens.listing import ListScreen
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.rows import Row

_NAME_CELLS = 15


class DoctorScreen(ListScreen):
    """Findings in the order in which things are needed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "again", "look again", id="doctor.again"),
        Binding("c", "copy", "copy all findings", id="doctor.copy"),
    ]
    HINTS: ClassVar[Keys] = (Hint("r", "look again", is_needed=True), Hint("c", "copy"), Hint("/", "search"))
    NOTHING: ClassVar[str] = "looking …"

    def __init__(self, look: Callable[[], AsyncIterator[Finding]]) -> None:
        super().__init__()
        self._look = look
        self._found: list[Finding] = []
        self._is_done = False

    def on_mount(self) -> None:
        """The checks follow the first frame."""
        self.action_again()

    def action_again(self) -> None:
        """Look at everything anew."""
        self._found, self._is_done = [], False
        self.run_worker(self._read(), group="doctor", exclusive=True)

    async def _read(self) -> None:
        self.repaint()
        async for finding in self._look():
            self._found.append(finding)
            self.repaint()
        self._is_done = True
        self.repaint()
        if first := next((finding.what for finding in self._found if not finding.ok), ""):
            self.go_to(first)

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """How many, and how many want something."""
        wrong = sum(not finding.ok for finding in self._found)
        said = f"{wrong} to mend" if wrong else "all is well" if self._is_done else ""
        count = plural(len(self._found), "check")
        items: list[Item] = [(0, count if self._is_done else f"{count}, looking …")]
        return (("doctor ", "bold $accent"), ("this machine", "bold")), [*([(0, said)] if said else []), *items]

    def rows(self, cells: int) -> Sequence[Row]:
        """Well or not, what it is, and in what state."""
        return [self._row(finding, cells - 2) for finding in self._found]

    def _row(self, finding: Finding, cells: int) -> Row:
        sign = ("✓ ok  ", "good") if finding.ok else ("! no  ", "warn")
        name = fit(finding.what, _NAME_CELLS)
        room = max(cells - len(sign[0]) - _NAME_CELLS, 8)
        return Row(
            finding.what,
            ((sign[0], "good" if finding.ok else "warn"), (name, "strong"), (fit(finding.detail, room), "plain")),
            also=f"{finding.detail} {finding.fix}",
        )

    def detail_parts(self, key: str, cells: int) -> list[Part | str]:
        """All of it, and what to do."""
        finding = next((one for one in self._found if one.what == key), None)
        if finding is None:
            return []
        state = ("✓ well\n", "$success") if finding.ok else ("! to mend\n", "bold $warning")
        parts: list[Part | str] = [(f"{finding.what}\n", "bold"), state]
        parts += [f"{line}\n" for line in wrap(finding.detail, cells)]
        if finding.fix and not finding.ok:
            parts += [("\nwhat to do\n", "bold"), *(f"{line}\n" for line in wrap(finding.fix, cells))]
        return parts

    def action_copy(self) -> None:
        """Hand the findings to the clipboard, as `hybridcode doctor` prints them."""
        lines = [f"{'ok' if one.ok else 'no'}  {one.what}: {one.detail}" for one in self._found]
        self.program.copy_to_clipboard("\n".join(lines))
        self.flash(f"copied {plural(len(lines), 'finding')}")


def open_doctor(desk: Desk, argument: str) -> DoctorScreen:
    """Look at this machine."""
    del argument
    return DoctorScreen(desk.conversation.fittings.findings)
