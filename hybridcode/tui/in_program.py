"""What a widget may know of the program it stands in.

Invariant: reads, and runs no action but a widget's own; the one place where the type of a widget's app is pinned down.
"""

from collections.abc import Mapping
from typing import Protocol, cast

from textual.app import App
from textual.geometry import Size
from textual.widget import Widget


class _InProgram(Protocol):
    @property
    def app(self) -> App[object]: ...


async def do(widget: Widget, action: str) -> bool:
    """Run an action of a widget now; False if it declined."""
    return await cast(_InProgram, widget).app.run_action(action, widget)


def theme_tokens(widget: Widget) -> Mapping[str, str]:
    """The colours of the theme that holds now, by token; the same object while it does."""
    return cast(_InProgram, widget).app.theme_variables


def terminal_size(widget: Widget) -> Size:
    """Columns and rows, known before the widget has a size of its own."""
    return cast(_InProgram, widget).app.size
