"""One step, up its ladder: draft, place, try, submit, check, and one rung higher when that fails.

Invariant: every rung and its reason is journalled before it is taken; a step ends with exactly one StepEnded; a draft
that failed its check before anybody was asked is proposed only when no later one could be.
"""

from dataclasses import replace

from hybridcode.agent.checks import check, failure_note, is_waived, record_check, run_command
from hybridcode.agent.drafter import Drafted, declined_note, draft_step, merge_onto_disk, retry_note
from hybridcode.agent.hint import ask_hint
from hybridcode.agent.kinds import work_of
from hybridcode.agent.ladder import Rung, rungs
from hybridcode.agent.proving import NOTHING, Tried, draft_note, learn, try_ahead
from hybridcode.agent.reproducing import NotReproduced, reproduced_here, turned
from hybridcode.agent.run import Run
from hybridcode.domain.action import (
    Applied,
    Committed,
    Declined,
    Denied,
    Expired,
    Failed,
    Held,
    Ran,
    Receipt,
    Stale,
    Unknown,
)
from hybridcode.domain.asked import FailureReproduced
from hybridcode.domain.errors import ContextError, EgressForbidden, HybridcodeError, ModelError, RepoError
from hybridcode.domain.events import CheckRan, DraftRefused, NoticeGiven, RungTaken, StepEnded, StepOutcome, StepStarted
from hybridcode.domain.plan import Step, Writer
from hybridcode.domain.refusal import Refusal
from hybridcode.patch.check import unparsable, warnings

MERGED = "the files changed after the draft was made; it was merged onto what they hold now"
"""Note of a proposal whose change was carried over to newer bytes."""

Ending = tuple[StepOutcome, str]
"""How a step ended, and why."""
_HeldBack = tuple[Rung, Drafted, Tried]
"""A draft that failed its check in a scratch copy: nobody was asked about it yet."""


async def run_step(run: Run, step: Step) -> Ending:
    """Do one step and journal how it ended.

    Raises:
        ModelError: when no model that could write it can be asked.
        PlanOnly: a person has switched to plan mode.
    """
    run.require_effects()
    run.journal.append(StepStarted(step.id))
    try:
        ending = await (_run_command_step(run, step) if step.kind == "command" else _climb(run, step))
    except HybridcodeError as error:
        run.journal.append(StepEnded(step.id, "interrupted", error.advice))
        raise
    run.journal.append(StepEnded(step.id, *ending))
    return ending


async def _run_command_step(run: Run, step: Step) -> Ending:
    line = step.command or ""
    receipt = run.receipts.get(step.id)
    if not isinstance(receipt, Ran | Declined):
        receipt = await run_command(run, line, step=step.id, purpose="step", resume=run.pending.get(step.id))
    if not isinstance(receipt, Ran):
        return _ending_of(receipt)
    run.proven.clear()
    event = record_check(run, receipt, line=line, step=step.id)
    if event.passed:
        return "done", ""
    return "failed", "timed out" if receipt.timed_out else f"`{event.command}` ended with exit code {event.exit_code}"


async def _climb(run: Run, step: Step) -> Ending:
    """Take rung after rung until the step is done, somebody says no for good, or nobody is left to try."""
    feedback, broken = "", set[str]()
    ending: Ending = ("failed", "no model could write it")
    if step.id in run.pending or step.id in run.receipts:
        settled, feedback, is_final = await _take_up(run, step)
        if is_final:
            return settled
    ladder = await _ladder(run, step)
    held_back: _HeldBack | None = None
    last_error: ModelError | EgressForbidden | None = None
    for rung in ladder:
        if rung.writer in broken or (rung.name == "frontier_hint" and "frontier" in broken):
            continue
        run.journal.append(RungTaken(step.id, rung.name, rung.writer, rung.attempt, rung.why))
        asked: Writer = rung.writer
        try:
            if rung.name == "frontier_hint":
                asked = "frontier"
                feedback += "\n\n" + await ask_hint(run, step, feedback)
                asked = rung.writer
            drafted = await draft_step(run, step, rung, feedback)
        except (ModelError, EgressForbidden) as error:
            broken.add(asked)
            last_error = error
            run.journal.append(NoticeGiven("error", f"step {step.id}: {error.message}", error.hint))
            continue
        except (ContextError, RepoError) as error:
            return "failed", error.advice
        last_error = None
        is_first_of_several = rung.attempt == 1 and len(ladder) > 1
        if refused := _refused(run, step, rung, drafted, must_parse=is_first_of_several):
            feedback = retry_note(refused)
            ending = ("failed", refused[0].reason)
            continue
        assert isinstance(drafted, Drafted)
        tried = turned(run, step, await try_ahead(run, step, drafted.changes))
        if tried.failed:
            held_back, feedback = (rung, drafted, tried), draft_note(tried, drafted.changes)
            continue
        held_back = None
        ending, feedback, is_final = await _submit(run, step, rung, drafted, tried)
        if is_final:
            return ending
    if held_back is not None:
        ending, _, is_final = await _submit(run, step, *held_back)
        if is_final:
            return ending
    if last_error is not None:
        raise last_error
    return ending


