"""A file's change as rows for eyes: pure, from the exact bytes.

Invariant: every byte of a changed line that is not plain text is spelled out, and rows are tuples: no object per line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from hybridcode.domain.action import FileChange
from hybridcode.patch.hunks import Hunk, split
from hybridcode.repo.lines import split_lines
from hybridcode.tui.paint import width
from hybridcode.tui.visible import visible

Kind = Literal["same", "add", "delete", "head", "fold", "note"]

CONTEXT = 3
"""Unchanged lines shown around a hunk; changes closer than twice that are one hunk, as in git."""
TAB = 4
"""Cells of a tab."""


class Row(NamedTuple):
    """One line of the pane."""

    kind: Kind
    old: int = 0
    """1-based line of the old file, 0 for none."""
    new: int = 0
    """1-based line of the new file, 0 for none; for `fold` the number of hidden lines."""
    text: str = ""
    """Escaped, so that it can be painted as it is."""
    change: int = -1
    """Index of the change it belongs to, -1 for none."""
    group: int = -1
    """Index of the shown hunk it belongs to, -1 for none."""


class Change(NamedTuple):
    """A run of lines that is replaced: the smallest thing that can be accepted by itself."""

    number: int
    """Its index among the file's changes."""
    at: int
    """0-based line of the old file in front of which the new lines stand."""
    old: tuple[bytes, ...]
    new: tuple[bytes, ...]


Groups = Sequence[tuple[int, ...]]
"""Shown hunks, each as the indices of its changes, in order."""


@dataclass(frozen=True)
class FileDiff:
    """A file's rows and what a widget needs to walk them."""

    path: str
    rows: tuple[Row, ...]
    heads: tuple[int, ...]
    """Row of each shown hunk's head line."""
    partners: Mapping[int, int]
    """Row of a deleted line to row of the added line that stands for it, and back."""
    number_width: int
    """Cells of the largest line number."""
    width: int
    """Cells of the longest text."""


def is_binary(change: FileChange) -> bool:
    """True when either side has a NUL byte: such a file is taken whole or not at all."""
    return b"\0" in (change.before or b"") or b"\0" in (change.after or b"")


def is_whole(change: FileChange) -> bool:
    """True when the change is one decision: a new file, a deletion, a binary file or a change of mode only."""
    return change.before is None or change.after is None or is_binary(change) or change.before == change.after


def changes_of(change: FileChange) -> tuple[Change, ...]:
    """The changes of a file, in order; at least one."""
    if is_binary(change):
        return (Change(0, 0, (), ()),)
    if is_whole(change):
        same = change.before == change.after
        return (
            Change(
                0,
                0,
                () if same else split_lines(change.before or b""),
                () if same else split_lines(change.after or b""),
            ),
        )
    return tuple(_change(hunk) for hunk in split(change.before or b"", change.after or b""))


def _change(hunk: Hunk) -> Change:
    return Change(hunk.index, hunk.old_start - 1, hunk.old_lines, hunk.new_lines)


def group_changes(changes: Sequence[Change]) -> list[tuple[int, ...]]:
    """Changes that stand close together are shown as one hunk."""
    groups: list[list[int]] = []
    end = 0
    for change in changes:
        if groups and change.at - end <= 2 * CONTEXT:
            groups[-1].append(change.number)
        else:
            groups.append([change.number])
        end = change.at + len(change.old)
    return [tuple(group) for group in groups]


def file_diff(
    change: FileChange,
    changes: Sequence[Change],
    *,
    groups: Groups,
    edits: Mapping[int, tuple[bytes, ...]],
    is_folded: bool = True,
) -> FileDiff:
    """Rows of one file. `edits` stand in for the new lines of the changes they name."""
    builder = _Builder(split_lines(change.before or b""), _line_end_cut(change))
    builder.notes(change)
    for number, group in enumerate(groups):
        builder.lead(number, changes[group[0]].at, is_folded=is_folded)
        for index in group:
            builder.same(changes[index].at, number)
            builder.change(changes[index], edits.get(index, changes[index].new), number)
    if not is_whole(change):
        builder.tail(is_folded=is_folded)
    return builder.finish(change.path)


