"""The files of a proposal, to walk through beside the diff.

Invariant: no widget per file; Enter goes to the diff and decides nothing.
"""

from collections.abc import Sequence

from hybridcode.tui.file_review import FileReview
from hybridcode.tui.file_rows import file_rows
from hybridcode.tui.widgets.rows import Rows

_CELLS = 27


class FileList(Rows):
    """Paths with counts; the cursor stands on the file in the diff."""

    def show_files(self, files: Sequence[FileReview], current: int, *, words: str, is_wide: bool) -> None:
        """Show the files whose path holds `words`; `current` is the one in the diff."""
        cells = self.size.width if is_wide and self.size.width else _CELLS
        self.show(file_rows(files, cells, words))
        self.go_to(str(current))
