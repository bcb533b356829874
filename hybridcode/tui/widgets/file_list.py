"""The files of a proposal: what is done to each and how much of it is decided.

Invariant: one line per file, in the order of the review.
"""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from hybridcode.tui.paint import Part, clip_left, width
from hybridcode.tui.reviewing import FileReview
from hybridcode.tui.widgets.painted import Painted

_CELLS = 26


class FileList(VerticalScroll, can_focus=False):
    """Paths with counts; the current one is bold and marked."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def compose(self) -> ComposeResult:
        """One block of text."""
        yield Painted()

    def show(self, files: Sequence[FileReview], current: int) -> None:
        """Show the files; `current` is the one in the diff pane."""
        parts: list[Part | str] = []
        for number, file in enumerate(files):
            parts.extend(_file_parts(file, is_current=number == current))
        self.query_one(Painted).paint(*parts, layout=len(files) != self._count)
        self._count = len(files)


def _file_parts(file: FileReview, *, is_current: bool) -> list[Part]:
    added, deleted = file.counts
    plus, minus = (f"+{added}" if added else ""), (f" -{deleted}" if deleted else "")
    marks = {file.mark_of(group) for group in range(len(file.groups))}
    sign = "·" if "undecided" in marks else ("✗" if marks == {"rejected"} else "✓")
    room = _CELLS - 4 - width(plus + minus) - 1
    path = clip_left(file.change.path, room)
    gap = " " * (room - width(path) + 1)
    return [
        ("▌" if is_current else " ", "$accent"),
        (f"{sign} ", {"✓": "$success", "✗": "$error"}.get(sign, "$quiet")),
        (path, "bold" if is_current else ""),
        (gap, ""),
        (plus, "$diff-add"),
        (f"{minus}\n", "$diff-delete"),
    ]
