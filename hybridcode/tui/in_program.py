"""What a widget may know of the program it stands in.

Invariant: read only; the one place where the type of a widget's app is pinned down.
"""

from collections.abc import Mapping
from typing import Protocol, cast

from textual.app import App
from textual.geometry import Size
from textual.widget import Widget


class _InProgram(Protocol):
    @property
    def app(self) -> App[object]: ...


def theme_tokens(widget: Widget) -> Mapping[str, str]:
    """The colours of the theme that holds now, by token; the same object while it does."""
    return cast(_InProgram, widget).app.theme_variables


def terminal_size(widget: Widget) -> Size:
    """Columns and rows, known before the widget has a size of its own."""
    return cast(_InProgram, widget).app.size
