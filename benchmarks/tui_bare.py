"""The least a Textual program can be: one line to write in. What any program on Textual pays at least.

Invariant: nothing of ours.
"""

from textual.app import App, ComposeResult
from textual.widgets import Input, Static


class Bare(App[None]):
    """A line of text and an input."""

    def compose(self) -> ComposeResult:
        """Both of them."""
        yield Static("A bare Textual program: one line of text and one input below it.")
        yield Input()


if __name__ == "__main__":
    Bare().run()
