"""What a session changed, one thing after the other and all in all: a fold of its envelopes.

Invariant: bytes are named by digest and never read here; what was undone stays in the line, marked.
"""

import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from hybridcode.domain.action import Applied, FileEdit, FileState, Proposal, Ran, ShellCommand, TreeChange
from hybridcode.domain.events import (
    CheckRan,
    CommandChanged,
    EffectFinished,
    Envelope,
    ProposalMade,
    Rewound,
    TaskGiven,
    UndoMade,
)
from hybridcode.gate.taking_back import UNDO_STEP, Reach

Kind = Literal["task", "edit", "command", "check", "undo", "rewound"]


@dataclass(frozen=True)
class Happened:
    """One thing in the line of a session."""

    kind: Kind
    seq: int
    """Of the envelope that recorded it: effects from here on are what came after."""
    at: str
    """UTC."""
    task: str
    step: str
    title: str
    """Of a task its text, of a command or a check what ran, of edits what the proposal was called."""
    changes: tuple[TreeChange, ...] = ()
    notes: tuple[str, ...] = ()
    """What of a command cannot be put back, or what an undo kept, with the reasons."""
    is_good: bool = True
    is_undone: bool = False

    @property
    def is_change(self) -> bool:
        """True for what an undo can be asked of."""
        return self.kind in ("edit", "command") and bool(self.changes)


def happenings(envelopes: Iterable[Envelope]) -> list[Happened]:
    """Everything that changed something or proved something, oldest first."""
    line = _Line()
    for envelope in envelopes:
        line.take(envelope)
    return line.found


def net_changes(found: Sequence[Happened]) -> list[TreeChange]:
    """What is different from before the session, by path, all changes and undos put together."""
    before: dict[str, FileState | None] = {}
    after: dict[str, FileState | None] = {}
    for one in found:
        for change in one.changes:
            before.setdefault(change.path, change.before)
            after[change.path] = change.after
    return [
        TreeChange(path, before[path], after[path]) for path in sorted(after) if not _same(before[path], after[path])
    ]


def _same(one: FileState | None, other: FileState | None) -> bool:
    """The same content of the same kind; edits name permission bits only, commands the type of the file too."""
    if one is None or other is None:
        return one is other
    kinds = [(stat.S_ISLNK(state.mode), stat.S_IMODE(state.mode)) for state in (one, other)]
    return one.sha256 == other.sha256 and kinds[0] == kinds[1]


@dataclass
class _Line:
    found: list[Happened] = field(default_factory=list[Happened])
    proposals: dict[str, Proposal] = field(default_factory=dict[str, Proposal])
    texts: dict[str, str] = field(default_factory=dict[str, str])
    task: str = ""
    put_back: tuple[TreeChange, ...] = ()
    """What the undo under way has written so far."""

    def take(self, envelope: Envelope) -> None:
        """Read one more envelope."""
        match envelope.event:
            case TaskGiven(task=task):
                self.task, self.texts[task.id] = task.id, task.text
                self._add(envelope, "task", "", task.text)
            case ProposalMade(proposal=proposal):
                self.proposals[proposal.id] = proposal
            case EffectFinished(proposal=name, receipt=Applied(edits=edits)):
                self._edited(envelope, name, tuple(map(_change_of, edits)))
            case CommandChanged() as event:
                step, title = self._named(event.proposal)
                notes = tuple(f"not covered by undo: {what}" for what in event.not_captured)
                self._add(envelope, "command", step, title, changes=event.changes, notes=notes)
            case EffectFinished(proposal=name, receipt=Ran() as ran):
                self._ended(envelope, name, ran)
            case CheckRan(step=step, command=command, passed=passed, where="tree"):
                self._checked(envelope, step or "", command, is_good=passed)
            case UndoMade() as event:
                self._undone(envelope, event)
            case Rewound(task=task):
                self._add(envelope, "rewound", "", self.texts.get(task, task))
            case _:
                pass

    def _add(
        self,
        envelope: Envelope,
        kind: Kind,
        step: str,
        title: str,
        *,
        changes: tuple[TreeChange, ...] = (),
        notes: tuple[str, ...] = (),
        is_good: bool = True,
    ) -> None:
        self.found.append(Happened(kind, envelope.seq, envelope.at, self.task, step, title, changes, notes, is_good))

    def _named(self, proposal: str) -> tuple[str, str]:
        found = self.proposals.get(proposal)
        if found is None:
            return "", proposal
        return found.step, found.action.text if isinstance(found.action, ShellCommand) else found.title

    def _edited(self, envelope: Envelope, proposal: str, changes: tuple[TreeChange, ...]) -> None:
        step, title = self._named(proposal)
        if step == UNDO_STEP:
            self.put_back += changes
        else:
            self._add(envelope, "edit", step, title, changes=changes)

    def _ended(self, envelope: Envelope, proposal: str, ran: Ran) -> None:
        """How a command ended, told of the entry with its changes; one without changes is told if it is no check."""
        step, title = self._named(proposal)
        is_good = ran.exit_code == 0 and not ran.timed_out
        last = self.found[-1] if self.found else None
        if last is not None and last.kind == "command" and (last.step, last.title) == (step, title):
            self.found[-1] = replace(last, is_good=is_good)
            return
        action = self.proposals[proposal].action if proposal in self.proposals else None
        if isinstance(action, ShellCommand) and action.purpose != "check":
            self._add(envelope, "command", step, title, is_good=is_good)

    def _checked(self, envelope: Envelope, step: str, command: str, *, is_good: bool) -> None:
        """A verdict on a command that is told already adds nothing."""
        last = self.found[-1] if self.found else None
        if last is None or (last.kind, last.title) != ("command", command):
            self._add(envelope, "check", step, command, is_good=is_good)

    def _undone(self, envelope: Envelope, event: UndoMade) -> None:
        reach = Reach(event.step, event.since, event.until)
        for place, one in enumerate(self.found):
            is_back = one.is_change and all(change.path in event.restored for change in one.changes)
            if is_back and reach.covers(one.step, one.seq):
                self.found[place] = replace(one, is_undone=True)
        kept = tuple(f"kept {path}: {event.why.get(path, 'it changed since')}" for path in event.kept)
        begun = next((one for one in self.found if event.since and one.seq == event.since), None)
        whole = f"the task: {begun.title}" if begun and begun.kind == "task" else "this and what came after it"
        title = f"step {event.step}" if event.step else (whole if event.since else "the whole session")
        self._add(envelope, "undo", "", title, changes=self.put_back, notes=kept)
        self.put_back = ()


def _change_of(edit: FileEdit) -> TreeChange:
    return TreeChange(
        edit.path,
        None if edit.before_sha256 is None else FileState(edit.before_sha256, edit.former_mode),
        None if edit.after_sha256 is None else FileState(edit.after_sha256, edit.mode),
    )
