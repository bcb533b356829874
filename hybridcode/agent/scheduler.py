"""Which step is next: a plan's steps as a DAG.

Invariant: the order is a function of the plan and the outcomes, nothing else; ties go to the plan's own order.
"""

from collections.abc import Mapping

from hybridcode.domain.events import StepOutcome
from hybridcode.domain.plan import Plan, Step


def ready(plan: Plan, outcomes: Mapping[str, StepOutcome]) -> Step | None:
    """The first step that was not tried and whose needs are all done, or None."""
    for step in plan.steps:
        if step.id not in outcomes and all(outcomes.get(need) == "done" for need in step.needs):
            return step
    return None


def blocked(plan: Plan, outcomes: Mapping[str, StepOutcome]) -> tuple[Step, ...]:
    """Steps that can no longer run because something they need did not get done."""
    return tuple(step for step in plan.steps if step.id not in outcomes)


def find_cycle(plan: Plan) -> tuple[str, ...]:
    """Ids of steps that wait for each other; () for a proper DAG. Unknown needs are not this function's business."""
    known = {step.id for step in plan.steps}
    waiting = {step.id: {need for need in step.needs if need in known} for step in plan.steps}
    while free := [name for name, needs in waiting.items() if not needs]:
        for name in free:
            del waiting[name]
        for needs in waiting.values():
            needs.difference_update(free)
    return tuple(waiting)