async def _ladder(run: Run, step: Step) -> tuple[Rung, ...]:
    has_local, has_frontier = run.senders.local is not None, run.senders.frontier is not None
    work = work_of(step, await run.snapshot()) if run.routes.route else None
    route = run.routes.route_for(work) if work is not None else None
    return tuple(rungs(step, run.settings.routing, has_local=has_local, has_frontier=has_frontier, route=route))


def _refused(
    run: Run, step: Step, rung: Rung, drafted: Drafted | tuple[Refusal, ...], *, must_parse: bool
) -> tuple[Refusal, ...]:
    """Why a draft is not proposed; with `must_parse` new syntax errors are a reason, and else a warning in the pane."""
    if not isinstance(drafted, Drafted):
        return drafted
    refused = unparsable(drafted.changes) if must_parse else ()
    if refused:
        run.journal.append(DraftRefused(step.id, rung.attempt, refused))
    return refused


async def _submit(run: Run, step: Step, rung: Rung, drafted: Drafted, tried: Tried) -> tuple[Ending, str, bool]:
    """Gate and check one draft. Returns the ending so far, the next draft's feedback, and whether that was final."""
    run.require_effects()
    receipt = await run.gate.submit_changes(
        drafted.changes,
        step=step.id,
        notes=(*tried.notes, *((MERGED,) if drafted.is_merged else ()), *warnings(drafted.changes)),
        model_says=drafted.model_says,
        writer=f"{rung.writer} {drafted.model}, try {rung.attempt}",
        proven_by=tried.proven_by,
    )
    match receipt:
        case Applied():
            run.remember(receipt)
            return await _prove(run, step, tried)
        case Declined(reason=reason) if reason:
            return ("declined", reason), declined_note(reason), False
        case Stale(paths=paths):
            merged = () if drafted.is_merged else await merge_onto_disk(run, drafted.changes)
            if merged:
                tried = turned(run, step, await try_ahead(run, step, merged))
                return await _submit(run, step, rung, replace(drafted, changes=merged, is_merged=True), tried)
            why = f"{', '.join(paths)} changed meanwhile"
            return ("stale", why), f"# {why}\nThe lines above are as they are now.", False
        case _:
            return _ending_of(receipt), "", True


async def _take_up(run: Run, step: Step) -> tuple[Ending, str, bool]:
    """Go on with what an interrupted run left: a proposal that waits, or a change whose check is still to come."""
    receipt = await run.gate.resubmit(run.pending[step.id]) if step.id in run.pending else run.receipts[step.id]
    match receipt:
        case Applied():
            run.remember(receipt)
            return await _prove(run, step, NOTHING)
        case Held() | Unknown() | Denied():
            return _ending_of(receipt), "", True
        case Declined(reason=reason):
            return _ending_of(receipt), declined_note(reason) if reason else "", not reason
        case Stale() if run.gate.is_unattended and step.id in run.pending:
            return _ending_of(receipt), "", True  # whoever resumes it once more has it drafted anew
        case _:
            return _ending_of(receipt), "", False


async def _prove(run: Run, step: Step, tried: Tried) -> tuple[Ending, str, bool]:
    """Run the step's own check on the changed tree, unless it passed on exactly this tree before it was applied."""
    if not step.check:
        return ("done", ""), "", True
    if step.id == run.reproduces:
        return await _shown_first(run, step)
    tree = (await run.snapshot()).digest if tried.event is not None else ""
    if tried.proven_by and tree == tried.tree:
        run.proven.add(tried.proven_by)
    event = await check(run, step.check, step=step.id)
    if is_waived(run, step.check, event):
        return ("done", ""), "", True
    if isinstance(event, CheckRan):
        learn(run, tried, tree=tree, passed=event.passed)
    if not isinstance(event, CheckRan):
        return _ending_of(event), "", True
    if event.passed:
        return ("done", ""), "", True
    return ("failed", f"`{step.check}` ended with exit code {event.exit_code}"), await _failure(run, event), False


async def _shown_first(run: Run, step: Step) -> tuple[Ending, str, bool]:
    """The test of a step that reproduces must fail now."""
    found = await reproduced_here(run, step)
    match found:
        case FailureReproduced():
            return ("done", ""), "", True
        case NotReproduced(reason=reason):
            return ("failed", reason.partition("\n")[0]), f"# {reason}\nThe lines above are as they are now.", False
        case _:
            return _ending_of(found), "", True


async def _failure(run: Run, event: CheckRan) -> str:
    return failure_note(event, (await run.snapshot()).files)


def _ending_of(receipt: Receipt) -> Ending:
    match receipt:
        case Held(proposal=proposal):
            return "held", proposal
        case Denied(reason=reason, rule=rule, hint=hint):
            return "denied", f"{reason} (rule {rule}){'. ' + hint if hint else ''}"
        case Declined(reason=reason, by=by):
            return "declined", reason or f"no, said {by}"
        case Stale(paths=paths):
            return "stale", f"{', '.join(paths)} changed meanwhile"
        case Expired(reason=reason):
            return "stale", reason
        case Failed(reason=reason) | Unknown(reason=reason):
            return "failed", reason
        case Applied() | Ran() | Committed():
            return "done", ""
