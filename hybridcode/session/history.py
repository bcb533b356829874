"""What a later task of a session is told about the earlier ones, and about what a person ran themselves.

Invariant: a bounded record (task, plan goals, files, outcome; commands with the end of their output), never a
transcript; what a person went back from is no part of it.
"""

from collections.abc import Collection

from hybridcode.agent.distil import cut_line, without_codes
from hybridcode.domain.action import Denied, Failed, Ran, Receipt, Unknown
from hybridcode.domain.events import CommandChanged
from hybridcode.session.state import ProposalView, SessionState
from hybridcode.session.task_view import TaskView

MAX_CHARS = 2_400
MAX_TASKS = 5
MAX_COMMANDS = 3
TAIL_CHARS = 300
"""Characters of a command's output that are told: its end."""
_COMMAND_CHARS = 120
_REASON_CHARS = 120
_NAMED = 4
"""Paths that a command changed and that are named."""


def history_of(state: SessionState, *, up_to: str | None = None) -> str:
    """The record of the ended tasks, newest last, at most 2,400 characters, and then of up to three commands that a
    person ran since the last of them began, at most 2,000 characters. `up_to` names the last task that counts."""
    until = _until(state.tasks, up_to)
    known = [view for view in until if not view.is_forgotten]
    parts = [_record(view) for view in known[-MAX_TASKS:] if view.ended is not None]
    if state.forked is not None and len(known) < MAX_TASKS and state.forked.record:
        parts.insert(0, state.forked.record)
    since = max((view.begun_at for view in known if view.ended is not None), default=0)
    before = state.tasks[len(until)].begun_at if len(until) < len(state.tasks) else None
    return "\n".join(part for part in ("\n".join(parts)[-MAX_CHARS:], own_record(state, since, before)) if part)


def own_record(state: SessionState, since: int, before: int | None = None) -> str:
    """What a person ran themselves between two seqs, the latest three of it."""
    own = [
        view
        for view in state.own
        if not view.is_forgotten and view.made_at >= since and (before is None or view.made_at < before)
    ]
    if not own:
        return ""
    changed = {
        envelope.event.proposal: tuple(change.path for change in envelope.event.changes)
        for envelope in state.envelopes
        if envelope.seq > own[0].made_at and isinstance(envelope.event, CommandChanged)
    }
    left_out = len(own) - MAX_COMMANDS
    earlier = [f"- {left_out} earlier commands of the person's own are left out"] if left_out > 0 else []
    return "\n".join([*earlier, *(_command(view, changed.get(view.proposal.id, ())) for view in own[-MAX_COMMANDS:])])


def _until(tasks: list[TaskView], up_to: str | None) -> list[TaskView]:
    if up_to is None:
        return tasks
    end = next((place for place, view in enumerate(tasks, 1) if view.task.id == up_to), len(tasks))
    return tasks[:end]


def _record(view: TaskView) -> str:
    goals = "; ".join(step.step.goal for step in view.steps.values())
    files = ", ".join(view.ended.files if view.ended else ()) or "no file"
    ended = view.ended.message if view.ended else ""
    return f"- {view.task.text}\n  steps: {goals}\n  changed: {files}; ended: {ended}"


def _command(view: ProposalView, changed: Collection[str]) -> str:
    receipt = view.receipt
    line = f"- the person ran `{cut_line(view.proposal.title, _COMMAND_CHARS)}`: {_outcome(receipt)}"
    if changed:
        more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
        line += f"; it changed {', '.join(list(changed)[:_NAMED])}{more}"
    tail = without_codes(receipt.tail).rstrip() if isinstance(receipt, Ran) else ""
    if not tail:
        return line
    above = f"({len(tail) - TAIL_CHARS} or more characters above)\n" if len(tail) > TAIL_CHARS else ""
    said = "\n".join(f"  > {text}" for text in f"{above}{tail[-TAIL_CHARS:]}".split("\n"))
    return f"{line}; its output ended:\n{said}"


def _outcome(receipt: Receipt | None) -> str:
    match receipt:
        case None:
            return "it has not ended"
        case Ran(timed_out=True):
            return "timed out"
        case Ran(exit_code=code):
            return f"exit code {code}"
        case Denied(reason=reason):
            return f"denied, {cut_line(reason, _REASON_CHARS)}"
        case Failed(reason=reason) | Unknown(reason=reason):
            return cut_line(reason, _REASON_CHARS)
        case _:
            return "it was not run"
