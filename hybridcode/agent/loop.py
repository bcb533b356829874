"""The loop of one task: plan, steps in DAG order, checks, judge; another plan where that failed. Read this file first.

Invariant: the outcome's exit code is DONE only when every step is done, every check passed
and the judge did not object.
"""

from collections.abc import Sequence

from hybridcode.agent.again import End, Failure
from hybridcode.agent.crew import Crew
from hybridcode.agent.deciding import check_given, decide
from hybridcode.agent.planner import make_plan
from hybridcode.agent.repairing import repair
from hybridcode.agent.reproducing import must_reproduce, reproducing_step
from hybridcode.agent.run import Outcome, Run
from hybridcode.agent.scheduler import blocked
from hybridcode.agent.verifying import verify
from hybridcode.domain.events import StepOutcome, TaskEnded
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Step

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
    while True:
        end = await _follow(run, plan)
        other = await repair(run, end.failure) if end.failure is not None else None
        plan = await decide(run, other) if other is not None else None
        if plan is None:
            return _end(run, end.code, end.message)


async def _follow(run: Run, plan: Plan) -> End:
    """Do what of a plan is not done yet, and have the result checked and judged."""
    followed, stopped = await _do_steps(run, plan)
    return stopped or await verify(run, followed)


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


async def _do_steps(run: Run, plan: Plan) -> tuple[Plan, End | None]:
    """The plan as it was followed, and how it ended before its checks; None when every step is done."""
    run.reproduces = reproducing_step(plan, is_asked=must_reproduce(run))
    crew = Crew(run, plan)
    await crew.work()
    plan, outcomes, reasons = crew.plan, crew.outcomes, crew.reasons
    run.done |= {name for name, outcome in outcomes.items() if outcome == "done"}
    if held := [step.id for step in plan.steps if outcomes.get(step.id) == "held"]:
        waits = "; ".join(f"step {name} waits for approval {reasons[name]}" for name in held)
        return plan, End(ExitCode.APPROVAL_PENDING, waits)
    if crew.commit_waits:
        return plan, End(ExitCode.APPROVAL_PENDING, crew.commit_waits)
    if crew.denied_twice:
        return plan, End(ExitCode.DENIED, f"denied twice: {crew.denied_twice}")
    undone = [step for step in plan.steps if outcomes.get(step.id) != "done"]
    if not undone:
        return plan, None
    first = next((step for step in undone if step.id in outcomes), undone[0])
    skipped = [step.id for step in blocked(plan, outcomes)]
    rest = f"; not tried because of it: {', '.join(skipped)}" if skipped else ""
    code = ENDING[outcomes.get(first.id, "failed")]
    why = f"step {first.id}: {reasons.get(first.id, 'declined before')}"
    tried = [step for step in undone if step.id in outcomes]
    return plan, End(code, f"{why}{rest}", _failure(run, why, tried))


def _failure(run: Run, why: str, undone: Sequence[Step]) -> Failure | None:
    """What another plan is told of steps that failed; None unless all of them did, in a way that it may help."""
    if not undone or any(step.id not in run.failures for step in undone):
        return None
    told = (f"Step {step.id}:\n{run.failures[step.id]}" for step in undone)
    return Failure(why, "\n\n".join(told), undone[0].id)


def _end(run: Run, code: ExitCode, message: str) -> Outcome:
    files = tuple(sorted(run.changed))
    run.journal.append(TaskEnded(int(code), code.reason, files, message))
    return Outcome(code, message, files)
