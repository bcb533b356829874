"""The text that is being written right now: a few lines of fixed height.

Invariant: a piece never causes a layout; only appearing and disappearing do. A thought is counted while it is thought,
and handed over when its model begins to answer.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from hybridcode.session.watchers import Piece
from hybridcode.tui.amounts import plural, seconds, tokens
from hybridcode.tui.doing import Doing
from hybridcode.tui.folding import KEY
from hybridcode.tui.paint import clip, segment, wrap
from hybridcode.tui.visible import foreign

_KEPT_CHARS = 4_000
_BYTES_PER_TOKEN = 4
_AMOUNT_CELLS = 24
"""Cells kept free behind the title."""
THOUGHT_CHARS = 64_000
"""Characters of one thought that are kept, from its end."""
_AT_ONCE = 8
"""Models whose thoughts are kept apart at the same time."""


@dataclass
class _Thinking:
    text: str = ""
    words: int = 0
    lost: int = 0

    def add(self, text: str) -> None:
        """Take in a piece; a word may go on from the one before."""
        goes_on = bool(self.text) and not self.text[-1].isspace() and not text[:1].isspace()
        self.words += max(len(text.split()) - goes_on, 0)
        self.text += text
        if len(self.text) > 2 * THOUGHT_CHARS:
            self._cut()

    def _cut(self) -> None:
        over = max(len(self.text) - THOUGHT_CHARS, 0)
        self.text, self.lost = self.text[over:], self.lost + over

    def whole(self) -> "_Thinking":
        """As it is kept."""
        self._cut()
        return self


class Live(Widget):
    """The tail of a model's text or a command's output."""

    @dataclass
    class Thought(Message):
        """A model has thought and answers now, or somebody else writes."""

        text: str
        words: int
        lost: int
        """Characters at its beginning that are not kept."""

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
        self._thinking: dict[str, _Thinking] = {}
        self._key = KEY
        self._is_open = False
        """True while thoughts are shown and not only counted."""
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
            if self._source in self._thinking:
                self._hand_over(self._source)
            self._source, self._text, self._written, self._lines = doing.source, "", 0, []
        self.add_class("-on")
        self.call_after_refresh(self._rewrap)

    def _rewrap(self) -> None:
        self._lines = wrap(foreign(self._text), self.size.width - 2)
        self.refresh()

    def end(self) -> None:
        """Disappear; what was thought is handed over."""
        self.remove_class("-on")
        for source in list(self._thinking):
            self._hand_over(source)

    def name_key(self, key: str) -> None:
        """Name the key that shows thoughts."""
        self._key = key
        self.refresh()

    def unfold(self, *, is_open: bool) -> None:
        """Show thoughts, or only count them."""
        self._is_open = is_open
        self.refresh()

    def _hand_over(self, source: str) -> None:
        thought = self._thinking.pop(source).whole()
        if thought.words:
            self.post_message(self.Thought(thought.text.strip("\n"), thought.words, thought.lost))

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
            self._take_thought(piece, is_reasoning=is_reasoning)
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

    def _take_thought(self, piece: Piece, *, is_reasoning: bool) -> None:
        if is_reasoning:
            self._thinking.setdefault(piece.source, _Thinking()).add(piece.text)
            if len(self._thinking) > _AT_ONCE:
                self._hand_over(next(iter(self._thinking)))
        elif piece.source in self._thinking:
            self._hand_over(piece.source)

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
        return f" · about {tokens(self._written // _BYTES_PER_TOKEN)}" if self._written else ""

    def _shown(self, room: int) -> list[str]:
        """The last lines; of a thought how long it is, and its lines only when they are asked for."""
        thinking = self._thinking.get(self._source) if self._is_reasoning else None
        if thinking is None:
            return self._lines[-room:]
        said = f"thinking · {plural(thinking.words, 'word')}"
        return [said, *self._lines[-(room - 1) :]] if self._is_open and room > 1 else [f"{said} · {self._key}"]

    def render_line(self, y: int) -> Strip:
        """The title, then the last lines."""
        cells = self.size.width
        text = self._style("text")
        if y == 0:
            title = segment(clip(self.doing.title, cells - _AMOUNT_CELLS), self._style("title"))
            return Strip([title, segment(self._amount(), self._style("quiet"))]).crop_extend(0, cells, text)
        room = self.size.height - 1
        shown = self._shown(room)
        line = shown[y - 1] if y - 1 < len(shown) else ""
        is_last = y == len(shown) or (not shown and y == 1)
        style = self._style("quiet" if self._is_reasoning else "text")
        return Strip([segment(line + ("▌" if is_last else ""), style)]).crop_extend(0, cells, text)
