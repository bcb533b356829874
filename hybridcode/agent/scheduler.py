"""Which steps can be begun: a plan's steps as a DAG, and what may be drafted ahead of what.

Invariant: the order is a function of the plan and the outcomes, nothing else; ties go to the plan's own order. A step
is never begun beside an earlier one that touches what it touches or reads, nor beside a command, which may touch all.
"""

import functools
from collections.abc import Collection, Mapping

from hybridcode.domain.events import StepOutcome
from hybridcode.domain.plan import Plan, Region, Step

_OPEN: tuple[StepOutcome | None, ...] = (None, "held")
"""A held step may still be done: by whoever answers its proposal."""


def sequence(plan: Plan) -> tuple[Step, ...]:
    """All steps in the order in which they would be done one after the other."""
    needs = {step.id: set(step.needs) for step in plan.steps}
    left = list(plan.steps)
    ordered: list[Step] = []
    done = set[str]()
    while left and (step := next((step for step in left if needs[step.id] <= done), None)):
        left.remove(step)
        ordered.append(step)
        done.add(step.id)
    return tuple(ordered)


def startable(
    order: Collection[Step], outcomes: Mapping[str, StepOutcome], active: Collection[str] = ()
) -> tuple[Step, ...]:
    """Steps of a `sequence` that could begin now, beside the `active` ones, in order.

    Their needs are done, and no earlier step that is not settled touches what they touch or read.
    """
    found: list[Step] = []
    taken, read, lost = set[str](), set[str](), set[str]()
    for step in order:
        if any(outcomes.get(need) not in (*_OPEN, "done") or need in lost for need in step.needs):
            lost.add(step.id)
            continue
        if outcomes.get(step.id) not in _OPEN:
            continue
        touches, reads = _paths(step.touches), _paths(step.reads)
        is_command = step.kind == "command"
        is_new = step.id not in active and step.id not in outcomes
        is_apart = not (touches & (taken | read)) and not (reads & taken) and not (is_command and (taken or read))
        if is_new and is_apart and all(outcomes.get(need) == "done" for need in step.needs):
            found.append(step)
        if is_command:
            break
        taken |= touches
        read |= reads
    return tuple(found)


def dependants(plan: Plan, step_id: str) -> tuple[Step, ...]:
    """The steps that cannot be done without one: those that need it, and those that need these."""
    found = {step_id}
    while more := {step.id for step in plan.steps if step.id not in found and found & set(step.needs)}:
        found |= more
    return tuple(step for step in plan.steps if step.id in found and step.id != step_id)


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


@functools.lru_cache(maxsize=4_096)
def _paths(places: tuple[str, ...]) -> frozenset[str]:
    """Files that places are in, as a file system sees them that does not tell large letters from small ones."""
    return frozenset(Region.parse(text).path.casefold() for text in places)
