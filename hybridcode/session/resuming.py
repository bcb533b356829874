"""How a run takes up a task that was interrupted.

Invariant: what a resumed run starts from is a fold of the journal; nothing that is done is done again.
"""

from hybridcode.agent.run import Run
from hybridcode.domain.action import Applied, ChangeSet, Proposal, ShellCommand
from hybridcode.session.state import SessionState, TaskView


def take_up(run: Run, view: TaskView, state: SessionState) -> None:
    """Give a run the plan, the done steps, the waiting proposals and the changed files of an interrupted task."""
    run.plan, run.plan_source = view.plan, view.plan_source
    run.plan_is_approved = view.plan_status == "approved"
    run.done = {name for name, step in view.steps.items() if step.status == "done"}
    run.settled = {name: step.status for name, step in view.steps.items() if step.status in ("declined", "denied")}
    run.pending = {
        proposal.proposal.step: proposal.proposal.id
        for proposal in state.proposals.values()
        if proposal.status in ("pending", "approved") and proposal.proposal.step not in run.done
    }
    unended = {name for name, step in view.steps.items() if step.status in ("waiting", "interrupted")}
    run.receipts = {
        proposal.proposal.step: proposal.receipt
        for proposal in state.proposals.values()
        if proposal.receipt is not None and proposal.proposal.step in unended and not is_check(proposal.proposal)
    }
    for proposal in state.proposals.values():
        if not isinstance(proposal.receipt, Applied) or not isinstance(proposal.proposal.action, ChangeSet):
            continue
        if proposal.proposal.step in view.steps:
            run.remember(proposal.receipt)


def is_check(proposal: Proposal) -> bool:
    """True for a command that only proves something: it may run again."""
    return isinstance(proposal.action, ShellCommand) and proposal.action.purpose == "check"
