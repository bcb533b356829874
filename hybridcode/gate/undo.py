"""Puts files back to what they were before a session, or one of its steps, changed them.

Invariant: a file is put back only while it still is what we wrote; version control is never touched; the undo is a
recorded and approved change like any other.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from hybridcode.domain.action import (
    Applied,
    ChangeSet,
    Declined,
    Denied,
    Failed,
    FileEdit,
    Receipt,
    Stale,
    Unknown,
)
from hybridcode.domain.errors import GateError
from hybridcode.domain.events import EffectFinished, Envelope, ProposalMade, UndoMade
from hybridcode.domain.exits import ExitCode
from hybridcode.gate.gate import Gate
from hybridcode.journal.store import SessionJournal

UNDO_STEP = "(undo)"
"""Step of the proposals that undo others."""


@dataclass(frozen=True)
class _Written:
    step: str
    edit: FileEdit


async def undo(journal: SessionJournal, gate: Gate, *, step: str | None = None, by: str = "person:undo") -> UndoMade:
    """Undo what `journal`'s session (or one step of it) applied, through `gate`; says what was restored and kept.

    Raises:
        NoSuchSession: there is nothing of this session in the journal.
        SessionBusy: another process works on it.
        GateError: policy denied it, or it was tried and failed; nothing was put back, and this says why.
        JournalError: the session cannot be read or the undo not recorded.
    """
    with journal.require().claimed():
        return await _undo(journal, gate, step=step, by=by)


async def _undo(journal: SessionJournal, gate: Gate, *, step: str | None, by: str) -> UndoMade:
    history = _history(journal.envelopes())
    wanted = [path for path, writes in history.items() if any(step in (None, write.step) for write in writes)]
    inverses = {path: _inverse(history[path], step=step) for path in wanted}
    change = ChangeSet(tuple(edit for path in sorted(inverses) if (edit := inverses[path]) is not None))
    states = await asyncio.to_thread(gate.effects.survey, change)
    ours = {path for path, state in states.items() if state == "base"}
    change = ChangeSet(tuple(edit for edit in change.edits if edit.path in ours))
    restored: tuple[str, ...] = ()
    if change.edits:
        title = f"undo {journal.id}" + (f" step {step}" if step else "")
        receipt = await gate.perform(change, step=UNDO_STEP, title=title, by=by)
        if isinstance(receipt, Applied):
            restored = tuple(edit.path for edit in change.edits)
        elif not isinstance(receipt, Stale):
            raise _not_undone(receipt)
    made = UndoMade(journal.id, step, restored, kept=tuple(path for path in sorted(wanted) if path not in restored))
    journal.append(made)
    return made


def _not_undone(receipt: Receipt) -> GateError:
    match receipt:
        case Denied(reason=reason, hint=hint):
            error = GateError(f"Nothing was undone: {reason}.", hint)
            error.exit_code = ExitCode.DENIED
        case Failed(reason=reason) | Unknown(reason=reason) | Declined(reason=reason):
            error = GateError(f"Nothing was undone: {reason}.", "Put that right, then undo again.")
        case _:
            error = GateError("Nothing was undone.", "`hybridcode approvals list` shows what waits.")
    return error


def _history(envelopes: Iterable[Envelope]) -> dict[str, list[_Written]]:
    """What was applied to each path and not undone since, in order."""
    steps: dict[str, str] = {}
    history: dict[str, list[_Written]] = {}
    for envelope in envelopes:
        match envelope.event:
            case ProposalMade(proposal=proposal):
                steps[proposal.id] = proposal.step
            case EffectFinished(proposal=name, receipt=Applied(edits=edits)):
                for edit in edits:
                    writes = history.setdefault(edit.path, [])
                    if steps.get(name) == UNDO_STEP:
                        _forget(writes, edit.after_sha256)
                    else:
                        writes.append(_Written(steps.get(name, ""), edit))
            case _:
                pass
    return {path: writes for path, writes in history.items() if writes}


def _forget(writes: list[_Written], back_to: str | None) -> None:
    """Drop the writes that an undo took back."""
    while writes:
        if writes.pop().edit.before_sha256 == back_to:
            return


def _inverse(writes: list[_Written], *, step: str | None) -> FileEdit | None:
    """The edit that takes back the last unbroken run of writes; None if later steps wrote over the one asked for."""
    if step is not None and writes[-1].step != step:
        return None
    last = writes[-1].edit
    first = last
    for write in reversed(writes[:-1]):
        if step not in (None, write.step) or write.edit.after_sha256 != first.before_sha256:
            break
        first = write.edit
    return FileEdit(last.path, before_sha256=last.after_sha256, after_sha256=first.before_sha256, mode=first.mode)
