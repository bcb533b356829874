"""The one place where text becomes something a widget can paint.

Invariant: every string passes `visible` here, and markup is never read from it.
"""

from collections.abc import Iterable
from functools import lru_cache

from rich.cells import cell_len, set_cell_size
from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.color import Color
from textual.content import Content
from textual.filter import LineFilter

from hybridcode.tui.visible import unmarked, veiled, visible

Part = tuple[str, str]
"""Text and a style in Textual's notation, as `$text-muted` or `bold $accent`; an empty style paints plainly."""


def content(*parts: Part | str) -> Content:
    """Styled text for widgets; line breaks inside a part are kept, everything else hidden is spelled out."""
    pieces: list[str | tuple[str, str]] = []
    for part in parts:
        text, style = (part, "") if isinstance(part, str) else part
        shown = unmarked("\n".join(visible(line) for line in text.split("\n")))
        pieces.append((shown, style) if style else shown)
    return Content.assemble(*pieces)


def segment(text: str, style: Style) -> Segment:
    """One run of a line; hidden characters are spelled out."""
    return Segment(unmarked(visible(text)), style)


def restyled(text: str, style: Style) -> Segment:
    """A part of a segment in another style: its text has been made visible already."""
    return Segment(text, style)


def edited(text: str) -> Text:
    """A line of text that is being edited: as many characters as it has, hidden ones as one sign each."""
    return Text(veiled(text), end="", no_wrap=True)


def width(text: str) -> int:
    """Cells that `text` takes on screen once it is made visible."""
    shown = visible(text)
    return len(shown) if shown.isascii() else cell_len(shown)


def fit(text: str, cells: int) -> str:
    """`text` in exactly `cells` cells: padded, or cut with an ellipsis."""
    shown = visible(text)
    if width(shown) <= cells:
        return set_cell_size(shown, cells)
    return set_cell_size(shown, max(cells - 1, 0)) + "…" if cells > 0 else ""


def clip(text: str, cells: int) -> str:
    """`text` in at most `cells` cells, cut with an ellipsis if it must be."""
    shown = visible(text)
    return shown if width(shown) <= cells else fit(shown, cells)


def clip_left(text: str, cells: int) -> str:
    """Like `clip`, but keeps the end: for paths."""
    shown = visible(text)
    if width(shown) <= cells:
        return shown
    kept = ""
    for char in reversed(shown):
        if width(char + kept) > cells - 1:
            break
        kept = char + kept
    return "…" + kept


def wrap(text: str, cells: int, *, first: int | None = None) -> list[str]:
    """Lines of at most `cells` cells, the first one of at most `first`, broken at blanks where there are some.

    They are escaped; there is always one.
    """
    lines: list[str] = []
    room = cells if first is None else first
    for raw in text.split("\n"):
        lines.extend(_wrap_line(visible(raw.expandtabs(4)).rstrip(), max(room, 1), max(cells, 1)))
        room = cells
    return lines


def _wrap_line(line: str, room: int, cells: int) -> Iterable[str]:
    while width(line) > room:
        cut = _cells_to_index(line, room)
        blank = line.rfind(" ", 1, cut + 1)
        indent = len(line) - len(line.lstrip(" "))
        at = blank if blank > indent else cut
        yield line[:at].rstrip()
        line, room = line[at:].lstrip(" "), cells
    yield line


def _cells_to_index(line: str, cells: int) -> int:
    """The largest index whose text before it takes at most `cells` cells; at least 1."""
    if line.isascii():
        return max(cells, 1)
    used = 0
    for index, char in enumerate(line):
        used += cell_len(char)
        if used > cells:
            return max(index, 1)
    return len(line)


_NO_COLOURS = Style(color="default", bgcolor="default")
_FAR = 90
"""Difference of brightness from the screen's background, of 255, from which a background must show without colours."""


class Colourless(LineFilter):
    """Takes the colours away: what stood out by its background is reversed, the rest keeps bold, italic, underline."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments without colours, on a screen whose own background is `background`."""
        return [Segment(text, _colourless(style, background), control) for text, style, control in segments]


@lru_cache(maxsize=1024)
def _colourless(style: Style | None, background: Color) -> Style | None:
    if style is None:
        return None
    is_far = style.bgcolor is not None and abs(_brightness(style.bgcolor) - background.brightness * 255) > _FAR
    return style + _NO_COLOURS + (Style(reverse=True) if is_far else Style())


def _brightness(color: RichColor) -> float:
    red, green, blue = color.get_truecolor()
    return (red * 299 + green * 587 + blue * 114) / 1000
