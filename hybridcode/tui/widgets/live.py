"""The text that is being written right now: a few lines of fixed height.

Invariant: a piece never causes a layout; only appearing and disappearing do.
"""

from collections.abc import Iterable
from typing import ClassVar

from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from hybridcode.session.watchers import Piece
from hybridcode.tui.amounts import tokens
from hybridcode.tui.paint import clip, segment, wrap

_KEPT_CHARS = 4_000
_BYTES_PER_TOKEN = 4


class Live(Widget):
    """The tail of a model's text or a command's output."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"live--title", "live--text", "live--quiet"}

    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self._source = ""
        self._text = ""
        self._written = 0
        self._is_reasoning = False
        self._lines: list[str] = []
        self._styles: dict[str, Style] = {}

    def begin(self, title: str, source: str) -> None:
        """Show the lines under a title: somebody starts to write. What came ahead from the same source stays."""
        self.title = title
        if source != self._source:
            self._source, self._text, self._written, self._lines = source, "", 0, []
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
            self._written += len(piece.text.encode("utf-8", "replace"))
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

    def render_line(self, y: int) -> Strip:
        """The title, then the last lines."""
        cells = self.size.width
        text = self._style("text")
        if y == 0:
            written = f" · about {tokens(self._written // _BYTES_PER_TOKEN)}" if self._written else ""
            kind = " · reasoning" if self._is_reasoning and self._source else ""
            title = segment(clip(self.title, cells - 24), self._style("title"))
            return Strip([title, segment(f"{kind}{written}", self._style("quiet"))]).crop_extend(0, cells, text)
        room = self.size.height - 1
        shown = self._lines[-room:]
        line = shown[y - 1] if y - 1 < len(shown) else ""
        is_last = y == len(shown) or (not shown and y == 1)
        style = self._style("quiet" if self._is_reasoning else "text")
        return Strip([segment(line + ("▌" if is_last else ""), style)]).crop_extend(0, cells, text)
