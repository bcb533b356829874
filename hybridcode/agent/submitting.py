"""From a draft to a step that is done: the gate, then the step's own check on the changed tree.

Invariant: what was applied is checked before anybody else changes the workspace; a change that was made for other
bytes is carried over to them at most once, without a conflict, and asked about anew.
"""

from dataclasses import replace

from hybridcode.agent.checks import check, is_waived
from hybridcode.agent.drafter import Drafted, merge_onto_disk
from hybridcode.agent.endings import Ending, Fell, Note, ending_of, mark_of
from hybridcode.agent.ladder import Rung
from hybridcode.agent.notes import declined, fact, failed
from hybridcode.agent.proving import NOTHING, Tried, failure_said, learn, try_ahead
from hybridcode.agent.reproducing import NotReproduced, reproduced_here, turned
from hybridcode.agent.run import Run
from hybridcode.agent.unbroken import excuse
from hybridcode.agent.whole import is_last
from hybridcode.domain.action import Applied, Declined, Denied, Held, Stale, Unknown
from hybridcode.domain.asked import FailureReproduced
from hybridcode.domain.events import CheckRan
from hybridcode.domain.plan import Step
from hybridcode.patch.check import warnings

MERGED = "the files changed after the draft was made; it was merged onto what they hold now"
"""Note of a proposal whose change was carried over to newer bytes."""


async def submit(
    run: Run, step: Step, rung: Rung, drafted: Drafted, tried: Tried, whole: Tried = NOTHING
) -> Ending | Fell:
    """Gate and check one draft. One whose own check failed before is applied only if a person says so; what the check
    of all steps together said, `whole`, is told beside it.

    Raises:
        PlanOnly: a person has switched to plan mode.
    """
    run.require_effects()
    receipt = await run.gate.submit_changes(
        drafted.changes,
        step=step.id,
        notes=(
            *tried.notes,
            *whole.notes,
            *((MERGED,) if drafted.is_merged else ()),
            *drafted.notes,
            *warnings(drafted.changes),
        ),
        model_says=drafted.model_says,
        writer=f"{rung.writer} {drafted.model}, try {rung.attempt}",
        proven_by=whole.proven_by or tried.proven_by,
        person_only="its check failed on exactly these bytes" if tried.failed else "",
    )
    match receipt:
        case Applied(reason=reason):
            run.remember(receipt)
            return _wanted(await _prove(run, step, tried, whole), reason)
        case Declined(reason=reason) if reason:
            return Fell(("declined", reason), declined(reason))
        case Stale(paths=paths):
            merged = () if drafted.is_merged else await merge_onto_disk(run, drafted.changes)
            if merged:
                tried = turned(run, step, await try_ahead(run, step, merged))
                return await submit(run, step, rung, replace(drafted, changes=merged, is_merged=True), tried)
            why = f"{', '.join(paths)} changed meanwhile"
            note = fact("stale", f"# {why}\nThe lines above are as they are now.")
            return Fell(("stale", why), note, is_stale=True)
        case _:
            return ending_of(receipt)


async def take_up(run: Run, step: Step) -> Ending | Fell:
    """Go on with what an interrupted run left: a proposal that waits, or a change whose check is still to come."""
    waits = step.id in run.pending
    if waits:
        await run.lanes.turn(step.id)
    receipt = await run.gate.resubmit(run.pending[step.id]) if waits else run.receipts[step.id]
    match receipt:
        case Applied(reason=reason):
            run.remember(receipt)
            return _wanted(await _prove(run, step, NOTHING), reason)
        case Held() | Unknown() | Denied():
            return ending_of(receipt)
        case Declined(reason=reason):
            return Fell(ending_of(receipt), declined(reason)) if reason else ending_of(receipt)
        case Stale() if run.gate.is_unattended and waits:
            return ending_of(receipt)  # whoever resumes it once more has it drafted anew
        case Stale():
            return Fell(ending_of(receipt), is_stale=True)
        case _:
            return Fell(ending_of(receipt))


def _wanted(end: Ending | Fell, reason: str) -> Ending | Fell:
    """What follows where a person took a part and said why not the rest: another draft, if anybody is left to write it.

    Without one the step ends as it stands with the part that was taken. What a check said of that part points to no
    place: the other draft is for all of them.
    """
    if not reason:
        return end
    note = declined(reason, is_part=True)
    if isinstance(end, Fell):
        told = end.note or note
        both = Note(told.kind, f"{note.own}\n\n{told.own}", f"{note.other}\n\n{told.other}")
        return replace(end, note=both if end.note else note, said="")
    return Fell(("done", reason), note) if end[0] == "done" else end


async def _prove(run: Run, step: Step, tried: Tried, whole: Tried = NOTHING) -> Ending | Fell:
    """Run the step's own check on the changed tree, unless it passed on exactly this tree before it was applied, or is
    that of all steps together while others still wait."""
    tree = (await run.snapshot()).digest if tried.event is not None or whole.event is not None else ""
    for known in (tried, whole):
        if known.event is not None and known.proven_by and tree == known.tree:
            run.proven[known.proven_by] = known.event.tail
    if not step.check or (tried.is_of_all and not is_last(run, step)):
        return "done", ""
    if step.id == run.reproduces:
        return await _shown_first(run, step)
    if tried.excuse and tree == tried.tree:
        return "done", tried.excuse
    event = await check(run, step.check, step=step.id)
    if is_waived(run, step.check, event):
        return "done", ""
    if not isinstance(event, CheckRan):
        return ending_of(event)
    learn(run, tried, tree=tree, passed=event.passed)
    if event.passed:
        return "done", ""
    if excused := excuse(run, step, event):
        return "done", excused
    now = await run.snapshot()
    told = failure_said(run, event, now.files)
    reason = f"`{step.check}` ended with exit code {event.exit_code}"
    return Fell(("failed", reason), failed(told), mark_of(told), said=told, tree=now)


async def _shown_first(run: Run, step: Step) -> Ending | Fell:
    """The test of a step that reproduces must fail now."""
    found = await reproduced_here(run, step)
    match found:
        case FailureReproduced():
            return "done", ""
        case NotReproduced(reason=reason):
            note = fact("checked", f"# {reason}\nThe lines above are as they are now.")
            return Fell(("failed", reason.partition("\n")[0]), note, mark_of(reason))
        case _:
            return ending_of(found)
