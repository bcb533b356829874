"""What every pane that asks for a decision has in common: a title, why it asks, the keys, and the guard.

Invariant: no decision leaves a pane unless the guard let its key through; Enter is bound to nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen

from hybridcode.config.settings import Mode
from hybridcode.domain.action import Decision
from hybridcode.domain.plan import Plan
from hybridcode.tui.conversation import Remember
from hybridcode.tui.guard import KeyGuard
from hybridcode.tui.modes import MODE_WORDS
from hybridcode.tui.paint import Part
from hybridcode.tui.screens.framed import Framed
from hybridcode.tui.screens.questions import WordScreen
from hybridcode.tui.widgets.bars import Bar, Item
from hybridcode.tui.widgets.painted import Painted

Answer = TypeVar("Answer")

_CURSOR_KEYS = frozenset({"up", "down", "left", "right", "pageup", "pagedown", "home", "end"})
_STAYING = frozenset(
    {"mark", "mark_file", "mark_all", "split", "take_back", "go", "go_file", "go_match", "copy", "copy_place"}
    | {"toggle_split", "toggle_full", "toggle_fold", "toggle_near", "toggle_variables", "why"}
    | {"once", "remember", "approve", "refuse"}
)
"""Actions behind which the next key may decide at once."""


class Pane(Framed):
    """A screen with one question. The body is the subclass's part."""

    @dataclass
    class Decided(Message):
        """A person decided a proposal."""

        proposal_id: str
        decision: Decision
        remember: Remember | None = None

    @dataclass
    class PlanAnswered(Message):
        """A person decided the plan of a task; None = it is not followed."""

        task_id: str
        plan: Plan | None

    @dataclass
    class Told(Message):
        """A person answered what the planner asked about a task."""

        task_id: str
        answer: str

    @dataclass
    class Left(Message):
        """A person left without deciding; the question stays."""

        subject: str

    @dataclass
    class Asked(Message):
        """A small question is to stand in front of the pane; its answer goes to `then`."""

        question: ModalScreen[Any]
        then: Callable[[Any], None]

    @dataclass
    class Edited(Message):
        """A person wants to change a text in their own editor; what they made of it goes to `then`."""

        text: str
        suffix: str
        then: Callable[[str], None]

    @dataclass
    class Opened(Message):
        """A person wants to see a file of the workspace in their editor."""

        path: str
        line: int

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back, it stays pending", key_display="Esc", id="pane.back"),
        Binding(
            "shift+tab", "app.next_mode", "next permission mode", key_display="Shift+Tab", priority=True, id="pane.mode"
        ),
        Binding("w", "why", "why this asks, in full", id="pane.why"),
    ]

    def __init__(self, subject: str, guard: KeyGuard, *, more: int = 0) -> None:
        super().__init__()
        self.subject = subject
        """Id of the proposal, or of the task that it is about."""
        self.guard = guard
        self._more = more
        self._is_explained = False
        self.mode: Mode = "default"
        """The permission mode that holds now; what is shown was asked in whatever mode held then."""

    def compose(self) -> ComposeResult:
        """Title, reasons, body, keys."""
        yield Bar("title", classes="-ruled")
        why = self._why()
        with VerticalScroll(id="why", can_focus=False, classes="-on" if why else ""):
            yield Painted(*why, ident="why-text")
        yield from self.body()
        yield Bar("keys", classes="-ruled")

    def on_screen_resume(self) -> None:
        """Sleep again whenever the pane comes to the front."""
        self.guard.appear(self.call_after_refresh)

    def on_key(self, event: events.Key) -> None:
        """Every key keeps a sleeping guard asleep, and one that leads elsewhere puts it to sleep: keys right behind it
        were typed for what it opens, however late that comes.

        Textual calls this beside the handler of `Framed`.
        """
        self.guard.press()
        self.guard.leads_away(event.key not in _CURSOR_KEYS and not self._stays(event.key))

    def _stays(self, key: str) -> bool:
        """The key decides, moves or looks here."""
        active = self.active_bindings.get(key)
        return active is not None and active.binding.action.partition("(")[0] in _STAYING

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text decides nothing, and whoever pastes is writing."""
        event.stop()
        self.guard.appear()
        self.flash("pasted text is ignored here")

    def repaint(self) -> None:
        """Paint the reasons too; subclasses add their body."""
        super().repaint()
        why = self._why()
        self.query_one("#why").set_class(bool(why), "-on")
        self.query_one("#why-text", Painted).paint(*why)

    def _why(self) -> list[Part | str]:
        return self.why_parts(max(self.cells - 4, 20), is_full=self._is_explained)

    def shown_title(self) -> tuple[tuple[Part, ...], list[Item]]:
        """The title, and how many questions wait behind this one."""
        left, items = self.title_parts()
        if self._more:
            items = [*items, (0, f"{self._more} more waiting")]
        return left, items if self.mode == "default" else [(0, MODE_WORDS[self.mode]), *items]

    def take_mode(self, mode: Mode) -> None:
        """Show another mode."""
        self.mode = mode
        if self.is_mounted:
            self.repaint()

    def why_parts(self, cells: int, *, is_full: bool) -> list[Part | str]:
        """Why this asks."""
        del cells, is_full
        return []

    def may_decide(self) -> bool:
        """True when a key may decide now; otherwise the bottom line says why not."""
        refusal = self.guard.refusal()
        self.flash(refusal)
        return not refusal

    def ask(self, question: ModalScreen[Answer], then: Callable[[Answer | None], None]) -> None:
        """Put a small question in front."""
        if isinstance(question, WordScreen):
            question.guard = self.guard
        self.post_message(self.Asked(question, then))

    def edit_outside(self, text: str, suffix: str, then: Callable[[str], None]) -> None:
        """Let a person change a text in their own editor; `then` gets it if they did."""
        self.post_message(self.Edited(text, suffix, then))

    def action_leave(self) -> None:
        """Go back; nothing is decided."""
        self.post_message(self.Left(self.subject))

    def action_why(self) -> None:
        """Show or hide everything known about why this asks."""
        self._is_explained = not self._is_explained
        self.repaint()
