"""The check of a task on the tree as it is, before anything is planned: what a red or green one afterwards is worth.

Invariant: it runs only what a person or policy has allowed already, only in a scratch copy, at most once for the same
same tree and command in a session, and within its own limit of time; one that says nothing leaves no baseline. Where
a check that is allowed has no copy to run in, a person is told why.
"""

import shlex

from msgspec.structs import replace

from hybridcode.agent.checks import command_of, failing_of, said_before
from hybridcode.agent.first import is_question
from hybridcode.agent.proving import inconclusive, prepared, tell_once
from hybridcode.agent.run import Run
from hybridcode.domain.action import Ran, ShellCommand
from hybridcode.domain.events import CheckRan, NoticeGiven
from hybridcode.domain.planned import BaselineTaken
from hybridcode.gate.scratch import Scratch
from hybridcode.gate.scratch_contents import CannotCopy

STEP = "(before)"
"""The step that it belongs to; no plan can use this id."""
_HEADING = "# The check now, before any change"
_MOST_SHOWN = 4
"""Failing tests that a planner is shown."""
_UNKNOWN = "Whether it passes now is not known: what the local model plans is judged even if it passes afterwards."


async def take_baseline(run: Run) -> None:
    """Let the run know how its check ends before any change, if that can be known and nobody knows yet.

    Raises:
        GateError, JournalError: it could not be recorded.
    """
    scratch = run.gate.effects.scratch
    if run.baseline is not None or not _is_wanted(run):
        return
    command = command_of(run, run.settings.verify.test_cmd, purpose="check")
    if command.text in run.baselines.too_long or not _may_run(run, command):
        return
    if scratch is None:
        run.baselines.too_long.add(command.text)
        run.journal.append(
            NoticeGiven("info", f"`{command.text}` is not run before planning: {_no_copy(run)}", _UNKNOWN)
        )
        return
    if command.text in scratch.distrusted:
        return
    found = await _taken(run, scratch, command)
    if found is not None:
        run.baseline = found
        run.journal.append(found)


def keep_for_later(run: Run, event: CheckRan, tree: str) -> None:
    """The task's check passed on this very tree at its end: for the session's next task that is how it begins."""
    if event.passed:
        told = said_before(event.command, 0, "", ())
        run.baselines.found[tree, event.command] = BaselineTaken(event.command, tree, True, 0, event.seconds, told)


def baseline_part(baseline: BaselineTaken | None) -> str:
    """What a request for a plan says of it; empty if nothing is known."""
    return f"{_HEADING}\n{baseline.told}" if baseline is not None else ""


def check_line(command: str, baseline: BaselineTaken | None) -> str:
    """The check's command, behind it the first tests that fail now: what names the tests that a planner is shown."""
    failing = baseline.failing[:_MOST_SHOWN] if baseline is not None else ()
    return " ".join((command, *map(shlex.quote, failing)))


def _is_wanted(run: Run) -> bool:
    verify = run.settings.verify
    is_on = verify.baseline != "off" and bool(verify.test_cmd)
    return is_on and not run.is_planning_only and not is_question(run.task.text)


def _may_run(run: Run, command: ShellCommand) -> bool:
    """Policy allows it by itself, which is what consent to a check is."""
    return run.gate.policy.judge(command).verdict == "allow"


async def _taken(run: Run, scratch: Scratch, command: ShellCommand) -> BaselineTaken | None:
    """The baseline of the tree as it is now; None where the check says nothing about it."""
    if (known := run.baselines.found.get(((await run.snapshot()).digest, command.text))) is not None:
        return replace(known, is_reused=True)
    async with scratch.lock:
        try:
            snapshot = await prepared(run, scratch, ())
        except CannotCopy as error:
            tell_once(run, scratch, f"no scratch copy: {error}", "Checks run after you have approved.")
            return None
        if snapshot is None:
            return None
        tree = scratch.tree
        bounded = replace(command, tree=tree, timeout_s=_limit(run, command))
        receipt = await run.gate.submit(bounded, step=STEP, title=run.settings.verify.test_cmd)
        await scratch.settle()
    if not isinstance(receipt, Ran) or _says_nothing(run, scratch, receipt):
        return None
    found = _read(run, receipt, tree=tree, paths=frozenset(snapshot.files))
    run.baselines.found[tree, command.text] = found
    return found


def _no_copy(run: Run) -> str:
    """Why there is no scratch copy in this session."""
    if run.settings.approval.sandbox == "off":
        return '[approval] sandbox is "off" (--no-sandbox), so it would not stay in a scratch copy'
    if run.settings.verify.scratch == "off":
        return '[verify] scratch is "off"'
    return "no sandbox here would keep it in a scratch copy"


def _limit(run: Run, command: ShellCommand) -> float:
    """Seconds that it may take; 0 = no limit."""
    limits = [seconds for seconds in (run.settings.verify.baseline_s, command.timeout_s) if seconds > 0]
    return min(limits, default=0.0)


def _says_nothing(run: Run, scratch: Scratch, receipt: Ran) -> bool:
    """The command did not come to an end that is about the tree; a person is told why, and it is not tried again."""
    if receipt.timed_out:
        run.baselines.too_long.add(receipt.command)
        text = f"`{receipt.command}` takes longer than {receipt.seconds:.0f} s: it is not run before planning"
        tell_once(run, scratch, text, "[verify] baseline_s is the limit.")
        return True
    if receipt.exit_code == 0 or not (why := inconclusive(receipt)):
        return False
    run.baselines.too_long.add(receipt.command)
    tell_once(run, scratch, f"`{receipt.command}` says nothing before any change: {why}", "")
    return True


def _read(run: Run, receipt: Ran, *, tree: str, paths: frozenset[str]) -> BaselineTaken:
    output = run.journal.get_blob(receipt.output_sha256).decode("utf-8", "replace")
    return BaselineTaken(
        command=receipt.command,
        tree=tree,
        passed=receipt.exit_code == 0,
        exit_code=receipt.exit_code,
        seconds=receipt.seconds,
        told=said_before(receipt.command, receipt.exit_code, output, paths),
        failing=failing_of(run, receipt) if receipt.exit_code else (),
    )
