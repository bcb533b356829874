"""One step from its start to its end.

Invariant: a step ends with exactly one StepEnded, unless it is cancelled: then whoever cancels says how it ended.
"""

from collections.abc import Sequence

from hybridcode.agent.checks import record_check, run_command, said
from hybridcode.agent.climbing import climb
from hybridcode.agent.endings import Ending, ending_of
from hybridcode.agent.run import Run
from hybridcode.domain.action import Declined, Ran
from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import StepEnded, StepStarted
from hybridcode.domain.plan import Step


async def run_step(run: Run, step: Step, *, ahead_of: Sequence[str] = ()) -> Ending:
    """Do one step and journal how it ended; `ahead_of` are earlier steps that are not settled yet.

    Raises:
        ModelError: when no model that could write it can be asked.
        PlanOnly: a person has switched to plan mode.
    """
    with run.lanes.at_work(step.id):
        run.require_effects()
        tree = (await run.snapshot()).digest if ahead_of else ""
        run.journal.append(StepStarted(step.id, tree, tuple(ahead_of)))
        try:
            ending = await (_run_command_step(run, step) if step.kind == "command" else climb(run, step))
        except HybridcodeError as error:
            run.journal.append(StepEnded(step.id, "interrupted", error.advice))
            raise
        run.journal.append(StepEnded(step.id, *ending))
        run.lanes.ended[step.id] = ending[0]
        return ending


async def _run_command_step(run: Run, step: Step) -> Ending:
    line = step.command or ""
    receipt = run.receipts.get(step.id)
    if not isinstance(receipt, Ran | Declined):
        run.lanes.propose(step.id)
        receipt = await run_command(run, line, step=step.id, purpose="step", resume=run.pending.get(step.id))
    if not isinstance(receipt, Ran):
        return ending_of(receipt)
    run.proven.clear()
    event = record_check(run, receipt, line=line, step=step.id)
    if event.passed:
        return "done", ""
    run.failures[step.id] = said(event, (await run.snapshot()).files)
    return "failed", "timed out" if receipt.timed_out else f"`{event.command}` ended with exit code {event.exit_code}"
