"""A bug is shown by a failing test before it is fixed: the first step's test must fail first, and pass in the end.

Invariant: a test counts as a reproduction only if it could run, its file parses, and its command failed on the tree as
it is before the fix; what it said is on record before the next step begins.
"""

import dataclasses
from dataclasses import dataclass

from msgspec.structs import replace

from hybridcode.agent.checks import NOT_STARTED, check, said
from hybridcode.agent.distil import failing_names
from hybridcode.agent.proving import Tried
from hybridcode.agent.run import Run
from hybridcode.context.signals import is_test
from hybridcode.domain.action import Receipt
from hybridcode.domain.asked import FailureReproduced
from hybridcode.domain.events import CheckRan
from hybridcode.domain.plan import Plan, Step

ASKED = (
    "# Reproduce first\nThe first step writes a test that fails now because of the bug and passes once it is fixed; "
    'it changes tests only, and its "c" runs just that test. The fix comes in later steps.'
)
"""What the planner is told."""
_NO_TESTS = 5
"""pytest's exit code where it found no test."""


@dataclass(frozen=True)
class NotReproduced:
    """Why a test does not show the bug."""

    reason: str


def must_reproduce(run: Run) -> bool:
    """The plan has to begin with a failing test: it is asked for, and no check fails already."""
    return run.settings.verify.reproduce and (run.baseline is None or run.baseline.passed)


def problems_of_reproducing(plan: Plan) -> list[str]:
    """What keeps a plan from reproducing the bug first."""
    if not plan.steps:
        return []
    first = plan.steps[0]
    others = [region.path for region in first.regions if not is_test(region.path)]
    problems = [f"step {first.id} must reproduce the bug, so it changes tests only, not {path}" for path in others]
    if not first.check:
        problems.append(f"step {first.id} must reproduce the bug: it needs the command that runs its test")
    if len(plan.steps) == 1:
        problems.append("there is no step for the fix")
    return problems


def with_reproduction_first(plan: Plan) -> Plan:
    """The plan with all other steps waiting for the first one."""
    first, *rest = plan.steps
    waiting = tuple(replace(step, needs=tuple(dict.fromkeys((*step.needs, first.id)))) for step in rest)
    return replace(plan, steps=(first, *waiting))


def reproducing_step(plan: Plan, *, is_asked: bool) -> str:
    """Id of the step that must reproduce the bug; empty if none must."""
    return plan.steps[0].id if is_asked and plan.steps and not problems_of_reproducing(plan) else ""


def turned(run: Run, step: Step, tried: Tried) -> Tried:
    """What a try in a scratch copy means for this step: of the one that reproduces, a failure is what is wanted."""
    if step.id != run.reproduces or tried.event is None:
        return tried
    found = _judged(tried.event)
    if isinstance(found, FailureReproduced):
        return Tried()
    failed = replace(tried.event, passed=False)
    return dataclasses.replace(tried, event=failed, proves=False, said=f"{found.reason}\n{tried.said}")


async def reproduced_here(run: Run, step: Step) -> FailureReproduced | NotReproduced | Receipt:
    """Run the test on the changed tree, before anything is fixed; a failure is on record then.

    Returns the receipt of a check that could not run.
    """
    event = await check(run, step.check or "", step=step.id)
    if not isinstance(event, CheckRan):
        return event
    found = _judged(event)
    if isinstance(found, FailureReproduced):
        run.journal.append(found)
        return found
    paths = (await run.snapshot()).files
    return NotReproduced(f"{found.reason}\n{said(event, paths)}")


def _judged(event: CheckRan) -> FailureReproduced | NotReproduced:
    if event.passed:
        return NotReproduced("The test passes before the fix, so it does not show the bug.")
    if event.exit_code in NOT_STARTED or (event.exit_code == _NO_TESTS and "pytest" in event.command):
        return NotReproduced("The command ran no test.")
    return FailureReproduced(event.step or "", event.command, failing_names(event.tail))
