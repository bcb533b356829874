"""Commands that prove something, run through the gate like any other.

Invariant: a check that passed is not run again until a file changes or another command ran.
"""

from hybridcode.agent.commands import shell_command
from hybridcode.agent.run import Run
from hybridcode.domain.action import Ran, Receipt, ShellCommand, Unknown
from hybridcode.domain.events import CheckRan
from hybridcode.gate.processes import environment_names


async def run_command(run: Run, line: str, *, step: str, purpose: str, resume: str | None = None) -> Receipt:
    """Submit a command line to the gate and wait for what became of it."""
    again = isinstance(run.receipts.get(step), Unknown) and purpose == "step"
    return await run.gate.submit(
        command_of(run, line, purpose=purpose),
        step=step,
        title=line,
        resume=resume,
        person_only="it was stopped while it ran; this would run it again" if again else "",
    )


def command_of(run: Run, line: str, *, purpose: str) -> ShellCommand:
    """The action for a command line of a plan or of the settings."""
    return shell_command(
        line, timeout_s=run.settings.approval.timeout_s, purpose=purpose, env_names=environment_names()
    )


def record_check(run: Run, receipt: Ran, *, line: str, step: str | None) -> CheckRan:
    """Journal how a command ended; `line` is proven only if exactly it ran."""
    passed = receipt.exit_code == 0 and not receipt.timed_out
    event = CheckRan(
        step, receipt.command or line, passed, receipt.exit_code, tail=receipt.tail, seconds=receipt.seconds
    )
    run.journal.append(event)
    if passed and receipt.command == command_of(run, line, purpose="").text:
        run.proven.add(line)
    return event


async def check(run: Run, line: str, *, step: str | None) -> CheckRan | Receipt:
    """Run a check command unless it already passed on these bytes.

    Returns:
        The check's event (journalled), or the receipt that says why it could not run.
    """
    if line in run.proven:
        return CheckRan(step, line, passed=True, exit_code=0, tail="already passed on this tree", seconds=0.0)
    receipt = await run_command(
        run, line, step=step or "check", purpose="check", resume=run.pending.get(step or "check")
    )
    if not isinstance(receipt, Ran):
        return receipt
    return record_check(run, receipt, line=line, step=step)


def failure_note(event: CheckRan) -> str:
    """What the next draft is told about a failed check, bounded to 2,000 characters of output."""
    return (
        "# The check failed after your last answer was applied\n"
        f"$ {event.command}\nexit code {event.exit_code}\n{event.tail[-2_000:]}\nThe lines above are as they are now."
    )
