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
from textual.screen import ModalScreen, Screen
from textual.timer import Timer
from textual.widget import Widget

from hybridcode.domain.action import Decision
from hybridcode.domain.plan import Plan
from hybridcode.tui.conversation import Remember
from hybridcode.tui.guard import KeyGuard
from hybridcode.tui.hints import ALL_KEYS, BACK, Hint, fitting_hints, hint_text
from hybridcode.tui.paint import Part
from hybridcode.tui.widgets.bars import Bar, Item
from hybridcode.tui.widgets.painted import Painted

Answer = TypeVar("Answer")

Keys = tuple[Hint, ...]
"""Keys and what they do, for the line at the bottom; the first ones matter most."""

FLASH_S = 3.0
"""Seconds that a remark stands in the bottom line if no key is pressed."""


class Pane(Screen[None]):
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
    class Left(Message):
        """A person left without deciding; the question stays."""

        subject: str

    @dataclass
    class Asked(Message):
        """A small question is to stand in front of the pane; its answer goes to `then`."""

        question: ModalScreen[Any]
        then: Callable[[Any], None]

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back, it stays pending", key_display="Esc"),
        Binding("w", "why", "why this asks, in full"),
        Binding("question_mark,f1", "app.help", "all keys", key_display="? F1"),
    ]

    HINTS: ClassVar[Keys] = ()

    def __init__(self, subject: str, guard: KeyGuard, *, more: int = 0) -> None:
        super().__init__()
        self.subject = subject
        """Id of the proposal, or of the task whose plan it is."""
        self.guard = guard
        self._more = more
        self._is_explained = False
        self._flash = ""
        self._flash_end: Timer | None = None

    def compose(self) -> ComposeResult:
        """Title, reasons, body, keys."""
        yield Bar("title", classes="-ruled")
        with VerticalScroll(id="why", can_focus=False):
            yield Painted(ident="why-text")
        yield from self.body()
        yield Bar("keys", classes="-ruled")

    def body(self) -> ComposeResult:
        """What is asked about."""
        yield Widget()

    def on_screen_resume(self) -> None:
        """Sleep again whenever the pane comes to the front."""
        self.guard.appear()

    def on_key(self, event: events.Key) -> None:
        """Every key keeps a sleeping guard asleep and ends a remark; bindings are looked at afterwards."""
        del event
        self.guard.press()
        self.flash("")

    def on_resize(self, event: events.Resize) -> None:
        """Paint for the first time, and again for each new width."""
        self.repaint()

    def repaint(self) -> None:
        """Paint title, reasons and keys; subclasses add their body."""
        left, items = self.title_parts()
        if self._more:
            items = [*items, (0, f"{self._more} more waiting")]
        self.query_one("#title", Bar).show(*left, items=items)
        why = self.why_parts(max(self.size.width - 4, 20), is_full=self._is_explained)
        self.query_one("#why").set_class(bool(why), "-on")
        self.query_one("#why-text", Painted).paint(*why)
        self._paint_keys()

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """Left part and ranked items of the title."""
        return (), []

    def why_parts(self, cells: int, *, is_full: bool) -> list[Part | str]:
        """Why this asks."""
        del cells, is_full
        return []

    def hints(self) -> Keys:
        """Keys for the bottom line."""
        return self.HINTS

    def _paint_keys(self) -> None:
        bar = self.query_one("#keys", Bar)
        if self._flash:
            bar.show((f"! {self._flash}", "bold $warning"))
            return
        hints = fitting_hints((*self.hints(), BACK, ALL_KEYS), self.size.width - 2)
        parts: list[Part] = []
        for hint in hints:
            parts += [(hint.key, "bold $accent"), (hint_text(hint), "$quiet")]
        bar.show(*parts)

    def flash(self, text: str) -> None:
        """Say something in the bottom line until the next key or for FLASH_S seconds; nothing to end it."""
        if text == self._flash:
            return
        self._flash = text
        if self._flash_end is not None:
            self._flash_end.stop()
        self._flash_end = self.set_timer(FLASH_S, lambda: self.flash("")) if text else None
        self._paint_keys()

    def may_decide(self) -> bool:
        """True when a key may decide now; otherwise the bottom line says why not."""
        refusal = self.guard.refusal()
        self.flash(refusal)
        return not refusal

    def ask(self, question: ModalScreen[Answer], then: Callable[[Answer | None], None]) -> None:
        """Put a small question in front."""
        self.post_message(self.Asked(question, then))

    def action_leave(self) -> None:
        """Go back; nothing is decided."""
        self.post_message(self.Left(self.subject))

    def action_why(self) -> None:
        """Show or hide everything known about why this asks."""
        self._is_explained = not self._is_explained
        self.repaint()
