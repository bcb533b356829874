"""All keys, generated from the bindings that are really there.

Invariant: a key that works is listed with what it does, and nothing else is listed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from hybridcode.tui.commands import COMMANDS
from hybridcode.tui.desk import Desk
from hybridcode.tui.hints import Hint
from hybridcode.tui.key_names import shown_keys
from hybridcode.tui.paint import Part
from hybridcode.tui.screens.asked_index import AskedIndexScreen
from hybridcode.tui.screens.command import CommandPane
from hybridcode.tui.screens.context import ContextScreen
from hybridcode.tui.screens.diff import DiffScreen
from hybridcode.tui.screens.framed import Framed, Keys, ViewScreen
from hybridcode.tui.screens.inbox import InboxScreen
from hybridcode.tui.screens.ledger import LedgerScreen
from hybridcode.tui.screens.listing import ListScreen
from hybridcode.tui.screens.pane import Pane
from hybridcode.tui.screens.plan import PlanPane
from hybridcode.tui.screens.review import ReviewPane
from hybridcode.tui.screens.rewind import BackScreen
from hybridcode.tui.screens.session import SessionScreen
from hybridcode.tui.screens.sessions import SessionsScreen
from hybridcode.tui.screens.text import TextScreen
from hybridcode.tui.screens.timeline import TimelineScreen
from hybridcode.tui.screens.undo import UndoScreen
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.composer import Composer
from hybridcode.tui.widgets.painted import Painted
from hybridcode.tui.widgets.rows import Rows
from hybridcode.tui.widgets.transcript import Transcript

Section = tuple[str, Iterable[BindingType]]
"""A title and the bindings under it."""

_KEY_CELLS = 14


class HelpScreen(ViewScreen):
    """Keys by screen, and the words of the loop."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1,question_mark", "dismiss", "back", show=False, id="help.back"),
    ]
    HINTS: ClassVar[Keys] = (Hint("↑↓", "scroll"),)

    def __init__(self, sections: Sequence[Section]) -> None:
        super().__init__()
        self._sections = sections

    def body(self) -> ComposeResult:
        """The keys."""
        with VerticalScroll(id="help-body", can_focus=True):
            yield Painted(*help_parts(self._sections, self.keymap))

    def on_mount(self) -> None:
        """Scroll keys work at once."""
        self.query_one("#help-body").focus()

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """What this is."""
        return (("help ", "bold $accent"), ("all keys", "bold")), []


def open_help(desk: Desk, argument: str) -> HelpScreen:
    """The keys that work somewhere, by place."""
    del argument
    slashes = [Binding(f"/{name}", "", does) for name, does in COMMANDS.items()]
    return HelpScreen(
        [
            ("Anywhere", type(desk.app).BINDINGS),
            ("Writing", [*Composer.BINDINGS, *SessionScreen.BINDINGS]),
            ("Reading what happened", Transcript.BINDINGS),
            ("Commands", slashes),
            ("Reviewing a change", [*ReviewPane.BINDINGS, *Pane.BINDINGS, *Framed.BINDINGS]),
            ("Reviewing a command", CommandPane.BINDINGS),
            ("Reviewing a plan", PlanPane.BINDINGS),
            ("What the models saw", [*ContextScreen.BINDINGS, *AskedIndexScreen.BINDINGS]),
            ("Reading a text", TextScreen.BINDINGS),
            ("Ledger and inbox", [*LedgerScreen.BINDINGS, *InboxScreen.BINDINGS]),
            ("Sessions", SessionsScreen.BINDINGS),
            ("History and undo", [*TimelineScreen.BINDINGS, *UndoScreen.BINDINGS, *BackScreen.BINDINGS]),
            ("What was changed", DiffScreen.BINDINGS),
            ("Looking", [*ViewScreen.BINDINGS, *ListScreen.BINDINGS, *Rows.BINDINGS]),
        ]
    )


def help_parts(sections: Sequence[Section], keymap: Mapping[str, str]) -> list[Part | str]:
    """The text of the help screen, with the keys as they are now."""
    parts: list[Part | str] = []
    for title, bindings in sections:
        parts.append((f"{title}\n", "bold $accent"))
        for keys, does in _lines(bindings, keymap):
            parts += [(f"  {keys:<{_KEY_CELLS}}", "bold"), (f"{does}\n", "")]
        parts.append("\n")
    return parts[:-1]


def _lines(bindings: Iterable[BindingType], keymap: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    for binding in bindings:
        if isinstance(binding, Binding) and binding.description:
            yield binding.key if binding.key.startswith("/") else shown_keys(binding, keymap), binding.description
