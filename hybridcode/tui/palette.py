"""Colours of lines that are painted by hand, from the tokens of the theme.

Invariant: tokens only, so that every theme has them all; made once for a theme and not once for a widget, since Textual
works out each component class of a widget anew whenever the widget's own state changes.
"""

from collections.abc import Mapping
from typing import NamedTuple

from rich.color import ColorType
from rich.style import Style
from textual.color import Color


class Ink(NamedTuple):
    """What one kind of text is painted with. An empty token leaves what is under it."""

    text: str = ""
    """Token of the letters."""
    ground: str = ""
    """Token of the ground."""
    is_bold: bool | None = None
    is_reverse: bool | None = None


class Palette:
    """The inks of one painter as styles, for the theme that holds now."""

    def __init__(self, inks: Mapping[str, Ink]) -> None:
        self._inks = inks
        self._variables: Mapping[str, str] = {}
        self.styles: dict[str, Style] = {}
        """By the name of the ink; empty before the first `use`."""
        self.is_true = False
        """No colour of it is one that the terminal chooses."""

    def use(self, variables: Mapping[str, str]) -> bool:
        """Take the tokens of a theme; True if they are others than before."""
        if variables is self._variables or (self.styles and variables == self._variables):
            return False
        self._variables = variables
        self.styles = {name: _style(ink, variables) for name, ink in self._inks.items()}
        colours = [colour for style in self.styles.values() for colour in (style.color, style.bgcolor) if colour]
        self.is_true = all(colour.type is ColorType.TRUECOLOR for colour in colours)
        return True


def _style(ink: Ink, variables: Mapping[str, str]) -> Style:
    letters, ground = (Color.parse(variables[token]).rich_color if token else None for token in ink[:2])
    return Style(color=letters, bgcolor=ground, bold=ink.is_bold, reverse=ink.is_reverse)
