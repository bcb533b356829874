"""Static text that is painted through `paint` only.

Invariant: markup is off, and no string reaches the terminal unescaped.
"""

from textual.widgets import Static

from hybridcode.tui.paint import Part, content


class Painted(Static):
    """A block of styled text."""

    def __init__(self, *parts: Part | str, ident: str | None = None, classes: str | None = None) -> None:
        super().__init__(content(*parts), id=ident, classes=classes, markup=False)
        self._parts: tuple[Part | str, ...] = parts

    def paint(self, *parts: Part | str, layout: bool = True) -> None:
        """Show other text; the same text costs nothing. `layout` False when its height stays the same."""
        if parts != self._parts:
            self._parts = parts
            self.update(content(*parts), layout=layout)

    def paint_again(self) -> None:
        """The same text, made anew: signs may be drawn otherwise now."""
        self.update(content(*self._parts))
