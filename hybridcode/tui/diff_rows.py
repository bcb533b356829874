"""The two sides of a file compared, and its lines as they are shown.

Invariant: every byte of a changed line that is not plain text is spelled out.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import Literal, NamedTuple, overload

from hybridcode.domain.action import FileChange
from hybridcode.patch.hunks import Places
from hybridcode.patch.linediff import Change as LineChange
from hybridcode.patch.linediff import changes as line_changes
from hybridcode.repo.lines import split_lines
from hybridcode.tui.visible import foreign, visible

Kind = Literal["same", "add", "delete", "head", "fold", "note", "remark"]

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


Span = tuple[int, int, int, int]
"""Old lines a0..a1 (0-based, end excluded) became new lines b0..b1."""
Groups = Sequence[tuple[int, ...]]
"""Shown hunks, each as the indices of its changes, in order."""


class Changes(Sequence[Change]):
    """The changes of a file, each made when it is asked for: a long diff has tens of thousands."""

    def __init__(self, old: tuple[bytes, ...], new: tuple[bytes, ...], spans: Sequence[Span]) -> None:
        self.old, self.new, self.spans = old, new, spans

    def __len__(self) -> int:
        return len(self.spans)

    @overload
    def __getitem__(self, index: int) -> Change: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Change]: ...

    def __getitem__(self, index: int | slice) -> Change | Sequence[Change]:
        if isinstance(index, slice):
            return [self._change(number) for number in range(*index.indices(len(self.spans)))]
        return self._change(range(len(self.spans))[index])

    def _change(self, number: int) -> Change:
        a0, a1, b0, b1 = self.spans[number]
        return Change(number, a0, self.old[a0:a1], self.new[b0:b1])

    @cached_property
    def counts(self) -> tuple[int, int]:
        """Added and deleted lines."""
        return sum(b1 - b0 for _, _, b0, b1 in self.spans), sum(a1 - a0 for a0, a1, _, _ in self.spans)

    def old_lines(self) -> Iterator[bytes]:
        """Every line that is taken away."""
        return chain.from_iterable(self.old[a0:a1] for a0, a1, _, _ in self.spans)

    def new_lines(self) -> Iterator[bytes]:
        """Every line that is put in."""
        return chain.from_iterable(self.new[b0:b1] for _, _, b0, b1 in self.spans)


def is_binary(change: FileChange) -> bool:
    """True when either side has a NUL byte: such a file is taken whole or not at all."""
    return b"\0" in (change.before or b"") or b"\0" in (change.after or b"")


def is_whole(change: FileChange) -> bool:
    """True when the change is one decision: a new file, a deletion, a binary file or a change of mode only."""
    return change.before is None or change.after is None or is_binary(change) or change.before == change.after


class Compared(NamedTuple):
    """The two sides of a file by lines, and where they differ."""

    old: tuple[bytes, ...]
    new: tuple[bytes, ...]
    changes: Changes
    """In order; at least one."""
    found: tuple[LineChange, ...] | None
    """The same as places; None for a file that is taken whole."""

    @property
    def places(self) -> Places | None:
        """What a unified diff is made of; None for a file that is taken whole."""
        return None if self.found is None else (self.old, self.new, self.found)


def compare(change: FileChange) -> Compared:
    """Both sides of a change line by line."""
    if is_binary(change):
        return _taken_whole((), (), (0, 0, 0, 0))
    old, new = split_lines(change.before or b""), split_lines(change.after or b"")
    if change.before == change.after:
        return _taken_whole(old, new, (0, 0, 0, 0))
    if is_whole(change):
        return _taken_whole(old, new, (0, len(old), 0, len(new)))
    found = line_changes(old, new)
    return Compared(old, new, Changes(old, new, found), found)


def _taken_whole(old: tuple[bytes, ...], new: tuple[bytes, ...], span: Span) -> Compared:
    return Compared(old, new, Changes(old, new, (span,)), None)


def group_changes(changes: Changes) -> list[tuple[int, ...]]:
    """Changes that stand close together are shown as one hunk."""
    groups: list[list[int]] = []
    end = 0
    for number, (a0, a1, _, _) in enumerate(changes.spans):
        if groups and a0 - end <= 2 * CONTEXT:
            groups[-1].append(number)
        else:
            groups.append([number])
        end = a1
    return [tuple(group) for group in groups]


def plain_text(line: bytes, cut: bytes) -> str:
    """An unchanged line as it is shown."""
    return visible(_decoded(line, cut).expandtabs(TAB))


def changed_text(line: bytes, cut: bytes) -> str:
    """A changed line as it is shown: tabs and blanks at its end stand out."""
    text = _decoded(line, cut)
    if text.isascii() and text.isprintable() and not text.endswith(" "):
        return text
    bare = text.rstrip(" ")
    return visible(_arrows(bare)) + "·" * (len(text) - len(bare))


def _decoded(line: bytes, cut: bytes) -> str:
    return foreign(line.removesuffix(cut).removesuffix(b"\n").decode("utf-8", "surrogateescape"))


def _arrows(text: str) -> str:
    """Tabs as an arrow and blanks up to the next stop: in a changed line they must be told from blanks."""
    shown = ""
    for index, part in enumerate(text.split("\t")):
        if index:
            shown += "→" + " " * (TAB - 1 - len(shown) % TAB)
        shown += part
    return shown
