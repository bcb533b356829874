"""Small questions for a value: one line to write on, or one of a few words.

Invariant: what cannot be used is said while it is typed and is never handed on; Escape leaves everything as it was.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from hybridcode.tui.paint import Part, width
from hybridcode.tui.screens.framed import Framed
from hybridcode.tui.visible import is_hiding
from hybridcode.tui.widgets.in_order import LineBox
from hybridcode.tui.widgets.painted import Painted
from hybridcode.tui.widgets.rows import Row, Rows

Check = Callable[[str], tuple[bool, str]]
"""Whether a text can be used, and what to say of it."""
MOST_ROWS = 12


class LineScreen(ModalScreen[str | None]):
    """A line to write a value on."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "leave it as it was", id="line.back")]

    def __init__(self, title: str, about: Sequence[Part | str], text: str, check: Check) -> None:
        super().__init__()
        self._title, self._about, self._check = title, about, check
        self._text = "" if is_hiding(text) or "\n" in text else text
        """What the line begins with: nothing that it could not show as it is."""

    def compose(self) -> ComposeResult:
        """What it is, the line, and what would come of it."""
        with Vertical(classes="question"):
            yield Painted((self._title, "bold"))
            yield Painted(*self._about)
            yield LineBox(self._text, id="answer", select_on_focus=False)
            yield Painted(ident="verdict")
            yield Painted(
                *(("Enter", "bold $accent"), (" takes it   ", "$quiet"), ("Esc", "bold $accent")),
                (" leaves it as it was", "$quiet"),
                ident="hint",
            )

    def on_mount(self) -> None:
        """Nothing blinks."""
        self.query_one(LineBox).cursor_blink = False
        self._judge(self._text)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once what is wrong."""
        event.stop()
        self._judge(event.value)

    def _judge(self, text: str) -> bool:
        is_usable, said = self._check(text)
        sign, style = ("✓", "$success") if is_usable else ("!", "bold $warning")
        self.query_one("#verdict", Painted).paint((f"{sign} {said}", style) if said else "")
        return is_usable

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Hand it on, if it can be used."""
        event.stop()
        if self._judge(event.value):
            self.dismiss(event.value)


class NoteScreen(ModalScreen[None]):
    """What is too long for the bottom line."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "dismiss(None)", "back", id="note.back")]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """The text in full."""
        with Vertical(classes="question"):
            yield Painted(("! ", "bold $warning"), self._text)
            yield Painted(("\nEsc", "bold $accent"), (" back", "$quiet"), ident="hint")


def say_in_full(screen: Framed, text: str) -> None:
    """Say something in the bottom line, or in front of it where it does not fit."""
    if width(text) + 6 > screen.size.width:
        screen.program.push_screen(NoteScreen(text))
    else:
        screen.flash(text)


class ChoiceScreen(ModalScreen[str | None]):
    """One of a few words."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "leave it as it was", id="choice.back")]

    def __init__(self, title: str, about: Sequence[Part | str], words: Sequence[tuple[str, str]], at: str) -> None:
        super().__init__()
        self._title, self._about, self._words, self._at = title, about, words, at

    def compose(self) -> ComposeResult:
        """The words, each with what is known of it."""
        with Vertical(classes="question"):
            yield Painted((self._title, "bold"))
            yield Painted(*self._about, "\n")
            yield Rows()
            yield Painted(
                "\n",
                *(("Enter", "bold $accent"), (" takes it   ", "$quiet"), ("Esc", "bold $accent")),
                (" leaves it as it was", "$quiet"),
                ident="hint",
            )

    def on_mount(self) -> None:
        """The cursor on what holds now."""
        rows = self.query_one(Rows)
        rows.styles.height = min(len(self._words), MOST_ROWS)
        rows.show([self._row(word, said) for word, said in self._words])
        rows.go_to(self._at)
        rows.focus()

    def _row(self, word: str, said: str) -> Row:
        return Row(word, ((f" {'●' if word == self._at else '○'} {word}", "plain"), (f"  {said}", "quiet")))

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Hand it on."""
        event.stop()
        self.dismiss(event.key)
