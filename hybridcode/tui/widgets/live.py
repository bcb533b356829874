"""The text that is being written right now: a few lines of fixed height.

Invariant: a piece never causes a layout; only appearing and disappearing do.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar

from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from hybridcode.session.watchers import Piece
from hybridcode.tui.amounts import plural, seconds, tokens
from hybridcode.tui.doing import Doing
from hybridcode.tui.paint import clip, segment, wrap

_KEPT_CHARS = 4_000
_BYTES_PER_TOKEN = 4
_AMOUNT_CELLS = 24
"""Cells kept free behind the title."""


class Live(Widget):
    """The tail of a model's text or a command's output."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"live--title", "live--text", "live--quiet"}

    def __init__(self, clock: Callable[[], float], *, ident: str | None = None) -> None:
        super().__init__(id=ident)
        self.doing = Doing("", "")
        self._clock = clock
        self._began = 0.0
        self._source = ""
        self._text = ""
        self._written = 0
        """Bytes of a model's text, or lines of a command's output."""
        self._is_reasoning = False
        self._lines: list[str] = []
        self._styles: dict[str, Style] = {}

    def on_mount(self) -> None:
        """The seconds of a command go on while it prints nothing."""
        self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        if self.doing.is_command and self.has_class("-on"):
            self.refresh()

    def begin(self, doing: Doing) -> None:
        """Show the lines under a title: somebody starts to write. What came ahead from the same source stays."""
        self.doing, self._began = doing, self._clock()
        if doing.source != self._source:
            self._source, self._text, self._written, self._lines = doing.source, "", 0, []
        self.add_class("-on")
        self.call_after_refresh(self._rewrap)

    def _rewrap(self) -> None:
        self._lines = wrap(self._text, self.size.width - 2)
        self.refresh()

    def end(self) -> None:
        """Disappear."""
        self.remove_class("-on")

    def feed(self, pieces: Iterable[Piece]) -> None:
        """Take in what arrived since the last time; repaints once."""
        is_new = False
        for piece in pieces:
            is_new = True
            if piece.kind == "progress":
                share = "" if piece.fraction is None else f" {piece.fraction:.0%}"
                self._text = f"{piece.source}{share}"
                continue
            is_reasoning = piece.kind == "reasoning"
            if piece.source != self._source:
                self._source, self._text, self._written = piece.source, "", 0
            elif is_reasoning != self._is_reasoning:
                self._text = ""
            self._is_reasoning = is_reasoning
            self._text = (self._text + piece.text)[-_KEPT_CHARS:]
            is_output = piece.kind == "output"
            self._written += piece.text.count("\n") if is_output else len(piece.text.encode("utf-8", "replace"))
        if is_new and self.has_class("-on"):
            self._rewrap()

    def notify_style_update(self) -> None:
        """Drop the styles made with the old colours."""
        super().notify_style_update()
        self._styles.clear()

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = self.get_component_rich_style(f"live--{name}")
        return style

    def _amount(self) -> str:
        """How much there is so far."""
        if self.doing.is_command:
            return f" · {plural(self._written, 'line')} · {seconds(self._clock() - self._began)}"
        written = f" · about {tokens(self._written // _BYTES_PER_TOKEN)}" if self._written else ""
        return f"{' · reasoning' if self._is_reasoning and self._source else ''}{written}"

    def render_line(self, y: int) -> Strip:
        """The title, then the last lines."""
        cells = self.size.width
        text = self._style("text")
        if y == 0:
            title = segment(clip(self.doing.title, cells - _AMOUNT_CELLS), self._style("title"))
            return Strip([title, segment(self._amount(), self._style("quiet"))]).crop_extend(0, cells, text)
        room = self.size.height - 1
        shown = self._lines[-room:]
        line = shown[y - 1] if y - 1 < len(shown) else ""
        is_last = y == len(shown) or (not shown and y == 1)
        style = self._style("quiet" if self._is_reasoning else "text")
        return Strip([segment(line + ("▌" if is_last else ""), style)]).crop_extend(0, cells, text)
