"""A file's change as rows for eyes, and what a widget needs to walk them.

Invariant: pure, from the exact bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hybridcode.domain.action import FileChange
from hybridcode.tui.diff_layout import DiffRows, Layout
from hybridcode.tui.diff_rows import Compared, Groups, changed_text, is_binary, is_whole
from hybridcode.tui.multiline import Inside, inside
from hybridcode.tui.paint import width


@dataclass(frozen=True)
class FileDiff:
    """One file."""

    path: str = ""
    rows: DiffRows = field(default_factory=lambda: DiffRows(Layout()))
    number_width: int = 1
    """Cells of the largest line number."""
    width: int = 0
    """Cells of the longest text."""
    old: Inside | None = None
    """Strings and comments over several lines of the old file; None for none."""
    new: Inside | None = None


def file_diff(
    change: FileChange,
    compared: Compared,
    *,
    groups: Groups,
    edits: Mapping[int, tuple[bytes, ...]],
    is_folded: bool = True,
    remarks: Mapping[int, tuple[str, ...]] | None = None,
    opened: frozenset[int] = frozenset(),
) -> FileDiff:
    """Rows of one file. `edits` stand in for the new lines of the changes they name, `remarks` stand at them.

    Folds in `opened` are shown although the rest is folded.
    """
    cut, notes = _line_end_cut(change), tuple(_file_notes(change))
    layout = Layout(
        *(compared.old, compared.new, compared.changes.spans, groups, edits, notes, not is_whole(change)),
        is_folded=is_folded,
        cut=cut,
        remarks=remarks or {},
        opened=opened,
    )
    rows = DiffRows(layout)
    longest = max([_longest(change, compared, edits, cut), *map(width, notes)])
    before, after = change.before or b"", change.after or b""
    new, edited = compared.new, b"".join(line for lines in edits.values() for line in lines)
    sides = (
        inside(change.path, compared.old, before),
        inside(change.path, _with_edits(compared, edits) if edits else new, after + edited if edits else after),
    )
    return FileDiff(change.path, rows, len(str(rows.largest_number())), longest, *sides)


def _with_edits(compared: Compared, edits: Mapping[int, tuple[bytes, ...]]) -> list[bytes]:
    """The lines of the new side with a person's own among them."""
    lines: list[bytes] = []
    at = 0
    for index, (_, _, b0, b1) in enumerate(compared.changes.spans):
        lines += [*compared.new[at:b0], *edits.get(index, compared.new[b0:b1])]
        at = b1
    return [*lines, *compared.new[at:]]


def _line_end_cut(change: FileChange) -> bytes:
    """What is cut from line ends: CRLF when every line of both sides has it, so that a lone one still shows."""
    sides = [data for data in (change.before, change.after) if data]
    is_crlf = bool(sides) and all(data.count(b"\n") == data.count(b"\r\n") > 0 for data in sides)
    return b"\r\n" if is_crlf else b"\n"


_ONE_CELL = bytes((10, *range(32, 127)))
"""What is one cell on screen as it stands, and line ends."""


def _longest(change: FileChange, compared: Compared, edits: Mapping[int, tuple[bytes, ...]], cut: bytes) -> int:
    """Cells of the longest line of both sides, folded ones included; plain lines are measured by their bytes."""
    if is_binary(change):
        return 0
    edited = [line for lines in edits.values() for line in lines]
    longest = 0
    sides = (compared.old, change.before or b""), (compared.new, change.after or b""), (edited, b"".join(edited))
    for lines, data in sides:
        if lines and not data.translate(None, _ONE_CELL):
            longest = max(longest, max(map(len, lines)))
        else:
            shown = (width(changed_text(line, cut)) if line.translate(None, _ONE_CELL) else len(line) for line in lines)
            longest = max(longest, max(shown, default=0))
    return longest


def _file_notes(change: FileChange) -> list[str]:
    before, after = change.before, change.after
    if before is None:
        kind = f"new file, mode {change.mode:04o}"
    elif after is None:
        kind = "the file is deleted"
    elif before == after:
        kind = f"same bytes, mode becomes {change.mode:04o}"
    else:
        kind = ""
    notes = [kind] if kind else []
    if is_binary(change):
        sizes = " → ".join("nothing" if data is None else f"{len(data):,} bytes" for data in (before, after))
        notes.append(f"binary: {sizes}; taken whole or not at all")
    elif after == b"" and before is None:
        notes.append("the file is empty")
    return notes
