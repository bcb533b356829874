"""After a plan failed: the frontier plans once more what is still to be done, and is told what it came to.

Invariant: at most `[limits] max_repairs` times in a task, resumed runs included; all requests of one repair together
stay under the cap of one step; what was applied stays, and where no plan comes of it the task ends as it would have.
"""

from collections.abc import Collection, Mapping

from hybridcode.agent.again import Again, Failure
from hybridcode.agent.distil import by_file, cut, frames
from hybridcode.agent.endings import mark_of
from hybridcode.agent.failing import failing_definitions
from hybridcode.agent.planner import plan_again
from hybridcode.agent.revising import diff_so_far, row_of, told_paths
from hybridcode.agent.run import Run
from hybridcode.domain.errors import ContextError, EgressForbidden, LimitReached, ModelError, PlanInvalid
from hybridcode.domain.events import NoticeGiven, RepairAsked
from hybridcode.domain.plan import Plan
from hybridcode.repo.snapshot import Snapshot

TOLD_CHARS = 3_000
"""Of what a check or the last tries came to."""
ROWS_CHARS = 3_000
"""Of the steps of the plan that failed."""
WHY_CHARS = 300


async def repair(run: Run, failure: Failure) -> Plan | None:
    """Another plan for what is still to be done; None where none may be asked for, or none comes.

    Raises:
        PlanOnly: a person has switched to plan mode.
    """
    plan = run.plan
    if plan is None or not run.may_repair:
        return None
    run.require_effects()
    mark = mark_of(f"{failure.why}\n{failure.told}")
    if mark in run.failed_as:
        run.journal.append(NoticeGiven("warning", "there is no other plan: this one failed as the one before it did"))
        return None
    run.failed_as.add(mark)
    run.repairs += 1
    why = " ".join(failure.why.split())[:WHY_CHARS]
    run.journal.append(RepairAsked(run.repairs, why, failure.step))
    try:
        tree = run.shown_to(run.decider, await run.snapshot())
        found = await plan_again(run, _again(run, plan, failure, tree))
    except (ContextError, EgressForbidden, LimitReached, ModelError, PlanInvalid) as error:
        run.journal.append(NoticeGiven("warning", f"there is no other plan: {error.message}", error.hint))
        return None
    if not found.steps:
        run.journal.append(NoticeGiven("warning", f"there is no other plan: {found.answer}"))
        return None
    return found


def _again(run: Run, plan: Plan, failure: Failure, tree: Snapshot) -> Again:
    where = failing_definitions(failure.told, tree)
    return Again(
        number=run.repairs,
        told=_told(run, plan, failure, by_file(frames(failure.told, tree.files.keys()))),
        files=tuple(dict.fromkeys((*told_paths(run), *_told_of(run, plan)))),
        kept=tuple(step for step in plan.steps if step.id in run.done),
        taken=frozenset(step.id for step in plan.steps),
        check=plan.check,
        places=(*map(str, where), *_places(plan, failure.step), *_places(plan)),
    )


def _places(plan: Plan, only: str = "") -> tuple[str, ...]:
    """What the steps of a plan change, or that one alone."""
    return tuple(place for step in plan.steps if only in ("", step.id) for place in step.touches)


def _told_of(run: Run, plan: Plan) -> tuple[str, ...]:
    """Places of the steps whose last tries are told: drafts for them are a part of that."""
    return tuple(place for step in plan.steps if _state(run, step.id) == "failed" for place in step.touches)


def _told(run: Run, plan: Plan, failure: Failure, places: Mapping[str, Collection[int]]) -> str:
    rows = "\n".join(row_of(step, _state(run, step.id)) for step in plan.steps)
    parts = [
        f"# A plan for this failed: {' '.join(failure.why.split())[:WHY_CHARS]}",
        f"Its steps were:\n{cut(rows, ROWS_CHARS)}",
    ]
    if failure.told:
        parts.append(f"# What it came to\n{cut(failure.told, TOLD_CHARS)}")
    parts.append(f"# Diff so far\n{diff_so_far(run, places=places)}")
    parts.append(
        "# Plan again\nWhat is applied stays, and the files above are as they are now. Plan only what is still to be "
        "done or put right, at the places where it belongs. Do not repeat what failed."
    )
    return "\n\n".join(parts)


def _state(run: Run, name: str) -> str:
    if name in run.done:
        return "done"
    return "failed" if name in run.failures else "not tried"
