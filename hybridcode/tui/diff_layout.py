"""Where the rows of a diff stand: worked out from the sizes of its changes, and made row by row when looked at.

Invariant: opening costs by the number of changes and not by that of the lines; a row is the same whenever it is made.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from operator import sub
from typing import NamedTuple, overload

from hybridcode.tui.diff_rows import CONTEXT, Groups, Kind, Row, Span, changed_text, plain_text

_KEPT_STRETCHES = 512
"""Stretches whose runs are kept: more than a screen shows."""


class Run(NamedTuple):
    """Rows of one kind that follow each other, with the lines they show."""

    kind: Kind
    first: int
    """Row at which it begins."""
    length: int
    old: int = 0
    """As in Row, of its first row."""
    new: int = 0
    change: int = -1
    group: int = -1
    lines: Sequence[bytes] = ()
    at: int = 0
    """Index of its first line in `lines`."""
    note: str = ""


class _Stretch(NamedTuple):
    """One change with what stands before it: unchanged lines, and the head of its hunk where it is the first."""

    first: int
    """Row at which it begins."""
    at: int
    """0-based old line at which it begins."""
    shift: int
    """What new line numbers are larger than old ones by there."""
    group: int
    change: int
    """-1: the lines after the last change."""
    is_lead: bool
    """True for the first change of a hunk."""


@dataclass(frozen=True)
class Layout:
    """What the rows are made from."""

    old: tuple[bytes, ...] = ()
    new: tuple[bytes, ...] = ()
    spans: Sequence[Span] = ()
    """One per change."""
    groups: Groups = ()
    edits: Mapping[int, tuple[bytes, ...]] = field(default_factory=dict[int, tuple[bytes, ...]])
    notes: tuple[str, ...] = ()
    has_tail: bool = False
    """False for a file that is taken whole: nothing follows its change."""
    is_folded: bool = True
    cut: bytes = b"\n"
    """What is cut from line ends."""
    remarks: Mapping[int, tuple[str, ...]] = field(default_factory=dict[int, tuple[str, ...]])
    """What must be told of a change, under the head of its hunk."""

    def remarks_of(self, group: int) -> tuple[str, ...]:
        """What must be told of a shown hunk."""
        if not self.remarks:
            return ()
        return tuple(dict.fromkeys(text for index in self.groups[group] for text in self.remarks.get(index, ())))

    def new_of(self, index: int) -> tuple[bytes, ...]:
        """New lines of a change, a person's own where there are some."""
        _, _, b0, b1 = self.spans[index]
        return self.edits[index] if index in self.edits else self.new[b0:b1]

    opened: frozenset[int] = frozenset()
    """Folds that are shown all the same: the number of the hunk that follows them, or how many hunks there are."""

    def folded(self, hidden: int, fold: int) -> int:
        """Rows that so many unchanged lines away from a hunk take."""
        return 1 if self.is_folded and hidden > 1 and fold not in self.opened else hidden


