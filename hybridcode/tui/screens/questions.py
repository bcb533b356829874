"""Small questions in front of a pane: a reason, a typed word, a rule to remember, a text to edit.

Invariant: Escape leaves each of them with nothing changed; none of them approves on Enter.
"""

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from hybridcode.tui.guard import KeyGuard
from hybridcode.tui.paint import Part
from hybridcode.tui.widgets.in_order import LineBox
from hybridcode.tui.widgets.painted import Painted
from hybridcode.tui.widgets.text_box import TextBox
from hybridcode.tui.widgets.typed_line import TypedLine


class ReasonScreen(ModalScreen[str | None]):
    """Why a proposal is rejected, in one line; it may stay empty."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "back")]

    def __init__(
        self, follows: str, *, title: str = "Reject with a reason", silently: str = "no reason: the step is given up"
    ) -> None:
        super().__init__()
        self._title = title
        self._follows, self._silently = follows, silently
        """What becomes of a reason, and what comes of none."""

    def compose(self) -> ComposeResult:
        """A line to write on, and what follows from it."""
        with Vertical(classes="question"):
            yield Painted((self._title, "bold"))
            yield LineBox(placeholder="what is wrong, in a sentence", id="answer")
            yield Painted(ident="hint")

    def on_mount(self) -> None:
        """Write at once; nothing blinks."""
        self.query_one(LineBox).cursor_blink = False
        self._say("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """With and without a reason different things follow."""
        event.stop()
        self._say(event.value.strip())

    def _say(self, reason: str) -> None:
        follows = self._follows if reason else self._silently
        self.query_one("#hint", Painted).paint(
            *(("Enter", "bold $accent"), (f" rejects, {follows}   ", "$quiet")),
            *(("Esc", "bold $accent"), (" back", "$quiet")),
        )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Reject."""
        event.stop()
        self.dismiss(event.value.strip())


class WordScreen(ModalScreen[bool]):
    """A yes that must be typed: for what cannot be undone."""

    WORD = "yes"

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(False)", "back")]

    def __init__(self, what: str, flags: tuple[str, ...]) -> None:
        super().__init__()
        self._what, self._flags = what, flags
        self.guard: KeyGuard | None = None
        """What says which letters count: those typed once the question is on the screen."""

    def compose(self) -> ComposeResult:
        """What it is, and a line for the word."""
        with Vertical(classes="question"):
            yield Painted((" · ".join(self._flags), "bold $error"))
            yield Painted(self._what)
            yield TypedLine(lambda: self.guard, placeholder=f"type {self.WORD} to do it")
            yield Painted(("Esc", "bold $accent"), (" back, nothing is done", "$quiet"))

    def on_mount(self) -> None:
        """The question has just appeared."""
        if self.guard is not None:
            self.guard.appear(self.call_after_refresh)

    def on_input_changed(self, event: Input.Changed) -> None:
        """The whole word is the answer; Enter is not needed and does nothing."""
        event.stop()
        if event.value == self.WORD:
            self.dismiss(True)


class SureScreen(ModalScreen[bool]):
    """A yes or no to something that is spelled out, guarded like a pane."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes, do it", id="sure.yes"),
        Binding("n,escape", "answer(False)", "back", id="sure.no"),
    ]

    def __init__(self, question: str, *said: Part | str, guard: KeyGuard) -> None:
        super().__init__()
        self._question, self._said, self._guard = question, said, guard

    def compose(self) -> ComposeResult:
        """The question and what it is about."""
        with Vertical(classes="question"):
            yield Painted((self._question, "bold"))
            yield Painted("\n", *self._said, "\n")
            yield Painted(
                ("y", "bold $accent"), (" yes   ", "$quiet"), ("n", "bold $accent"), (" back", "$quiet"), ident="hint"
            )

    def on_mount(self) -> None:
        """The question has just appeared."""
        self._guard.appear(self.call_after_refresh)

    def on_key(self, event: events.Key) -> None:
        """Every key keeps a sleeping guard asleep."""
        del event
        self._guard.press()

    def action_answer(self, is_yes: bool) -> None:
        """Answer; a yes only once the guard is awake."""
        if not is_yes:
            self.dismiss(False)
        elif refusal := self._guard.refusal():
            self.query_one("#hint", Painted).paint((f"! {refusal}", "bold $warning"))
        else:
            self.dismiss(True)


class EditScreen(ModalScreen[str | None]):
    """A text to edit: new lines of a hunk, a command, a plan."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "save and take it", priority=True, id="edit.save"),
        Binding("escape", "dismiss(None)", "leave it as it was", priority=True),
    ]

    def __init__(self, title: str, text: str, check: Callable[[str], str] | None = None) -> None:
        super().__init__()
        self._title, self._text, self._check = title, text, check

    def compose(self) -> ComposeResult:
        """Title, text, keys."""
        with Vertical(classes="question -tall"):
            yield Painted((self._title, "bold"))
            yield TextBox(self._text, show_line_numbers=False, soft_wrap=False, tab_behavior="indent", id="text")
            yield Painted(
                ("Ctrl+S", "bold $accent"),
                (" saves and takes it   ", "$quiet"),
                ("Esc", "bold $accent"),
                (" leaves it as it was", "$quiet"),
                ident="hint",
            )

    def on_mount(self) -> None:
        """Nothing blinks."""
        area = self.query_one(TextBox)
        area.cursor_blink = False
        area.focus()

    def action_save(self) -> None:
        """Hand the text back if it is good; otherwise say what is wrong with it."""
        text = self.query_one(TextBox).text
        wrong = self._check(text) if self._check else ""
        if wrong:
            self.query_one("#hint", Painted).paint((f"! {wrong}", "bold $warning"))
        else:
            self.dismiss(text)
