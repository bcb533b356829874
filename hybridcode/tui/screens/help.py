"""All keys, generated from the bindings that are really there.

Invariant: a key that works is listed with what it does, and nothing else is listed.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen

from hybridcode.tui.paint import Part
from hybridcode.tui.widgets.bars import Bar
from hybridcode.tui.widgets.painted import Painted

Section = tuple[str, Iterable[BindingType]]
"""A title and the bindings under it."""

_NAMES = {
    "question_mark": "?",
    "escape": "Esc",
    "enter": "Enter",
    "up": "↑",
    "down": "↓",
    "pageup": "PgUp",
    "pagedown": "PgDn",
}
_KEY_CELLS = 14


class HelpScreen(Screen[None]):
    """Keys by screen, and the words of the loop."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,f1,question_mark", "dismiss", "back", key_display="Esc")]

    def __init__(self, sections: Sequence[Section]) -> None:
        super().__init__()
        self._sections = sections

    def compose(self) -> ComposeResult:
        """Title, keys, way back."""
        yield Bar("title", classes="-ruled")
        with VerticalScroll(id="help-body", can_focus=True):
            yield Painted(*help_parts(self._sections))
        yield Bar("keys", classes="-ruled")

    def on_mount(self) -> None:
        """Scroll keys work at once."""
        self.query_one("#title", Bar).show(("help ", "bold $accent"), ("all keys", "bold"))
        self.query_one("#keys", Bar).show(
            ("Esc", "bold $accent"), (" back   ", "$quiet"), ("↑↓", "bold $accent"), (" scroll", "$quiet")
        )
        self.query_one("#help-body").focus()


def help_parts(sections: Sequence[Section]) -> list[Part | str]:
    """The text of the help screen."""
    parts: list[Part | str] = []
    for title, bindings in sections:
        parts.append((f"{title}\n", "bold $accent"))
        for keys, does in _lines(bindings):
            parts += [(f"  {keys:<{_KEY_CELLS}}", "bold"), (f"{does}\n", "")]
        parts.append("\n")
    return parts[:-1]


def _lines(bindings: Iterable[BindingType]) -> Iterable[tuple[str, str]]:
    for binding in bindings:
        if isinstance(binding, Binding) and binding.description:
            yield key_names(binding), binding.description


def key_names(binding: Binding) -> str:
    """The keys of a binding as a person reads them."""
    return binding.key_display or ", ".join(_key_name(key) for key in binding.key.split(","))


def _key_name(key: str) -> str:
    if key.startswith("/"):
        return key
    *modifiers, last = key.split("+")
    name = _NAMES.get(last, last.upper() if len(last) > 1 or modifiers else last)
    return "+".join([*(modifier.capitalize() for modifier in modifiers), name])
