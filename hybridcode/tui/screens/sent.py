"""What was written before, to be searched and written again.

Invariant: choosing a text puts it into the composer and sends nothing.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar

from hybridcode.tui.amounts import plural
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part, wrap
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.screens.listing import ListScreen
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.finder import Finder
from hybridcode.tui.widgets.rows import Row, Rows


class SentScreen(ListScreen):
    """Texts, newest first; the search line has the keys."""

    HINTS: ClassVar[Keys] = (Hint("Enter", "to the list, then into the composer", "take it", is_needed=True),)
    NOTHING: ClassVar[str] = "nothing was written here yet"

    def __init__(self, texts: Sequence[str], take: Callable[[str], None]) -> None:
        super().__init__()
        self._texts = list(dict.fromkeys(reversed(texts)))
        self._take = take

    def on_mount(self) -> None:
        """Type at once; the list takes the keys first, as in every list."""
        self.call_after_refresh(self.query_one(Finder).open)

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """How much there is."""
        return (("written before ", "bold $accent"), (plural(len(self._texts), "text"), "bold")), []

    def rows(self, cells: int) -> Sequence[Row]:
        """The first line of each text; the rest can be searched too."""
        del cells
        return [
            Row(str(number), ((text.split("\n")[0], "plain"),), also=text) for number, text in enumerate(self._texts)
        ]

    def detail_parts(self, key: str, cells: int) -> list[Part | str]:
        """The whole text."""
        return [f"{line}\n" for line in wrap(self._texts[int(key)], cells)]

    def on_finder_closed(self, event: Finder.Closed) -> None:
        """Enter in the search line takes the text under the cursor at once; Escape leaves, with nothing to look at."""
        if event.is_cleared or (event.is_kept and self.key):
            event.stop()
            event.prevent_default()
            if event.is_cleared:
                self.dismiss()
            else:
                self._choose(self.key)

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Into the composer."""
        event.stop()
        self._choose(event.key)

    def _choose(self, key: str) -> None:
        self.dismiss()
        self._take(self._texts[int(key)])
