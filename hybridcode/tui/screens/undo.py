"""What would be put back, before it is: the last look before an undo or a rewind.

Invariant: shows what the gate would do right now, with every file it would leave and why; nothing happens on Enter.
"""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from hybridcode.domain.errors import HybridcodeError
from hybridcode.gate.undo import Foreseen
from hybridcode.tui.amounts import plural
from hybridcode.tui.guard import KeyGuard
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part, clip
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.screens.guarded import GuardedScreen
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.painted import Painted

Foresee = Callable[[], Awaitable[Foreseen]]


class ForeseenScreen(GuardedScreen):
    """Files that would be put back, files that would stay, and why. Subclasses say which keys do it."""

    TITLE_WORD: ClassVar[str] = "undo"

    def __init__(self, what: str, foresee: Foresee, guard: KeyGuard) -> None:
        super().__init__(guard)
        self._what, self._foresee = what, foresee
        self.foreseen: Foreseen | None = None
        self._is_working = False

    def body(self) -> ComposeResult:
        """The lists."""
        with VerticalScroll(id="foreseen", can_focus=True):
            yield Painted(("looking at the files …", "$quiet"), ident="foreseen-text")

    def on_mount(self) -> None:
        """Look at the files."""
        self.query_one("#foreseen").focus()
        self.run_worker(self._look(), group="foresee", exclusive=True)

    async def _look(self) -> None:
        try:
            self.foreseen = await self._foresee()
        except HybridcodeError as error:
            self.query_one("#foreseen-text", Painted).paint((error.advice, "$error"))
            return
        self.guard.appear(self.call_after_refresh)
        self.repaint()

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """What would be undone."""
        room = max(self.size.width - 12, 12)
        return ((f"{self.TITLE_WORD} ", "bold $accent"), (clip(self._what, room), "bold")), []

    def repaint(self) -> None:
        """Paint what is foreseen."""
        super().repaint()
        if self.foreseen is not None:
            self.query_one("#foreseen-text", Painted).paint(*self.foreseen_parts(self.foreseen))

    def foreseen_parts(self, foreseen: Foreseen) -> list[Part | str]:
        """The lists as text."""
        parts: list[Part | str] = []
        if foreseen.restored:
            parts.append((f"put back to what was there before: {plural(len(foreseen.restored), 'file')}\n", "bold"))
            parts += [(f"  ↶ {path}\n", "") for path in foreseen.restored]
        else:
            parts.append(("no file would be put back\n", "bold"))
        if foreseen.kept:
            parts.append((f"\nleft as they are: {plural(len(foreseen.kept), 'file')}\n", "bold $warning"))
            for path, why in sorted(foreseen.kept.items()):
                parts += [(f"  ! {path}\n", "$warning"), (f"    {why}\n", "$quiet")]
        if foreseen.not_captured:
            parts.append(("\nchanged by commands, and not covered by undo\n", "bold $warning"))
            parts += [(f"  ! {what}\n", "$warning") for what in foreseen.not_captured]
        return parts

    def act(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it once, if a key may; an error stands in the bottom line."""
        if self._is_working or self.foreseen is None or not self.may_decide():
            return
        self._is_working = True
        self.program.run_worker(self._do(work), group="going-back")

    async def _do(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except HybridcodeError as error:
            self._is_working = False
            self.flash(error.advice)


class UndoScreen(ForeseenScreen):
    """Before files are put back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "put_back", "put these files back", id="undo.put-back"),
    ]
    HINTS: ClassVar[Keys] = (Hint("y", "put back", is_needed=True), Hint("↑↓", "scroll"))

    def __init__(self, what: str, foresee: Foresee, guard: KeyGuard, put_back: Callable[[], Awaitable[None]]) -> None:
        super().__init__(what, foresee, guard)
        self._put_back = put_back

    def hints(self) -> Keys:
        """Nothing to put back, no key for it."""
        return self.HINTS if self.foreseen is None or self.foreseen.restored else self.HINTS[1:]

    def action_put_back(self) -> None:
        """Do it."""
        if self.foreseen is not None and not self.foreseen.restored:
            self.flash("there is nothing to put back")
        else:
            self.act(self._put_back)
