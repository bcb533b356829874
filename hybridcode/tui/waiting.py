"""What waits for a person: proposals policy asks about, and a plan before its first step.

Invariant: a fold of the session and the mode; nothing waits that somebody has decided.
"""

from hybridcode.config.settings import Mode
from hybridcode.domain.action import Proposal
from hybridcode.session.state import SessionState, TaskView


def is_asked(proposal: Proposal) -> bool:
    """True when policy leaves it to a person."""
    return proposal.ruling.verdict == "ask"


def waiting_proposals(state: SessionState) -> list[Proposal]:
    """Proposals that wait, oldest first."""
    return [view.proposal for view in state.waiting if is_asked(view.proposal)]


def waiting_plan(state: SessionState, mode: Mode) -> TaskView | None:
    """The task whose plan waits for a yes, None if none does."""
    task = state.task
    if mode != "default" or task is None or task.ended is not None or task.plan is None:
        return None
    has_begun = any(view.status != "waiting" for view in task.steps.values())
    return task if task.plan_status == "proposed" and task.plan.steps and not has_begun else None
