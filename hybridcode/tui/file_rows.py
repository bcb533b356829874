"""The files of a proposal as rows of a list: what is done to each and how much of it is decided.

Invariant: the order of the review, one row per file; a folder that several files in a row share is named once.
"""

from collections.abc import Sequence
from itertools import groupby
from posixpath import basename, dirname

from hybridcode.tui.file_review import FileReview
from hybridcode.tui.paint import clip_left, width
from hybridcode.tui.widgets.rows import Row, RowTone

_SIGNS: dict[str, tuple[str, RowTone]] = {
    "open": ("·", "quiet"),
    "begun": ("◐", "warn"),
    "none": ("✗", "bad"),
    "taken": ("✓", "good"),
}
"""How far a file is decided."""


def file_rows(files: Sequence[FileReview], cells: int, words: str = "") -> list[Row]:
    """Rows of `cells` cells for the files whose path holds `words`; keys are the numbers of the files."""
    kept = [(number, file) for number, file in enumerate(files) if words.casefold() in file.change.path.casefold()]
    rows: list[Row] = []
    for folder, run in groupby(kept, key=lambda pair: dirname(pair[1].change.path)):
        here = list(run)
        is_shared = bool(folder) and len(here) > 1
        if is_shared:
            rows.append(Row("", ((f" {clip_left(folder, cells - 4)}/", "quiet"),)))
        rows.extend(_row(number, file, cells, is_shared=is_shared) for number, file in here)
    return rows


def _row(number: int, file: FileReview, cells: int, *, is_shared: bool) -> Row:
    added, deleted = file.counts
    plus, minus = (f"+{added:,}" if added else ""), (f" -{deleted:,}" if deleted else "")
    sign, tone = _SIGNS[_state(file)]
    lead = "  " if is_shared else ""
    room = max(cells - 4 - width(lead + plus + minus) - 1, 4)
    path = clip_left(basename(file.change.path) if is_shared else file.change.path, room)
    gap = " " * (room - width(path) + 1)
    return Row(str(number), ((f"{lead}{sign} ", tone), (path, "plain"), (gap, "plain"), (plus, "good"), (minus, "bad")))


def _state(file: FileReview) -> str:
    marks = set(file.marks)
    if "undecided" in marks:
        return "open" if marks == {"undecided"} else "begun"
    return "none" if marks == {"rejected"} else "taken"
