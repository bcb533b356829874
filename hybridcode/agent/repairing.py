"""After a plan failed: the frontier plans once more what is still to be done, and is told what it came to; where the
judge says what is wrong at which places, a step at these is planned by rule.

Invariant: at most `[limits] max_repairs` times in a task, resumed runs included; all requests of one repair together
stay under the cap of one step; what was applied stays, and where no plan comes of it the task ends as it would have.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec.structs import replace

from hybridcode.agent.again import Again, Failure
from hybridcode.agent.distil import by_file, cut, frames
from hybridcode.agent.endings import mark_of
from hybridcode.agent.failing import failing_definitions
from hybridcode.agent.objecting import places_named, plan_from
from hybridcode.agent.planner import plan_again, take_ruled
from hybridcode.agent.revising import diff_so_far, row_of, told_paths
from hybridcode.agent.run import Run
from hybridcode.agent.shifting import shifted
from hybridcode.context.regions import lines_of
from hybridcode.domain.errors import ContextError, EgressForbidden, LimitReached, ModelError, PlanInvalid
from hybridcode.domain.events import NoticeGiven, RepairAsked
from hybridcode.domain.plan import Plan, Region, Step
from hybridcode.repo.occurrences import text_of
from hybridcode.repo.snapshot import Snapshot

TOLD_CHARS = 3_000
"""Of what a check or the last tries came to."""
ROWS_CHARS = 3_000
"""Of the steps of the plan that failed."""
WHY_CHARS = 300
"""Of why a step or a check failed; what the judge said is short."""


async def repair(run: Run, failure: Failure) -> Plan | None:
    """Another plan for what is still to be done; None where none may be asked for, or none comes.

    Raises:
        PlanOnly: a person has switched to plan mode.
    """
    plan = run.plan
    if plan is None or not run.may_repair:
        return None
    run.require_effects()
    whole = await run.snapshot()
    tree = run.shown_to(run.decider, whole)
    ruled = _ruled(run, failure, whole, tree)
    mark = mark_of(f"{failure.why}\n{failure.told}")
    if ruled is None and mark in run.failed_as:
        run.journal.append(NoticeGiven("warning", "there is no other plan: this one failed as the one before it did"))
        return None
    run.repairs += 1
    run.journal.append(RepairAsked(run.repairs, _why(failure), failure.step, is_ruled=ruled is not None))
    try:
        if ruled is not None:
            run.is_ruled_again = True
            return take_ruled(run, ruled, whole, _joined(run, plan))
        run.failed_as.add(mark)
        found = await plan_again(run, _again(run, plan, failure, tree))
    except (ContextError, EgressForbidden, LimitReached, ModelError, PlanInvalid) as error:
        run.journal.append(NoticeGiven("warning", f"there is no other plan: {error.message}", error.hint))
        return None
    if not found.steps:
        run.journal.append(NoticeGiven("warning", f"there is no other plan: {found.answer}"))
        return None
    return found


def _ruled(run: Run, failure: Failure, whole: Snapshot, shown: Snapshot) -> Plan | None:
    """What follows from the judge's objection by rule; None where the planner is asked."""
    if run.is_ruled_again or not failure.objection:
        return None
    return plan_from(failure.objection, whole, shown=shown, changed=run.before)


def _joined(run: Run, plan: Plan, told: str = "", files: tuple[str, ...] = (), places: tuple[str, ...] = ()) -> Again:
    """What a plan goes on from, and what whoever makes it is told and shown."""
    return Again(
        number=run.repairs,
        told=told,
        files=files,
        kept=tuple(step for step in plan.steps if step.id in run.done),
        taken=frozenset(step.id for step in plan.steps),
        check=plan.check,
        places=places,
    )


