"""The loop of one task: plan, steps in DAG order, checks, judge. Read this file first.

Invariant: the outcome's exit code is DONE only when every step is done, every check passed
and the judge did not object.
"""

from hybridcode.agent.baseline import keep_for_later
from hybridcode.agent.checks import check, is_waived
from hybridcode.agent.committing import commit_task
from hybridcode.agent.crew import Crew
from hybridcode.agent.deciding import check_given, decide
from hybridcode.agent.judge import judge, passed_before
from hybridcode.agent.planner import make_plan
from hybridcode.agent.reproducing import must_reproduce, reproducing_step
from hybridcode.agent.run import Outcome, Run
from hybridcode.agent.scheduler import blocked
from hybridcode.agent.unbroken import comparison
from hybridcode.domain.action import Declined, Denied, Failed, Held, Receipt, Unknown
from hybridcode.domain.events import CheckRan, StepOutcome, TaskEnded, TaskJudged
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan

ENDING: dict[StepOutcome, ExitCode] = {
    "failed": ExitCode.VERIFICATION_FAILED,
    "declined": ExitCode.DENIED,
    "denied": ExitCode.DENIED,
    "stale": ExitCode.STALE,
    "interrupted": ExitCode.INTERRUPTED,
}
"""What a step that did not get done makes of the run."""


async def run_task(run: Run) -> Outcome:
    """Do one task from plan to verdict and journal how it ended.

    Raises:
        HybridcodeError: what nobody on the way could handle; the session turns it into an exit code.
    """
    plan = await _plan(run)
    if plan is None:
        return _end(run, ExitCode.DONE, "the plan was not followed: nothing was changed")
    if plan.answer and not plan.steps:
        return _end(run, ExitCode.DONE, plan.answer)
    if run.is_planning_only and not run.plan_is_approved:
        return _end(run, ExitCode.DONE, f"plan mode: {len(plan.steps)} steps planned, nothing was changed")
    followed, stopped = await _do_steps(run, plan)
    return stopped or await _verify(run, followed)


async def _plan(run: Run) -> Plan | None:
    """The plan to follow, usable and approved; None when a person said no."""
    plan = run.plan
    if plan is None:
        plan = await make_plan(run, await run.snapshot())
    elif not run.plan_is_approved:
        await check_given(run, plan)
    if run.plan_is_approved or not plan.steps:
        return plan
    return await decide(run, plan)


async def _do_steps(run: Run, plan: Plan) -> tuple[Plan, Outcome | None]:
    """The plan as it was followed, and the outcome that ends the run; None when every step is done."""
    run.reproduces = reproducing_step(plan, is_asked=must_reproduce(run))
    crew = Crew(run, plan)
    await crew.work()
    plan, outcomes, reasons = crew.plan, crew.outcomes, crew.reasons
    if held := [step.id for step in plan.steps if outcomes.get(step.id) == "held"]:
        waits = "; ".join(f"step {name} waits for approval {reasons[name]}" for name in held)
        return plan, _end(run, ExitCode.APPROVAL_PENDING, waits)
    if crew.commit_waits:
        return plan, _end(run, ExitCode.APPROVAL_PENDING, crew.commit_waits)
    if crew.denied_twice:
        return plan, _end(run, ExitCode.DENIED, f"denied twice: {crew.denied_twice}")
    undone = [step for step in plan.steps if outcomes.get(step.id) != "done"]
    if not undone:
        return plan, None
    first = next((step for step in undone if step.id in outcomes), undone[0])
    skipped = [step.id for step in blocked(plan, outcomes)]
    rest = f"; not tried because of it: {', '.join(skipped)}" if skipped else ""
    code = ENDING[outcomes.get(first.id, "failed")]
    return plan, _end(run, code, f"step {first.id}: {reasons.get(first.id, 'declined before')}{rest}")


async def _verify(run: Run, plan: Plan) -> Outcome:
    """Lint and test commands, then the judge."""
    verify = run.settings.verify
    shown = plan.steps[0].check if run.reproduces else ""
    lines = [line for line in dict.fromkeys((verify.lint_cmd, shown, verify.test_cmd or plan.check)) if line]
    events: list[CheckRan] = []
    tree = (await run.snapshot()).digest
    for line in lines:
        event = await check(run, line, step=None)
        if is_waived(run, line, event):
            continue
        if not isinstance(event, CheckRan):
            return _not_checked(run, event)
        events.append(event)
        if not event.passed:
            beside = comparison(run, event)
            why = f"`{line}` ended with exit code {event.exit_code}{'; ' if beside else ''}{beside}"
            return _end(run, ExitCode.VERIFICATION_FAILED, why)
    if events and (await run.snapshot()).digest == tree:
        keep_for_later(run, events[-1], tree)
    verdict = await judge(run, plan, events)
    return await _conclude(run, plan, verdict, is_proven=bool(events))


def _not_checked(run: Run, receipt: Receipt) -> Outcome:
    match receipt:
        case Held(proposal=proposal):
            return _end(run, ExitCode.APPROVAL_PENDING, f"the check waits for approval {proposal}")
        case Denied(reason=reason, rule=rule, hint=hint):
            return _end(run, ExitCode.DENIED, f"the check was denied: {reason} (rule {rule}) {hint}".strip())
        case Declined(reason=reason, by=by):
            return _end(run, ExitCode.DENIED, f"the check was declined by {by}{': ' + reason if reason else ''}")
        case Failed(reason=reason) | Unknown(reason=reason):
            return _end(run, ExitCode.VERIFICATION_FAILED, f"the check could not run: {reason}")
        case _:
            return _end(run, ExitCode.VERIFICATION_FAILED, "the check could not run")


async def _conclude(run: Run, plan: Plan, verdict: TaskJudged, *, is_proven: bool) -> Outcome:
    match verdict.verdict:
        case "bad":
            return _end(run, ExitCode.VERIFICATION_FAILED, f"the judge objects: {verdict.reason}")
        case "skipped" if not is_proven:
            message = f"not verified: no check ran and nobody judged ({verdict.reason}); name a check with --test-cmd"
            return _end(run, ExitCode.VERIFICATION_FAILED, message)
        case "unsure" if not is_proven:
            return _end(run, ExitCode.VERIFICATION_FAILED, f"no check, and the judge is unsure: {verdict.reason}")
        case _:
            done = _done(run, verdict, is_proven=is_proven)
            if held := await commit_task(run, plan):
                return _end(run, ExitCode.APPROVAL_PENDING, f"{done}; {held}")
            return _end(run, ExitCode.DONE, done)


def _done(run: Run, verdict: TaskJudged, *, is_proven: bool) -> str:
    """How a task that is done was verified: by a check that passes only now, by the judge, or by neither."""
    if is_proven and passed_before(run) and verdict.verdict != "good":
        return f"done; the check passes, as it did before any change; {verdict.reason or 'not judged'}"
    return "done and verified" if is_proven else f"done; {verdict.reason or 'not checked'}"


def _end(run: Run, code: ExitCode, message: str) -> Outcome:
    files = tuple(sorted(run.changed))
    run.journal.append(TaskEnded(int(code), code.reason, files, message))
    return Outcome(code, message, files)
