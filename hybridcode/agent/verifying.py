"""What a plan came to as a whole: the commands that prove it, then the judge.

Invariant: it counts as done only when every command passed and the judge did not object, and never where neither a
command ran nor anybody judged. A check that passed before any change proves nothing where the judge is unsure.
"""

from hybridcode.agent.again import End, Failure
from hybridcode.agent.baseline import keep_for_later
from hybridcode.agent.checks import NOT_STARTED, check, is_waived
from hybridcode.agent.committing import commit_task
from hybridcode.agent.judge import judge, passed_before
from hybridcode.agent.proving import failure_said
from hybridcode.agent.run import Run
from hybridcode.agent.unbroken import comparison
from hybridcode.domain.action import Declined, Denied, Failed, Held, Receipt, Unknown
from hybridcode.domain.events import CheckRan, TaskJudged
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan


async def verify(run: Run, plan: Plan) -> End:
    """Run the lint and test commands, ask the judge, and commit what is to be committed."""
    named = run.settings.verify
    shown = plan.steps[0].check if run.reproduces else ""
    lines = [line for line in dict.fromkeys((named.lint_cmd, shown, named.test_cmd or plan.check)) if line]
    events: list[CheckRan] = []
    tree = (await run.snapshot()).digest
    for line in lines:
        event = await check(run, line, step=None)
        if is_waived(run, line, event):
            continue
        if not isinstance(event, CheckRan):
            return _not_checked(event)
        events.append(event)
        if not event.passed:
            return await _not_passed(run, line, event)
    if events and (await run.snapshot()).digest == tree:
        keep_for_later(run, events[-1], tree)
    verdict = await judge(run, plan, events)
    return await _conclude(run, plan, verdict, is_proven=bool(events))


async def _not_passed(run: Run, line: str, event: CheckRan) -> End:
    """Another plan may help, unless the command that a person named cannot even be started."""
    beside = comparison(run, event)
    why = f"`{line}` ended with exit code {event.exit_code}{'; ' if beside else ''}{beside}"
    named = run.settings.verify.test_cmd, run.settings.verify.lint_cmd
    if line in named and event.exit_code in NOT_STARTED:
        return End(ExitCode.VERIFICATION_FAILED, why)
    return End(ExitCode.VERIFICATION_FAILED, why, Failure(why, failure_said(run, event, (await run.snapshot()).files)))


def _not_checked(receipt: Receipt) -> End:
    match receipt:
        case Held(proposal=proposal):
            return End(ExitCode.APPROVAL_PENDING, f"the check waits for approval {proposal}")
        case Denied(reason=reason, rule=rule, hint=hint):
            return End(ExitCode.DENIED, f"the check was denied: {reason} (rule {rule}) {hint}".strip())
        case Declined(reason=reason, by=by):
            return End(ExitCode.DENIED, f"the check was declined by {by}{': ' + reason if reason else ''}")
        case Failed(reason=reason) | Unknown(reason=reason):
            return End(ExitCode.VERIFICATION_FAILED, f"the check could not run: {reason}")
        case _:
            return End(ExitCode.VERIFICATION_FAILED, "the check could not run")


async def _conclude(run: Run, plan: Plan, verdict: TaskJudged, *, is_proven: bool) -> End:
    match verdict.verdict:
        case "bad":
            why = f"the judge objects: {verdict.reason}"
            return End(ExitCode.VERIFICATION_FAILED, why, Failure(why, objection=verdict.reason))
        case "skipped" if not is_proven:
            message = f"not verified: no check ran and nobody judged ({verdict.reason}); name a check with --test-cmd"
            return End(ExitCode.VERIFICATION_FAILED, message)
        case "unsure" if not is_proven:
            return End(ExitCode.VERIFICATION_FAILED, f"no check, and {_doubt(verdict)}")
        case "unsure" if passed_before(run) and not run.reproduces:
            why = f"the check passes, as it did before any change; {_doubt(verdict)}"
            return End(ExitCode.VERIFICATION_FAILED, why, Failure(_doubt(verdict), objection=verdict.reason))
        case _:
            done = _done(run, verdict, is_proven=is_proven)
            if held := await commit_task(run, plan):
                return End(ExitCode.APPROVAL_PENDING, f"{done}; {held}")
            return End(ExitCode.DONE, done)


def _doubt(verdict: TaskJudged) -> str:
    return f"the judge is unsure{': ' + verdict.reason if verdict.reason else ''}"


def _done(run: Run, verdict: TaskJudged, *, is_proven: bool) -> str:
    """How a task that is done was verified: by a check that passes only now, by the judge, or by neither."""
    if verdict.verdict == "unsure":
        return f"done; the check passes; {_doubt(verdict)}"
    if is_proven and passed_before(run) and verdict.verdict != "good":
        return f"done; the check passes, as it did before any change; {verdict.reason or 'not judged'}"
    return "done and verified" if is_proven else f"done; {verdict.reason or 'not checked'}"