def _again(run: Run, plan: Plan, failure: Failure, tree: Snapshot) -> Again:
    standing = {step.id: tuple(_standing(run, step, tree)) for step in plan.steps}
    named = places_named(failure.objection, tree).places
    said = ((place.path, line) for place in named for line in lines_of(tree, place) or ())
    diff = diff_so_far(run, places=by_file((*said, *frames(failure.told, tree.files.keys()))))
    where = (*named, *failing_definitions(failure.told, tree), *standing.get(failure.step, ()))
    places = dict.fromkeys((*where, *(place for places in standing.values() for place in places)))
    shown = [place for place in places if place is not None and not _is_told(place, tree, diff.lines)]
    return _joined(
        run,
        plan,
        told=_told(run, plan, failure, standing, diff.text),
        files=tuple(dict.fromkeys((*told_paths(run), *_told_of(run, plan)))),
        places=tuple(map(str, shown or list(filter(None, places))[:1])),
    )


def _why(failure: Failure) -> str:
    """Why the plan failed, on one line; what the judge objects to stands there whole."""
    why = " ".join(failure.why.split())
    return why if failure.objection else why[:WHY_CHARS]


def _standing(run: Run, step: Step, tree: Snapshot) -> Iterator[Region | None]:
    """Where each place of a step stands now; None for one whose lines or definition are gone, or whose numbers are of a
    tree that is not known any more: a later plan than the first one named them."""
    is_done = step.id in run.done
    for region in step.regions:
        now: Region | None = region
        if region.start is not None and region.path in run.before:
            before, is_first = run.before[region.path], run.repairs == 1 and not run.is_revised
            after = text_of(tree, region.path)
            now = shifted(region, before, after, is_own=is_done) if before is not None and is_first else None
        yield None if now is None or lines_of(tree, now) is None else now


def _is_told(region: Region, tree: Snapshot, lines: Mapping[str, Collection[int]]) -> bool:
    """The diff shows every line of a place."""
    there, told = lines_of(tree, region), lines.get(region.path, ())
    return there is not None and all(line in told for line in there)


def _told_of(run: Run, plan: Plan) -> tuple[str, ...]:
    """Places of the steps whose last tries are told: drafts for them are a part of that."""
    return tuple(place for step in plan.steps if _state(run, step.id) == "failed" for place in step.touches)


def _told(run: Run, plan: Plan, failure: Failure, standing: Mapping[str, Sequence[Region | None]], diff: str) -> str:
    shown = _concerned(run, plan, failure)
    rows = {step: row_of(_as_it_stands(step, standing[step.id]), _state(run, step.id)) for step in plan.steps}
    parts = [
        f"# A plan for this failed: {_why(failure)}",
        f"Its steps were:\n{_rows(rows, shown)}",
    ]
    if failure.told:
        parts.append(f"# What it came to\n{cut(failure.told, TOLD_CHARS)}")
    parts.append(f"# Diff so far\n{diff}")
    parts.append(
        "# Plan again\nWhat is applied stays, and the files above are as they are now. Plan only what is still to be "
        "done or put right, at the places where it belongs. Do not repeat what failed."
    )
    return "\n\n".join(parts)


def _concerned(run: Run, plan: Plan, failure: Failure) -> set[str]:
    """Ids of the steps that are not done, and of those whose files the failure names."""
    said = f"{failure.objection}\n{failure.told}"
    named = (step.id for step in plan.steps if any(region.path in said for region in step.regions))
    return {*named, *(step.id for step in plan.steps if step.id not in run.done)}


def _rows(rows: Mapping[Step, str], concerned: Collection[str]) -> str:
    """The rows of a plan; where not all have room, without those of other steps than the concerned ones."""
    whole = "\n".join(rows.values())
    if len(whole) <= ROWS_CHARS:
        return whole
    kept = [row for step, row in rows.items() if step.id in concerned]
    more = len(rows) - len(kept)
    counted = [f"[{more} more {'step' if more == 1 else 'steps'}, done]"] if more else []
    return cut("\n".join((*counted, *kept)), ROWS_CHARS)


def _as_it_stands(step: Step, standing: Sequence[Region | None]) -> Step:
    """The step with its numbered places as they stand, by their file alone where that is not known."""
    pairs = zip(step.regions, standing, strict=True)
    named = (planned if planned.start is None else now or Region(planned.path) for planned, now in pairs)
    return replace(step, touches=tuple(map(str, named)))


def _state(run: Run, name: str) -> str:
    if name in run.done:
        return "done"
    return "failed" if name in run.failures else "not tried"
