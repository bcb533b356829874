"""One file of a proposal: what was decided of its hunks, what is known of them, and the bytes that follow.

Invariant: the bytes of the result are chosen from exactly the bytes shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from hybridcode.domain.action import FileChange
from hybridcode.gate.change_flags import change_flags
from hybridcode.patch.check import warnings
from hybridcode.patch.hunks import choose, split
from hybridcode.patch.mechanical import Kind, mechanical
from hybridcode.tui.diff_rows import Changes, Compared, compare, group_changes, is_whole
from hybridcode.tui.file_diff import FileDiff, file_diff
from hybridcode.tui.moved import moved
from hybridcode.tui.risk import Risk
from hybridcode.tui.visible import hidden_flags

Mark = Literal["undecided", "accepted", "rejected", "edited", "shown"]
"""What was decided of a hunk; `shown` where nothing is to be decided."""


@dataclass
class FileReview:
    """One file and what was decided of it."""

    change: FileChange
    compared: Compared = field(init=False)
    groups: list[tuple[int, ...]] = field(init=False)
    """Shown hunks as the indices of their changes."""
    marks: list[Mark] = field(init=False)
    """One per change."""
    edits: dict[int, tuple[bytes, ...]] = field(init=False)
    """New lines a person wrote instead."""
    flags: tuple[str, ...] = field(init=False)
    """Hidden and look-alike characters in the changed lines, as `bidi:202E`, and what the whole diff is flagged for."""
    risk: Risk = field(init=False, default=Risk(3, ""))
    """How early it is looked at, and why."""
    kinds: dict[int, Kind] = field(init=False)
    """Changes that are proven to be mechanical; empty until `look` has found them."""
    moved: dict[int, str] = field(init=False, default_factory=dict[int, str])
    """Where the other end of a moved block is, by change; empty until `look` has found them."""
    warned: dict[int, tuple[str, ...]] = field(init=False)
    """Warnings of the proposal by the change they come from; empty until `look` has found them."""
    reasons: dict[int, str] = field(init=False, default_factory=dict[int, str])
    """Why a person rejected a change, where they said it."""
    rechecked: dict[int, tuple[str, ...]] = field(init=False)
    """What the checks say of a person's own lines, by change."""
    opened: set[int] = field(init=False, default_factory=set[int])
    """Folds that a person opened."""
    _rows: tuple[object, FileDiff] | None = field(init=False, default=None)
    """The rows made last, and what they were made for."""

    def __post_init__(self) -> None:
        self.compared = compare(self.change)
        self.groups = group_changes(self.changes)
        self.marks = ["undecided"] * len(self.changes)
        self.edits = {}
        self.kinds, self.warned, self.rechecked = {}, {}, {}
        hidden = hidden_flags((*self.changes.old_lines(), *self.changes.new_lines()))
        self.flags = tuple(dict.fromkeys((*hidden, *change_flags(self.change, compared=self.compared.places))))

    @property
    def changes(self) -> Changes:
        """What can be decided by itself, in order."""
        return self.compared.changes

    def look(self, notes: Sequence[str] = ()) -> None:
        """Find out what is mechanical and which hunks `notes` come from; parses often, so it is called in a thread."""
        self.kinds = {} if self.flags else mechanical(self.change)
        self.warned = sources(self.change, len(self.changes), notes)
        self.moved = moved(self.changes)

    def recheck(self, index: int) -> tuple[str, ...]:
        """Warnings about a person's own lines: those the proposal did not bring, and those they bring alone.

        Parses, so it is called in a thread.
        """
        change, known = self.change, warnings([self.change])
        alone: tuple[str, ...] = ()
        if not is_whole(change):
            before, after, edited = change.before or b"", change.after or b"", {index: self.edits[index]}
            alone = warnings([_with_bytes(change, choose(before, after, accepted={index}, edited=edited))])
        told = (text for text in warnings([self.as_edited()]) if text not in known or text in alone)
        return tuple(sentence_of(text, change) for text in told)

    def as_edited(self) -> FileChange:
        """The whole proposal with a person's own lines in it."""
        change = self.change
        if is_whole(change):
            return change if 0 not in self.edits else _with_bytes(change, b"".join(self.edits[0]))
        after = choose(
            change.before or b"", change.after or b"", accepted=range(len(self.changes)), edited=dict(self.edits)
        )
        return _with_bytes(change, after)

    @property
    def remarks(self) -> dict[int, tuple[str, ...]]:
        """What is told under the head of a hunk, by change."""
        told = {index: tuple(f"! {text}" for text in texts) for index, texts in self.warned.items()}
        told |= {index: tuple(f"! your edit: {text}" for text in texts) for index, texts in self.rechecked.items()}
        for group in self.groups:
            if reason := self.reasons.get(group[0]):
                told[group[0]] = (f"! your reason: {reason}", *told.get(group[0], ()))
        return told

    def kind_of(self, group: int) -> Kind | None:
        """Why a shown hunk is mechanical; None if it is not, or not all of it, or edited."""
        found: list[Kind | None] = [
            None if index in self.edits else self.kinds.get(index) for index in self.groups[group]
        ]
        return found[0] if len(set(found)) == 1 else None

    def badge_of(self, group: int) -> str:
        """What is proven of a shown hunk in a few words, empty for nothing."""
        if kind := self.kind_of(group):
            return f"mechanical: {kind}"
        indices = self.groups[group]
        told = [self.moved[index] for index in indices if index in self.moved and index not in self.edits]
        return f"{'in part ' if len(indices) > 1 else ''}{' and '.join(told)}" if told else ""

    def new_lines(self, index: int) -> tuple[bytes, ...]:
        """New lines of a change, a person's own where there are some."""
        return self.edits.get(index, self.changes[index].new)

    def mark_of(self, group: int) -> Mark:
        """What was decided of a shown hunk. Its changes always share one mark."""
        return self.marks[self.groups[group][0]]

    def diff(self, *, is_folded: bool) -> FileDiff:
        """The rows to show now, edits included; the same object while nothing of it changed."""
        remarks = self.remarks
        wanted = (is_folded, tuple(self.groups), dict(self.edits), remarks, frozenset(self.opened))
        if self._rows is None or self._rows[0] != wanted:
            rows = file_diff(
                *(self.change, self.compared),
                groups=self.groups,
                edits=self.edits,
                is_folded=is_folded,
                remarks=remarks,
                opened=frozenset(self.opened),
            )
            self._rows = wanted, rows
        return self._rows[1]

    def toggle_fold(self, group: int) -> bool:
        """Show what is folded before a hunk, then after it, then neither; False where nothing is."""
        near = [fold for fold in (group, group + 1) if fold in self.diff(is_folded=True).rows.folds]
        closed = [fold for fold in near if fold not in self.opened]
        self.opened = self.opened | {closed[0]} if closed else self.opened - set(near)
        return bool(near)

    @property
    def said(self) -> list[str]:
        """The reasons of a person's noes, each with its lines of the file as proposed."""
        found: list[str] = []
        for group in self.groups:
            if reason := self.reasons.get(group[0]):
                first, last = self.changes.spans[group[0]][2] + 1, self.changes.spans[group[-1]][3]
                lines = f"{first}-{last}" if last > first else f"{first}"
                found.append(f"hunk at {self.change.path}:{lines}: {reason}")
        return found

    def line_of(self, group: int) -> int:
        """The line at which a shown hunk begins in the file as proposed, 1 for one that is taken whole."""
        rows = self.diff(is_folded=True).rows
        return max(rows[rows.heads[group]].new, 1) if rows.heads else 1

    def result(self) -> FileChange | None:
        """The file with what was taken, None if nothing was."""
        taken = {index for index, mark in enumerate(self.marks) if mark in ("accepted", "edited")}
        if not taken:
            return None
        if is_whole(self.change):
            lines = self.edits.get(0)
            after = self.change.after if lines is None else b"".join(lines)
            return FileChange(self.change.path, self.change.before, after, self.change.mode)
        before, proposed = self.change.before or b"", self.change.after or b""
        edited = {index: lines for index, lines in self.edits.items() if index in taken}
        after = choose(before, proposed, accepted=taken, edited=edited)
        return None if after == before else FileChange(self.change.path, before, after, self.change.mode)

    @property
    def counts(self) -> tuple[int, int]:
        """Added and deleted lines as proposed or edited."""
        added, deleted = self.changes.counts
        for index, lines in self.edits.items():
            added += len(lines) - len(self.changes[index].new)
        return added, deleted


