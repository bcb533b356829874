"""What is being done right now, in words.

Invariant: a fold of the session; a command is said to run and never to be applied.
"""

from typing import NamedTuple

from hybridcode.domain.action import ChangeSet, ShellCommand
from hybridcode.session.state import ProposalView, SessionState
from hybridcode.session.task_view import StepStatus

_BUSY: frozenset[StepStatus] = frozenset({"running", "drafting", "applying", "checking"})

_ROLES = {
    "plan": "planning",
    "revise": "planning anew",
    "draft": "drafting",
    "hint": "thinking of a hint",
    "judge": "judging",
    "commit_message": "writing the commit message",
}


class Doing(NamedTuple):
    """Who writes or runs."""

    title: str
    source: str
    """Id of the call or proposal whose text belongs under the title."""
    is_command: bool = False
    is_between: bool = False
    """Nobody writes and nothing runs: the step stands between two acts."""


def doing_now(state: SessionState) -> Doing | None:
    """What to show above the live text; None when nothing is being written or run."""
    task = state.task
    if task is None or task.ended is not None:
        return None
    call = state.last_call
    if call is not None and call.answered is None:
        where = f"step {call.asked.step} · " if call.asked.step else ""
        model = call.asked.model.rsplit("/", 1)[-1]
        return Doing(f"{where}{_ROLES[call.asked.role]} · {call.asked.backend} {model}", call.asked.call_id)
    view = state.executing
    if view is not None and not isinstance(view.proposal.action, ChangeSet):
        step = view.proposal.step
        where = f"step {step} · " if step in task.steps else ""
        place = (
            " in a scratch copy" if isinstance(view.proposal.action, ShellCommand) and view.proposal.action.tree else ""
        )
        return Doing(f"{where}{_verb(view)}{place} · {view.proposal.title}", view.proposal.id, is_command=True)
    busy = next((step for step in task.steps.values() if step.status in _BUSY), None)
    if busy is None:
        return None
    return Doing(f"step {busy.step.id} · {busy.status}", view.proposal.id if view else "", is_between=True)


def own_doing(state: SessionState) -> Doing | None:
    """The command of the person's own that runs; None if none does."""
    view = next((view for view in state.own if view.status == "executing"), None)
    return Doing(f"! {view.proposal.title} · Esc ends it", view.proposal.id, is_command=True) if view else None


def own_source(state: SessionState) -> str:
    """Id of the person's own command that was given last: its output stands apart."""
    return state.own[-1].proposal.id if state.own else ""


def step_words(state: SessionState) -> dict[str, str]:
    """Words for steps whose command runs right now, by step id."""
    view = state.executing
    if view is None or isinstance(view.proposal.action, ChangeSet):
        return {}
    return {view.proposal.step: _verb(view)}


def _verb(view: ProposalView) -> str:
    action = view.proposal.action
    return "checking" if isinstance(action, ShellCommand) and action.purpose == "check" else "running"
