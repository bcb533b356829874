"""How a run takes up a task that was interrupted.

Invariant: what a resumed run starts from is a fold of the journal, of this task's events alone; nothing that is done is
done again, and nothing that was declined is asked again.
"""

from collections.abc import Iterable

from hybridcode.agent.run import Run
from hybridcode.domain.action import Applied, Declined, Held, Proposal, Receipt, Reject, ShellCommand
from hybridcode.domain.events import (
    CheckRan,
    EffectFinished,
    EffectStarted,
    Envelope,
    Event,
    PlanMade,
    PlannerChosen,
    PlanRevised,
    ProposalMade,
    RepairAsked,
    StepMoved,
    TaskGiven,
)
from hybridcode.domain.own import is_own
from hybridcode.domain.planned import JUDGE
from hybridcode.gate.policy import READ_ONLY
from hybridcode.session.state import ProposalView, SessionState
from hybridcode.session.task_view import TaskView

_OPEN = ("pending", "approved", "edited")


def take_up(run: Run, view: TaskView, state: SessionState) -> None:
    """Give a run the plan, the done steps, the waiting proposals and the changed files of an interrupted task."""
    run.plan, run.plan_source = view.plan, view.plan_source
    run.baseline = view.baseline
    run.questions, run.answer = view.questions, view.answer
    run.notes = [note.text for note in view.notes]
    run.plan_is_approved = view.plan_status == "approved"
    run.done = {name for name, step in view.steps.items() if step.status == "done"}
    run.settled = {name: step.status for name, step in view.steps.items() if step.status in ("declined", "denied")}
    since = [envelope.event for envelope in state.envelopes if envelope.seq > view.begun_at]
    run.is_revised = any(isinstance(event, PlanRevised) for event in since)
    run.repairs = repairs_made(since)
    run.is_ruled_again = any(isinstance(event, PlanMade) and event.source == JUDGE for event in since)
    run.reworks = sum(isinstance(event, StepMoved) and bool(event.earlier) for event in since)
    run.planner = planner_of(since, decider=run.decider)
    proposals = [proposal for proposal in state.of_task if proposal.proposal.step not in run.done]
    for proposal in proposals:
        _sort_in(run, proposal)
    for proposal in state.of_task:
        if isinstance(proposal.receipt, Applied) and proposal.proposal.step in {*view.steps, *view.former}:
            run.remember(proposal.receipt)
    run.proven = proven_commands(state.envelopes)


def _sort_in(run: Run, view: ProposalView) -> None:
    """Put a proposal where the run will look for it: what waits, or what became of it."""
    proposal, receipt = view.proposal, view.receipt
    if isinstance(view.decision, Reject) and isinstance(receipt, Held | None):
        receipt = Declined(view.decision.reason, view.decision.by)
    if is_check(proposal):
        key = proposal.action.text if isinstance(proposal.action, ShellCommand) else ""
        if view.status in _OPEN:
            run.pending_checks[key] = proposal.id
        elif isinstance(receipt, Declined):
            run.declined_checks[key] = receipt
    elif view.status in _OPEN:
        run.pending[proposal.step] = proposal.id
    elif isinstance(receipt, Receipt):
        run.receipts[proposal.step] = receipt


def planner_of(events: Iterable[Event], *, decider: str) -> str:
    """Which model's plan is followed; `decider` plans what is not for the local model."""
    planner = decider
    for event in events:
        match event:
            case PlannerChosen(writer=writer):
                planner = writer
            case RepairAsked():
                planner = decider
            case _:
                pass
    return planner


def repairs_made(events: Iterable[Event]) -> int:
    """How often a task was planned again: a repair that was cut off before its plan may be asked for once more."""
    asked = made = 0
    for event in events:
        match event:
            case RepairAsked(number=number):
                asked = number
            case PlanMade():
                made = asked
            case _:
                pass
    return made


def is_check(proposal: Proposal) -> bool:
    """True for a command that only proves something: it may run again."""
    return isinstance(proposal.action, ShellCommand) and proposal.action.purpose == "check"


def proven_commands(envelopes: Iterable[Envelope]) -> dict[str, str]:
    """Commands that passed in the workspace since the task's last change of a file, or a person's own command, each
    with the end of what it said."""
    proven, own = dict[str, str](), set[str]()
    for envelope in envelopes:
        match envelope.event:
            case TaskGiven() | EffectFinished(receipt=Applied()):
                proven.clear()
            case ProposalMade(proposal=proposal) if is_own(proposal) and proposal.ruling.rule != READ_ONLY:
                own.add(proposal.id)
            case EffectStarted(proposal=name) | EffectFinished(proposal=name) if name in own:
                proven.clear()
            case CheckRan(passed=True, command=command, tail=tail, where="tree"):
                proven[command] = tail
            case _:
                pass
    return proven
