"""What an undo would change: a fold of what was written to each path, held against what the paths hold now.

Invariant: only an unbroken run of our own writes is taken back; a path that holds anything else is kept, and why.
"""

import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import UNSET

from hybridcode.domain.action import Applied, FileEdit, FileState
from hybridcode.domain.events import CommandChanged, EffectFinished, Envelope, ProposalMade
from hybridcode.gate.exact import is_exact_edit, state_of
from hybridcode.gate.file_folders import CannotWrite

UNDO_STEP = "(undo)"
"""Step of the proposals that undo others."""


@dataclass(frozen=True)
class Reach:
    """Which writes of a session an undo is about; all of them by default."""

    step: str | None = None
    since: int = 0
    """Only effects whose envelope has this seq or a later one."""
    until: int = 0
    """Only effects before this seq; 0 = no end."""

    def covers(self, step: str, seq: int) -> bool:
        """True for an effect of a step, recorded under a seq."""
        return self.step in (None, step) and self.since <= seq and (not self.until or seq < self.until)


@dataclass(frozen=True)
class _Written:
    """One write to a path. `certain` is False where somebody else may have written it."""

    step: str
    seq: int
    """Of the envelope that recorded it."""
    before: FileState | None
    after: FileState | None
    is_certain: bool = True


@dataclass
class Chronicle:
    """What a session wrote to each path and has not undone since, in order."""

    writes: dict[str, list[_Written]] = field(default_factory=dict[str, list[_Written]])
    not_captured: list[tuple[str, int, str]] = field(default_factory=list[tuple[str, int, str]])
    """Step and seq of a command, and what it changed besides, with the reason why it cannot be put back."""
    steps: set[str] = field(default_factory=set[str])
    """Steps that changed anything, undone or not."""

    @classmethod
    def of(cls, envelopes: Iterable[Envelope]) -> "Chronicle":
        """Read a session."""
        found = cls()
        step_of: dict[str, str] = {}
        for envelope in envelopes:
            match envelope.event:
                case ProposalMade(proposal=proposal):
                    step_of[proposal.id] = proposal.step
                case EffectFinished(proposal=name, receipt=Applied(edits=edits)):
                    found._edited(step_of.get(name, ""), envelope.seq, edits)
                case CommandChanged(proposal=name) as event:
                    found._ran(step_of.get(name, ""), envelope.seq, event)
                case _:
                    pass
        return found

    def _edited(self, step: str, seq: int, edits: Sequence[FileEdit]) -> None:
        for edit in edits:
            if step == UNDO_STEP:
                self._forget(edit)
            else:
                self._add(edit.path, _Written(step, seq, _before(edit), _after(edit)))

    def _ran(self, step: str, seq: int, event: CommandChanged) -> None:
        for change in event.changes:
            self._add(change.path, _Written(step, seq, change.before, change.after, event.is_certain))
        for what in event.not_captured:
            self.not_captured.append((step, seq, what))
            self.steps.add(step)

    def _add(self, path: str, written: _Written) -> None:
        self.writes.setdefault(path, []).append(written)
        self.steps.add(written.step)

    def _forget(self, undone: FileEdit) -> None:
        """Drop the writes that an undo took back."""
        writes, back_to = self.writes.get(undone.path, []), _after(undone)
        for is_it in (_is_equal, _same):
            for index in reversed(range(len(writes))):
                if is_it(writes[index].before, back_to):
                    del writes[index:]
                    return
        writes.clear()


@dataclass(frozen=True)
class Plan:
    """What an undo would do."""

    edits: tuple[FileEdit, ...]
    kept: Mapping[str, str]
    """Paths that are left alone, and why."""
    not_captured: tuple[str, ...]


def plan_undo(root: Path, chronicle: Chronicle, reach: Reach) -> Plan:
    """Hold what was written against what is there now."""
    edits: list[FileEdit] = []
    kept: dict[str, str] = {}
    for path, writes in sorted(chronicle.writes.items()):
        if not any(reach.covers(write.step, write.seq) for write in writes):
            continue
        found = _taken_back(root, path, writes, reach)
        if isinstance(found, str):
            kept[path] = found
        elif found is not None:
            edits.append(found)
    besides = sorted((step, what) for step, seq, what in chronicle.not_captured if reach.covers(step, seq))
    return Plan(tuple(edits), kept, tuple(what for _, what in besides))