class DiffRows(Sequence[Row]):
    """The rows of a diff, each made when it is asked for."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.heads: list[int] = []
        """Row of each shown hunk's head line."""
        self.folds: dict[int, int] = {}
        """Lines that can be folded, by the number of the fold."""
        self._stretches: list[tuple[int, int, int, int, int, bool]] = []
        """Each as the fields of a _Stretch: plain tuples are made four times as fast."""
        self._lasts: list[int] = []
        """The last stretch of each hunk."""
        self._paired: list[int] = []
        """Rows before each stretch that share a line with another one when both sides stand side by side."""
        self._paired_in_all = 0
        self._count = self._measure()
        self._firsts = [stretch[0] for stretch in self._stretches]
        self._runs = lru_cache(_KEPT_STRETCHES)(self._make_runs)

    def _measure(self) -> int:
        """Find where each stretch begins; returns the number of rows."""
        layout = self.layout
        spans, edits, add = layout.spans, layout.edits, self._stretches.append
        last_old, last_new = _cut_off_end(layout.old), _cut_off_end(layout.new)
        paired = self._paired.append
        count, at, shift, shared = len(layout.notes), 0, 0, 0
        for number, group in enumerate(layout.groups):
            is_lead = True
            for index in group:
                until, old_end, new_start, new_end = spans[index]
                gone, come = old_end - until, new_end - new_start
                is_cut = new_end == last_new and come > 0
                if edits and index in edits:
                    come, is_cut = len(edits[index]), _is_cut_off(edits[index])
                add((count, at, shift, number, index, is_lead))
                paired(shared)
                if is_lead:
                    after, before = _around(at, until, is_first=number == 0)
                    count += after - at + layout.folded(self._fold(number, before - after), number)
                    self.heads.append(count)
                    count += 1 + len(layout.remarks_of(number)) + until - before
                    is_lead = False
                else:
                    count += until - at
                count += gone + come + (old_end == last_old and gone > 0) + is_cut
                at = old_end
                shift += come - gone
                shared += gone if gone < come else come
            self._lasts.append(len(self._stretches) - 1)
        if layout.has_tail:
            add((count, at, shift, -1, -1, False))
            paired(shared)
            shown = min(CONTEXT, len(layout.old) - at)
            number = len(layout.groups)
            count += shown + layout.folded(self._fold(number, len(layout.old) - at - shown), number)
        self._paired_in_all = shared
        return count

    def _fold(self, number: int, hidden: int) -> int:
        if hidden > 1:
            self.folds[number] = hidden
        return hidden

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if isinstance(index, slice):
            return [self._row(row) for row in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(index)
        return self._row(index % self._count)

    def _row(self, index: int) -> Row:
        if index < len(self.layout.notes):
            return Row("note", text=self.layout.notes[index])
        run = self._run_of(index)
        offset = index - run.first
        if run.kind in ("head", "fold", "note", "remark"):
            return Row(run.kind, run.old, run.new, run.note, run.change, run.group)
        old, new = run.old + offset if run.old else 0, run.new + offset if run.new else 0
        show = plain_text if run.kind == "same" else changed_text
        return Row(run.kind, old, new, show(run.lines[run.at + offset], self.layout.cut), run.change, run.group)

    def _run_of(self, row: int) -> Run:
        runs = self._runs(bisect_right(self._firsts, row) - 1)
        return next(run for run in reversed(runs) if run.first <= row)

    def _make_runs(self, number: int) -> list[Run]:
        stretch, layout = _Stretch(*self._stretches[number]), self.layout
        builder = _Builder(layout, stretch.at, stretch.shift, stretch.first)
        if stretch.change < 0:
            builder.tail()
            return builder.runs
        until = layout.spans[stretch.change][0]
        if stretch.is_lead:
            builder.lead(stretch.group, until)
        builder.same(until, stretch.group)
        builder.change(stretch.change, stretch.group)
        return builder.runs

    def group_of(self, row: int) -> int:
        """The shown hunk that a row belongs to, -1 for none."""
        if not len(self.layout.notes) <= row < self._count:
            return -1
        return self._run_of(row).group

    def partner(self, index: int) -> int | None:
        """Row of the added line that stands for a deleted one, or the other way round; None for none."""
        if index < len(self.layout.notes):
            return None
        run = self._run_of(index)
        wanted: Kind = "add" if run.kind == "delete" else "delete"
        if run.kind not in ("add", "delete"):
            return None
        runs = self._runs(bisect_right(self._firsts, index) - 1)
        offset = index - run.first
        other = next((other for other in runs if other.kind == wanted), None)
        return other.first + offset if other is not None and offset < other.length else None

    def last_of(self, group: int) -> int:
        """The last row of a hunk; unchanged lines that follow it are none of its rows."""
        runs = self._runs(self._lasts[group])
        return runs[-1].first + runs[-1].length - 1

    def largest_number(self) -> int:
        """The largest line number that is shown."""
        last = [run for number in range(len(self._stretches))[-2:] for run in self._make_runs(number)]
        return max((max(run.old, run.new) + run.length - 1 for run in last if run.kind != "fold"), default=1)

    @property
    def side_count(self) -> int:
        """Lines side by side."""
        return self._count - self._paired_in_all

    def side(self, line: int) -> tuple[int, int]:
        """Rows of the left and the right half of a line side by side; -1 = nothing on that side."""
        if line < len(self.layout.notes):
            return line, line
        number = bisect_right(self._side_firsts, line) - 1
        at, run = next(pair for pair in reversed(self._placed(number)) if pair[0] <= line)
        offset = line - at
        if run.kind == "delete":
            added = self._length(number, "add")
            start = self._first(number, "add")
            return run.first + offset, start + offset if offset < added else -1
        if run.kind == "add":
            return -1, run.first + self._length(number, "delete") + offset
        return run.first + offset, run.first + offset

    def side_line(self, row: int) -> int:
        """The line side by side on which a row stands."""
        if row < len(self.layout.notes):
            return row
        number = bisect_right(self._firsts, row) - 1
        at, run = next(pair for pair in reversed(self._placed(number)) if pair[1].first <= row)
        offset = row - run.first
        if run.kind != "add":
            return at + offset
        deleted = self._length(number, "delete")
        if offset >= deleted:
            return at + offset - deleted
        return next(place for place, other in self._placed(number) if other.kind == "delete") + offset

    @cached_property
    def _side_firsts(self) -> list[int]:
        return list(map(sub, self._firsts, self._paired))

    def _placed(self, number: int) -> list[tuple[int, Run]]:
        """The runs of a stretch, each with the line side by side at which it begins to take lines of its own."""
        placed: list[tuple[int, Run]] = []
        at, deleted = self._side_firsts[number], 0
        for run in self._runs(number):
            placed.append((at, run))
            deleted = run.length if run.kind == "delete" else deleted
            at += max(run.length - deleted, 0) if run.kind == "add" else run.length
        return placed

    def _length(self, number: int, kind: Kind) -> int:
        return next((run.length for run in self._runs(number) if run.kind == kind), 0)

    def _first(self, number: int, kind: Kind) -> int:
        return next((run.first for run in self._runs(number) if run.kind == kind), -1)


def _around(at: int, until: int, *, is_first: bool) -> tuple[int, int]:
    """Old lines at which what may be folded between two hunks begins and ends."""
    after = at if is_first else min(at + CONTEXT, until)
    return after, max(until - CONTEXT, after)


def _cut_off_end(lines: tuple[bytes, ...]) -> int:
    """The number of lines if the last one has no end, otherwise -1."""
    return len(lines) if _is_cut_off(lines) else -1


def _is_cut_off(lines: tuple[bytes, ...]) -> bool:
    """True when a note must say that the last line has no end."""
    return bool(lines) and lines[-1][-1:] != b"\n"


@dataclass
class _Builder:
    """Makes the runs of one stretch."""

    layout: Layout
    at: int
    shift: int
    count: int
    """The row that comes next."""
    runs: list[Run] = field(default_factory=list[Run])

    def _add(self, run: Run) -> None:
        self.runs.append(run)
        self.count += run.length

    def same(self, until: int, group: int = -1) -> None:
        """Unchanged lines up to `until`."""
        at = self.at
        if at < until:
            new = at + self.shift + 1
            self._add(Run("same", self.count, until - at, at + 1, new, -1, group, self.layout.old, at))
            self.at = until

    def lead(self, number: int, until: int) -> None:
        """Everything between the last hunk and the first change of this one, its head among it."""
        after, before = _around(self.at, until, is_first=number == 0)
        self.same(after)
        self._fold(before, number)
        self._add(Run("head", self.count, 1, self.at + 1, self.at + self.shift + 1, group=number))
        for text in self.layout.remarks_of(number):
            self._add(Run("remark", self.count, 1, group=number, note=text))
        self.same(until, number)

    def tail(self) -> None:
        """Lines after the last hunk."""
        self.same(min(self.at + CONTEXT, len(self.layout.old)))
        self._fold(len(self.layout.old), len(self.layout.groups))

    def _fold(self, until: int, number: int) -> None:
        hidden = until - self.at
        if self.layout.folded(hidden, number) == hidden:
            self.same(until)
            return
        self._add(Run("fold", self.count, 1, new=hidden))
        self.at = until

    def change(self, number: int, group: int) -> None:
        """Deleted lines, then added ones."""
        layout, edited = self.layout, self.layout.edits.get(number)
        a0, a1, b0, b1 = layout.spans[number]
        new, at, until = (layout.new, b0, b1) if edited is None else (edited, 0, len(edited))
        if a0 < a1:
            self._add(Run("delete", self.count, a1 - a0, a0 + 1, 0, number, group, layout.old, a0))
            self._no_newline(layout.old[a1 - 1 : a1], group)
        if at < until:
            self._add(Run("add", self.count, until - at, 0, a0 + self.shift + 1, number, group, new, at))
            self._no_newline(new[until - 1 : until], group)
        self.at = a1
        self.shift += until - at - (a1 - a0)

    def _no_newline(self, lines: tuple[bytes, ...], group: int) -> None:
        if _is_cut_off(lines):
            self._add(Run("note", self.count, 1, group=group, note="no newline at the end of the file"))