def _with_bytes(change: FileChange, after: bytes) -> FileChange:
    return FileChange(change.path, change.before, after, change.mode)


def sentence_of(note: str, change: FileChange) -> str:
    """A note without the path it starts with."""
    return note.removeprefix(f"{change.path}: ")


_MOST_SOURCES = 40
"""Changes of a file that are looked at one by one for what a warning comes from."""


def sources(change: FileChange, count: int, notes: Sequence[str]) -> dict[int, tuple[str, ...]]:
    """Which of `count` changes of a file each of its notes comes from: those that bring it about alone.

    A note that names a line stands at the change with that line. What no single change brings about has no source.
    """
    own = [note for note in notes if note.startswith(f"{change.path}:")]
    if not own or is_whole(change) or count > _MOST_SOURCES:
        return {}
    before, after = change.before or b"", change.after or b""
    found: dict[int, tuple[str, ...]] = {}
    for hunk in split(before, after):
        alone = warnings([_with_bytes(change, choose(before, after, accepted={hunk.index}))])
        lines = range(hunk.new_start, hunk.new_start + max(len(hunk.new_lines), 1))
        here = [note for note in own if note in alone or _line_of(note, change.path) in lines]
        if here:
            found[hunk.index] = tuple(sentence_of(note, change) for note in here)
    return found


def _line_of(note: str, path: str) -> int:
    number = note.removeprefix(f"{path}:").split(":", 1)[0]
    return int(number) if number.isascii() and number.isdigit() else 0
