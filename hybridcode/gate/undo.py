"""Puts files back to what they were before a session, or one of its steps, changed them, by edits or by commands.

Invariant: a file is put back only while it still is what we made it; version control is never touched; the undo is a
recorded and approved change like any other.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from hybridcode.domain.action import Applied, ChangeSet, Declined, Denied, Failed, FileEdit, Receipt, Stale, Unknown
from hybridcode.domain.errors import GateError, SessionBusy
from hybridcode.domain.events import UndoMade
from hybridcode.domain.exits import ExitCode
from hybridcode.gate.gate import Gate
from hybridcode.gate.outcomes import denial
from hybridcode.gate.taking_back import UNDO_STEP, Chronicle, Plan, Reach, in_order, plan_undo
from hybridcode.journal.approvals import ApprovalRow
from hybridcode.journal.states import UNDECIDED, ApprovalState
from hybridcode.journal.store import SessionJournal

EVERYTHING = Reach()


@dataclass(frozen=True)
class Foreseen:
    """What an undo would do now, by paths."""

    restored: tuple[str, ...]
    kept: Mapping[str, str]
    """Paths that would be left alone, and why."""
    not_captured: tuple[str, ...]


async def foresee(journal: SessionJournal, gate: Gate, reach: Reach = EVERYTHING) -> Foreseen:
    """What `undo` would do, without doing it.

    Raises:
        GateError: there is no such step.
    """
    chronicle = Chronicle.of(journal.require().envelopes())
    _require(chronicle, reach.step)
    plan = await asyncio.to_thread(plan_undo, gate.workspace, chronicle, reach)
    rulings = {edit.path: gate.policy.judge(ChangeSet((edit,))) for edit in plan.edits}
    denied = {path: ruling.reason for path, ruling in rulings.items() if ruling.verdict == "deny"}
    restored = tuple(path for path in rulings if path not in denied)
    return Foreseen(restored, {**plan.kept, **denied}, _not_captured(plan))


async def undo(journal: SessionJournal, gate: Gate, reach: Reach = EVERYTHING, *, by: str = "person:undo") -> UndoMade:
    """Undo what `journal`'s session changed within `reach`, through `gate`; says what was restored and kept.

    Raises:
        NoSuchSession: there is nothing of this session in the journal.
        SessionBusy: another process works on it, or another session is about to change one of its files.
        GateError: there is no such step, policy denied it, or it was tried and failed; this says why.
        JournalError: the session cannot be read or the undo not recorded.
    """
    with journal.require().claimed():
        return await _undo(journal, gate, reach, by=by)


async def _undo(journal: SessionJournal, gate: Gate, reach: Reach, *, by: str) -> UndoMade:
    chronicle = Chronicle.of(journal.envelopes())
    step = reach.step
    _require(chronicle, step)
    plan = await asyncio.to_thread(plan_undo, gate.workspace, chronicle, reach)
    edits, denied = _judged(gate, plan)
    _refuse_if_others_work(gate, {edit.path for edit in edits})
    restored: list[str] = []
    why = {**plan.kept, **denied}
    title = f"undo {journal.id}" + (f" step {step}" if step else "")
    for group in in_order(edits):
        receipt = await gate.perform(ChangeSet(group), step=UNDO_STEP, title=title, by=by)
        match receipt:
            case Applied():
                restored += [edit.path for edit in group]
            case Stale(paths=paths):
                why |= _left(group, dict.fromkeys(paths, "it changed meanwhile"))
            case _ if not restored and len(group) == len(plan.edits):
                raise _not_undone(receipt)
            case _:
                why |= {edit.path: _reason(receipt) for edit in group}
    made = UndoMade(
        journal.id,
        step,
        tuple(sorted(restored)),
        tuple(sorted(why)),
        why,
        _not_captured(plan),
        since=reach.since,
        until=reach.until,
    )
    journal.append(made)
    return made


def _judged(gate: Gate, plan: Plan) -> tuple[list[FileEdit], dict[str, str]]:
    """The edits that policy lets a person make, and why not the others; raises GateError if there is none."""
    edits: list[FileEdit] = []
    denied: dict[str, str] = {}
    for edit in plan.edits:
        ruling = gate.policy.judge(ChangeSet((edit,)))
        if ruling.verdict != "deny":
            edits.append(edit)
            continue
        denied[edit.path] = ruling.reason
        if len(denied) == len(plan.edits):
            raise _not_undone(denial(ruling))
    return edits, denied


def _left(edits: tuple[FileEdit, ...], reasons: dict[str, str]) -> dict[str, str]:
    """Why each file of a change that is all or nothing was left."""
    return {edit.path: reasons.get(edit.path, f"it goes with {', '.join(sorted(reasons))}") for edit in edits}


def _not_captured(plan: Plan) -> tuple[str, ...]:
    return tuple(dict.fromkeys(plan.not_captured))


def _require(chronicle: Chronicle, step: str | None) -> None:
    """Raises GateError for what is no step of the session, an undo among them."""
    if step is None or step in chronicle.steps:
        return
    if step == UNDO_STEP:
        error = GateError(
            "An undo is not undone.",
            "What it took away is in the journal: `hybridcode approvals list --all` names it, `show` prints it.",
        )
    else:
        known = ", ".join(sorted(chronicle.steps)) or "none"
        error = GateError(f"The session has no step {step} that changed anything.", f"Steps that did: {known}.")
    error.exit_code = ExitCode.USAGE
    raise error


def _refuse_if_others_work(gate: Gate, paths: set[str]) -> None:
    """Raises SessionBusy while another running session is about to change one of these files."""
    approvals, own = gate.approvals, gate.journal.id
    for row in approvals.in_state(*UNDECIDED, ApprovalState.EXECUTING):
        if row.session == own or not (touched := _touched(row, paths)):
            continue
        if owner := approvals.journal.who_works_on(row.session):
            raise SessionBusy(
                f"{owner} It is about to change {touched} (proposal {row.id}).",
                "Answer what it asks, or wait for its end; then undo again.",
            )


def _touched(row: ApprovalRow, paths: set[str]) -> str:
    """Which of these files a proposal would change; empty if none."""
    action = row.proposal.action
    if isinstance(action, ChangeSet):
        return ", ".join(edit.path for edit in action.edits if edit.path in paths)
    return "files by a command" if row.state == ApprovalState.EXECUTING else ""


def _reason(receipt: Receipt) -> str:
    match receipt:
        case Denied(reason=reason) | Failed(reason=reason) | Unknown(reason=reason) | Declined(reason=reason):
            return reason
        case _:
            return "it waits for an answer"


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