def in_order(edits: Sequence[FileEdit]) -> Iterator[tuple[FileEdit, ...]]:
    """The edits as changes one after the other: what stands in the way of others goes first."""
    needed = {"/".join(parts[:n]) for edit in edits for parts in [edit.path.split("/")] for n in range(1, len(parts))}
    blocking = [edit for edit in edits if edit.after_sha256 is None and edit.path in needed]
    freed = {edit.path for edit in edits if edit.after_sha256 is None}
    roomy = [edit for edit in edits if any(path.startswith(f"{edit.path}/") for path in freed)]
    rest = [edit for edit in edits if edit not in blocking and edit not in roomy]
    for group in (blocking, rest, roomy):
        for is_exact in (True, False):
            if chosen := tuple(edit for edit in group if is_exact_edit(edit) == is_exact):
                yield chosen


def _taken_back(root: Path, path: str, writes: Sequence[_Written], reach: Reach) -> FileEdit | str | None:
    """The edit that takes back the last unbroken run of writes; the reason why not; None if nothing is different."""
    if not reach.covers(writes[-1].step, writes[-1].seq):
        return f"step {writes[-1].step} changed it later"
    begin = len(writes) - 1
    while begin > 0 and _follows(writes[begin - 1], writes[begin], reach):
        begin -= 1
    if not all(write.is_certain for write in writes[begin:]):
        return "it changed while a command was cut off: look whether it is yours"
    try:
        now = state_of(root, path)
    except CannotWrite as error:
        return f"it cannot be looked at ({error})"
    ours, back_to = writes[-1].after, writes[begin].before
    if not _same(now, ours):
        return "it changed since" if now is not None else "it is gone"
    if now is None or ours is None:
        return _made_again(root, path, back_to)
    return _made_former(path, now, ours, back_to)


def _follows(one: _Written, later: _Written, reach: Reach) -> bool:
    """True when the earlier write is meant too, and nothing of somebody else's lies between the two."""
    return reach.covers(one.step, one.seq) and _same(one.after, later.before)


def _made_again(root: Path, path: str, back_to: FileState | None) -> FileEdit | None:
    """The edit for a path that we took away."""
    if back_to is None:
        return None
    in_the_way = stat.S_IFDIR if (root / path).is_dir() else UNSET
    return FileEdit(path, None, back_to.sha256, _plain(back_to.mode), in_the_way)


def _made_former(path: str, now: FileState, ours: FileState, back_to: FileState | None) -> FileEdit | str | None:
    """The edit for a path that we wrote; permission bits that somebody set since stay as they are."""
    if _is_equal(now, back_to):
        return None
    is_touched = not _is_equal(now, ours)
    if is_touched and _same(now, back_to):
        return "its permission bits changed since"
    mode = now.mode if is_touched or back_to is None else back_to.mode
    former = UNSET if is_touched else now.mode
    return FileEdit(path, now.sha256, back_to.sha256 if back_to is not None else None, _plain(mode), former)


def _plain(mode: int) -> int:
    """A mode as an edit names it: the type of links only."""
    return mode if stat.S_ISLNK(mode) else stat.S_IMODE(mode)


def _is_equal(one: FileState | None, other: FileState | None) -> bool:
    """The same content of the same kind with the same permission bits."""
    if one is None or other is None:
        return one is other
    return _same(one, other) and (stat.S_ISLNK(one.mode) or stat.S_IMODE(one.mode) == stat.S_IMODE(other.mode))


def _same(one: FileState | None, other: FileState | None) -> bool:
    """The same content of the same kind; permission bits do not count."""
    if one is None or other is None:
        return one is None and other is None
    return one.sha256 == other.sha256 and stat.S_ISLNK(one.mode) == stat.S_ISLNK(other.mode)


def _before(edit: FileEdit) -> FileState | None:
    return None if edit.before_sha256 is None else FileState(edit.before_sha256, edit.former_mode)


def _after(edit: FileEdit) -> FileState | None:
    return None if edit.after_sha256 is None else FileState(edit.after_sha256, edit.mode)
