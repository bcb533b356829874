"""Commands that prove something, run through the gate like any other.

Invariant: a check that passed is not run again until a file changes or another command ran.
"""

from collections.abc import Collection

from hybridcode.agent.commands import shell_command
from hybridcode.agent.distil import distil, failing_names, without_codes
from hybridcode.agent.run import Run
from hybridcode.agent.sandbox_limits import kept_from
from hybridcode.domain.action import Declined, Failed, Ran, Receipt, ShellCommand, Unknown
from hybridcode.domain.events import CheckRan, NoticeGiven
from hybridcode.gate.processes import environment_names

SAID_CHARS = 1_500
"""Characters of a check's output that a model is told."""
MOST_NAMES = 500
"""Names of failing tests that are kept for comparison."""
FINAL = "(check)"
"""The step that checks of the whole task belong to; no plan can use this id."""


async def run_command(run: Run, line: str, *, step: str, purpose: str, resume: str | None = None) -> Receipt:
    """Submit a command line to the gate and wait for what became of it.

    Raises:
        PlanOnly: a person has switched to plan mode.
    """
    run.require_effects()
    again = isinstance(run.receipts.get(step), Unknown) and purpose == "step"
    return await run.gate.submit(
        command_of(run, line, purpose=purpose),
        step=step,
        title=line,
        resume=resume,
        notes=suggestion_notes(run, line),
        person_only="it was stopped while it ran; this would run it again" if again else "",
    )


def command_of(run: Run, line: str, *, purpose: str) -> ShellCommand:
    """The action for a command line of a plan or of the settings."""
    return shell_command(
        line, timeout_s=run.settings.approval.timeout_s, purpose=purpose, env_names=environment_names()
    )


def record_check(run: Run, receipt: Ran, *, line: str, step: str | None) -> CheckRan:
    """Journal how a command ended; what is proven is what ran, which a person may have amended."""
    passed = receipt.exit_code == 0 and not receipt.timed_out
    event = CheckRan(
        step,
        receipt.command or line,
        passed,
        receipt.exit_code,
        tail=receipt.tail,
        seconds=receipt.seconds,
        failing=() if passed else failing_of(run, receipt),
        kept_from=kept_from(receipt, run.root),
    )
    run.journal.append(event)
    if passed:
        run.proven[event.command] = event.tail
    return event


def failing_of(run: Run, receipt: Ran) -> tuple[str, ...]:
    """Names of the tests that failed, from all of the output; () where they are too many to compare."""
    output = run.journal.get_blob(receipt.output_sha256).decode("utf-8", "replace")
    names = failing_names(output)
    return names if len(names) <= MOST_NAMES else ()


async def check(run: Run, line: str, *, step: str | None) -> CheckRan | Receipt:
    """Run a check command unless it already passed on these bytes.

    Returns:
        The check's event (journalled), or the receipt that says why it could not run.
    """
    text = command_of(run, line, purpose="check").text
    if text in run.proven:
        tail = f"{run.proven[text].rstrip()}\n(already passed on this tree)".lstrip()
        return CheckRan(step, text, passed=True, exit_code=0, tail=tail, seconds=0.0)
    if text in run.declined_checks:
        return run.declined_checks[text]
    resume = run.pending_checks.pop(text, None)
    receipt = await run_command(run, line, step=step or FINAL, purpose="check", resume=resume)
    if isinstance(receipt, Declined | Failed) and line in run.suggested:
        run.declined_checks[text] = receipt
    if not isinstance(receipt, Ran):
        return receipt
    return record_check(run, receipt, line=line, step=step)


def suggestion_notes(run: Run, line: str) -> tuple[str, ...]:
    """What a person should know of a check that nobody named."""
    reason = run.suggested.get(line)
    return (f"suggested as this repository's check, since {reason}; a no goes on without it",) if reason else ()


def is_waived(run: Run, line: str, result: CheckRan | Receipt) -> bool:
    """True when a check that nobody named was declined or cannot run here: then it proves nothing either way."""
    if line not in run.suggested:
        return False
    match result:
        case CheckRan(passed=False) if result.exit_code in NOT_STARTED or "No module named pytest" in result.tail:
            why = f"exit code {result.exit_code}"
        case Failed(reason=reason):
            why = reason
        case Declined():
            return True
        case _:
            return False
    run.journal.append(NoticeGiven("info", f"`{line}` cannot run here, so it proves nothing: {why}"))
    return True


NOT_STARTED = (126, 127)
"""Exit codes of a shell that could not start a program."""


def failure_note(told: str, *, is_own: bool = True) -> str:
    """What the next draft is told about a failed check; `told` is what it said."""
    whose = "your last answer" if is_own else "the last answer, by another model,"
    return f"# The check failed after {whose} was applied\n{told}\nThe lines above are as they are now."


def said(event: CheckRan, paths: Collection[str], *, most_chars: int = SAID_CHARS) -> str:
    """A check, how it ended, and what its output says of that."""
    told = without_codes(event.tail)[-most_chars:] if event.passed else distil(event.tail, paths, most_chars=most_chars)
    return _said(event.command, event.exit_code, "\n".join(filter(None, (event.kept_from, told))))


def without_command(told: str) -> str:
    """What `said` tells of a check's end, without the command line, which the failure did not say."""
    return told.partition("\nexit code ")[2] or told


def said_before(command: str, exit_code: int, output: str, paths: Collection[str]) -> str:
    """As `said`, of a check before any change; of one that passed, that it did."""
    told = distil(output, paths, most_chars=SAID_CHARS) if exit_code else "(it passes before any change)"
    return _said(command, exit_code, told)


def _said(command: str, exit_code: int, told: str) -> str:
    return f"$ {command}\nexit code {exit_code}\n{told}"
