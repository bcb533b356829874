"""One-line bars: where we are and who works at the top, what it used at the bottom.

Invariant: a bar is one line; items that do not fit are left out whole, the least needed first.
"""

from typing import ClassVar

from textual import events
from textual.scrollbar import ScrollBarRender

from hybridcode.tui.conversation import Facts
from hybridcode.tui.in_program import terminal_size
from hybridcode.tui.meter import fitting
from hybridcode.tui.paint import Part, clip, clip_left, width
from hybridcode.tui.widgets.painted import Painted

_PADDING = 2
"""Columns that a bar leaves free; it is as wide as the screen until its first layout says otherwise."""

Item = tuple[int, str]
"""Rank (0 is dropped last) and text."""


class AsciiScrollBar(ScrollBarRender):
    """A scroll bar without block characters: its thumb is told by the background alone."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


class Bar(Painted):
    """Items on the left, and some on the right in quiet."""

    def __init__(self, ident: str | None = None, *, classes: str | None = None) -> None:
        super().__init__(ident=ident, classes=classes)
        self._left: tuple[Part, ...] = ()
        self._items: list[Item] = []
        self._badge: Part | None = None

    def show(self, *left: Part, items: list[Item] | None = None, badge: Part | None = None) -> None:
        """Show styled text at the left and ranked items at the right (or alone), behind a badge that always fits."""
        self._left, self._items, self._badge = left, items or [], badge
        self._repaint()

    def on_resize(self, event: events.Resize) -> None:
        """Choose again what fits."""
        self._repaint()

    def _repaint(self) -> None:
        cells = self.content_size.width or terminal_size(self).width - _PADDING
        if cells <= 0:
            return
        used = sum(width(text) for text, _ in self._left)
        badge = self._badge
        used += width(badge[0]) + 3 if badge else 0
        right = " · ".join(fitting(self._items, cells - used - 1)) if self._items else ""
        used -= 3 if badge and not right else 0
        gap = " " * max(cells - used - width(right), 0) if self._left else ""
        if badge is None:
            self.paint(*self._left, (gap + right, "$quiet"), layout=False)
        else:
            self.paint(*self._left, (gap, "$quiet"), badge, (f" · {right}" if right else "", "$quiet"), layout=False)


ROOMY_CELLS = 100
"""Columns from which the top line has room for our name and long model names."""


def top_parts(facts: Facts, cells: int) -> tuple[Part, ...]:
    """Name, folder and branch, for a line of `cells`."""
    git = f" ({facts.branch}{f' +{facts.dirty}' if facts.dirty else ''})" if facts.branch else ""
    name: tuple[Part, ...] = (("hybridcode  ", "bold $accent"),) if cells >= ROOMY_CELLS else ()
    return (*name, (clip_left(facts.workspace, max(cells // 3, 16)), ""), (git, "$quiet"))


def top_items(facts: Facts, cells: int) -> list[Item]:
    """The models, for a line of `cells`."""
    room = 40 if cells >= ROOMY_CELLS else 10
    items: list[Item] = [(2, f"frontier {_model(facts.frontier, room)}")]
    items.append((1, f"local {_model(facts.local, room)}"))
    items += [(3, clip(role, room + 16)) for role in facts.roles]
    if facts.is_offline:
        items.append((0, "offline"))
    return items


def _model(name: str | None, room: int) -> str:
    return clip(name.rsplit("/", 1)[-1], room) if name else "none"
