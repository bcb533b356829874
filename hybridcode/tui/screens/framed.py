"""What screens of ours have in common: a title line, a body, a line of keys, and remarks in that line.

Invariant: the way back and the way to all keys stand in the bottom line at every width.
"""

from collections.abc import Mapping
from typing import ClassVar, Protocol, cast

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from hybridcode.tui.hints import ALL_KEYS, BACK, Hint, fitting_hints, hint_text
from hybridcode.tui.key_names import key_name
from hybridcode.tui.paint import Part
from hybridcode.tui.widgets.bars import Bar, Item

Keys = tuple[Hint, ...]
"""Keys and what they do, for the line at the bottom; the first ones matter most."""

FLASH_S = 3.0
"""Seconds that a remark stands in the bottom line if no key is pressed."""


class _InProgram(Protocol):
    @property
    def app(self) -> App[str]: ...


class Framed(Screen[None]):
    """A screen between two bars. The body is the subclass's part."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "app.view('help')", "all keys", key_display="? F1", id="screen.help"),
    ]

    HINTS: ClassVar[Keys] = ()
    keymap: ClassVar[Mapping[str, str]] = {}
    """Binding id -> keys, where a person has others; the same for all screens of a program."""

    def __init__(self) -> None:
        super().__init__()
        self._flash = ""
        self._flash_end: Timer | None = None

    def compose(self) -> ComposeResult:
        """Title, body, keys."""
        yield Bar("title", classes="-ruled")
        yield from self.body()
        yield Bar("keys", classes="-ruled")

    def body(self) -> ComposeResult:
        """What the screen shows."""
        yield Widget()

    def on_key(self, event: events.Key) -> None:
        """The next key ends a remark; bindings are looked at afterwards."""
        del event
        self.flash("")

    def on_resize(self, event: events.Resize) -> None:
        """Paint for the first time, and again for each new width."""
        self.repaint()

    @property
    def program(self) -> App[str]:
        """The app, with the type of its result."""
        return cast(_InProgram, self).app

    @property
    def cells(self) -> int:
        """Columns of the screen, before its first layout those it is about to have."""
        return self.size.width or self.program.size.width

    def repaint(self) -> None:
        """Paint title and keys; subclasses add their body."""
        left, items = self.shown_title()
        self.query_one("#title", Bar).show(*left, items=items)
        self._paint_keys()

    def shown_title(self) -> tuple[tuple[Part, ...], list[Item]]:
        """The title as it is painted."""
        return self.title_parts()

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """Left part and ranked items of the title."""
        return (), []

    def hints(self) -> Keys:
        """Keys for the bottom line."""
        return self.HINTS

    def _paint_keys(self) -> None:
        bar = self.query_one("#keys", Bar)
        if self._flash:
            bar.show((f"! {self._flash}", "bold $warning"))
            return
        parts: list[Part] = []
        hints = [hint._replace(key=self._key_of(hint.key)) for hint in (*self.hints(), BACK, ALL_KEYS)]
        for hint in fitting_hints(hints, self.cells - 2):
            parts += [(hint.key, "bold $accent"), (hint_text(hint), "$quiet")]
        bar.show(*parts)

    def _key_of(self, key: str) -> str:
        """The key that does now what `key` does by itself."""
        if not self.keymap:
            return key
        for place in type(self).__mro__:
            for binding in place.__dict__.get("BINDINGS", ()):
                if isinstance(binding, Binding) and key in (binding.key_display, *binding.key.split(",")):
                    own = self.keymap.get(binding.id or "")
                    return key_name(own.split(",")[0]) if own else key
        return key

    def flash(self, text: str) -> None:
        """Say something in the bottom line until the next key or for FLASH_S seconds; nothing to end it."""
        if text == self._flash:
            return
        self._flash = text
        if self._flash_end is not None:
            self._flash_end.stop()
        self._flash_end = self.set_timer(FLASH_S, lambda: self.flash("")) if text else None
        self._paint_keys()


class ViewScreen(Framed):
    """A screen that only shows: Escape or q goes back to where it was opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "back", key_display="Esc, q", id="view.back"),
    ]
