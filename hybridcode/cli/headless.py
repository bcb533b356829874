"""A run without a screen: opens a session, prints what happens, ends with an exit code.

Invariant: the exit code and the JSON result come from the same outcome and the same journal.
"""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from hybridcode.agent.run import Outcome
from hybridcode.cli import console
from hybridcode.cli.options import Flags, read_plan, session_to_resume
from hybridcode.cli.printer import TextPrinter, stream_json
from hybridcode.cli.summary import summary_lines
from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import Envelope
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.ports import Approver
from hybridcode.gate.approvers import PolicyOnly, Refuse
from hybridcode.gate.sandbox import Sandbox
from hybridcode.journal.approvals import Approvals
from hybridcode.session.calibration.shadow import Shadow
from hybridcode.session.consent import consented_checks
from hybridcode.session.plan_files import save_plan
from hybridcode.session.result import result_of
from hybridcode.session.session import Session, SessionOptions
from hybridcode.session.state import SessionState


def options_of(flags: Flags) -> SessionOptions:
    """Session options for a run without a person."""

    def make_approver(approvals: Approvals, sandbox: Sandbox) -> Approver:
        return policy_only(flags, sandbox) if flags.yes else Refuse()

    return SessionOptions(
        workspace=flags.workspace,
        loaded=flags.loaded,
        make_approver=make_approver,
        resume=session_to_resume(flags),
        plan=read_plan(flags),
    )


def policy_only(flags: Flags, sandbox: Sandbox) -> PolicyOnly:
    """The approver of --yes: checks that a person named may run without a sandbox."""
    is_off = flags.loaded.settings.approval.sandbox == "off"
    return PolicyOnly(is_sandboxed=is_off or sandbox.kind != "none", checks=consented_checks(flags.loaded))


def run_headless(
    options: SessionOptions, text: str | None, *, output_format: str, plan_file: Path | None = None
) -> ExitCode:
    """Run a task (or resume when `text` is None) and print it; its plan goes to `plan_file`, if one is named."""
    return asyncio.run(_run(options, text, output_format=output_format, plan_file=plan_file))


async def _run(options: SessionOptions, text: str | None, *, output_format: str, plan_file: Path | None) -> ExitCode:
    session = Session.open(options)
    try:
        printer = _printer(session, output_format)
        if printer is not None:
            watch = until_closed(printer)
            for envelope in session.state.envelopes:
                watch(envelope)
            session.subscribe(watch)
        shadow = Shadow(session)
        _obey_signals(session, shadow)
        starting = asyncio.create_task(session.start_models())
        outcome = await (session.run(text) if text is not None else session.resume())
        starting.cancel()
        await shadow.catch_up()
        await session.leave_worktree()
        if plan_file is not None:
            _save_plan(session, plan_file)
        with suppress(OSError):  # nobody reads any more: the exit code still says how it ended
            _print_end(session, outcome, output_format)
        return outcome.code
    finally:
        await session.close()


def _save_plan(session: Session, path: Path) -> None:
    """Raises: ConfigError, when the file cannot be written."""
    task = session.state.task
    if task is None or task.plan is None or not task.plan.steps:
        console.say("There is no plan with steps: none was saved.", colour="yellow")
        return
    save_plan(path, task.plan, task=task.task.text)
    console.say(f"the plan is in {path}: hybridcode run --plan {path} follows it")


def _printer(session: Session, output_format: str) -> Callable[[Envelope], None] | None:
    match output_format:
        case "text":
            return TextPrinter(session.log.get_blob)
        case "stream-json":
            return stream_json
        case _:
            return None


def print_failure(error: HybridcodeError, output_format: str) -> None:
    """The result of a run that could not begin, where a program reads it."""
    _print_json(result_of(SessionState(), error.exit_code, error.advice), output_format)


def _print_json(result: dict[str, Any], output_format: str) -> None:
    """A result for programs; nothing where the output is text."""
    match output_format:
        case "json":
            console.json_data(result)
        case "stream-json":
            console.json_line(msgspec.json.encode({"type": "result", **result}))
        case _:
            pass


def until_closed(watch: Callable[[Envelope], None]) -> Callable[[Envelope], None]:
    """Stop telling when nobody reads any more; the run goes on."""
    closed = False

    def tell(envelope: Envelope) -> None:
        nonlocal closed
        if closed:
            return
        try:
            watch(envelope)
        except OSError:
            closed = True

    return tell


def _obey_signals(session: Session, shadow: Shadow) -> None:
    def stop(by: str) -> None:
        session.interrupt(by)
        shadow.stop()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, stop, "Ctrl+C")
    loop.add_signal_handler(signal.SIGTERM, stop, "SIGTERM")
    loop.add_signal_handler(signal.SIGHUP, stop, "SIGTERM")


def _print_end(session: Session, outcome: Outcome, output_format: str) -> None:
    result = result_of(session.state, outcome.code, outcome.message)
    _print_json(result, output_format)
    if output_format == "text":
        for line in summary_lines(result):
            console.data(console.shown(line))