def _line_end_cut(change: FileChange) -> bytes:
    """What is cut from line ends: CRLF when every line of both sides has it, so that a lone one still shows."""
    sides = [data for data in (change.before, change.after) if data]
    is_crlf = bool(sides) and all(data.count(b"\n") == data.count(b"\r\n") > 0 for data in sides)
    return b"\r\n" if is_crlf else b"\n"


class _Builder:
    """Collects rows; `at` is the next old line, `shift` the difference between new and old numbers."""

    def __init__(self, old: tuple[bytes, ...], cut: bytes) -> None:
        self.old, self.cut = old, cut
        self.at = self.shift = 0
        self.rows: list[Row] = []
        self.heads: list[int] = []
        self.partners: dict[int, int] = {}

    def notes(self, change: FileChange) -> None:
        """What is true of the file as a whole."""
        for text in _file_notes(change):
            self.rows.append(Row("note", text=text))

    def same(self, until: int, group: int = -1) -> None:
        """Unchanged lines up to `until`."""
        text, old, shift = self._plain, self.old, self.shift + 1
        self.rows.extend(
            Row("same", line + 1, line + shift, text(old[line]), -1, group) for line in range(self.at, until)
        )
        self.at = max(self.at, until)

    def lead(self, number: int, until: int, *, is_folded: bool) -> None:
        """Everything between the last hunk and the first change of this one, its head among it."""
        after = min(self.at + CONTEXT, until) if number else self.at
        before = max(until - CONTEXT, after)
        self.same(after)
        self._fold(before, is_folded=is_folded)
        self._head(number)
        self.same(until, number)

    def tail(self, *, is_folded: bool) -> None:
        """Lines after the last hunk."""
        self.same(min(self.at + CONTEXT, len(self.old)))
        self._fold(len(self.old), is_folded=is_folded)

    def _fold(self, until: int, *, is_folded: bool) -> None:
        hidden = until - self.at
        if hidden < 2 or not is_folded:
            self.same(until)
            return
        self.rows.append(Row("fold", new=hidden))
        self.at = until

    def _head(self, group: int) -> None:
        self.heads.append(len(self.rows))
        self.rows.append(Row("head", self.at + 1, self.at + self.shift + 1, group=group))

    def change(self, change: Change, new: tuple[bytes, ...], group: int) -> None:
        """Deleted lines, then added ones."""
        first = len(self.rows)
        for offset, line in enumerate(change.old):
            self.rows.append(Row("delete", change.at + offset + 1, 0, self._changed(line), change.number, group))
        self._no_newline(change.old, group)
        middle = len(self.rows)
        start = change.at + self.shift + 1
        for offset, line in enumerate(new):
            self.rows.append(Row("add", 0, start + offset, self._changed(line), change.number, group))
        self._no_newline(new, group)
        for pair in range(min(len(change.old), len(new))):
            self.partners[first + pair] = middle + pair
            self.partners[middle + pair] = first + pair
        self.at = change.at + len(change.old)
        self.shift += len(new) - len(change.old)

    def _no_newline(self, lines: tuple[bytes, ...], group: int) -> None:
        if lines and not lines[-1].endswith(b"\n"):
            self.rows.append(Row("note", text="no newline at the end of the file", group=group))

    def _plain(self, line: bytes) -> str:
        return visible(_decoded(line, self.cut).expandtabs(TAB))

    def _changed(self, line: bytes) -> str:
        text = _decoded(line, self.cut)
        if text.isascii() and text.isprintable() and not text.endswith(" "):
            return text
        bare = text.rstrip(" ")
        return visible(_arrows(bare)) + "·" * (len(text) - len(bare))

    def finish(self, path: str) -> FileDiff:
        """The rows as a value."""
        largest = max((max(row.old, row.new) for row in self.rows if row.kind != "fold"), default=1)
        longest = max((width(row.text) for row in self.rows), default=0)
        return FileDiff(path, tuple(self.rows), tuple(self.heads), self.partners, len(str(largest)), longest)


def _decoded(line: bytes, cut: bytes) -> str:
    return line.removesuffix(cut).removesuffix(b"\n").decode("utf-8", "surrogateescape")


def _arrows(text: str) -> str:
    """Tabs as an arrow and blanks up to the next stop: in a changed line they must be told from blanks."""
    shown = ""
    for index, part in enumerate(text.split("\t")):
        if index:
            shown += "→" + " " * (TAB - 1 - len(shown) % TAB)
        shown += part
    return shown


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
