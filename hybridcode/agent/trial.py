"""One step of the past, tried by one model: draft, place, check in a scratch copy; nothing is proposed or applied.

Invariant: a check runs only if policy allows it by itself, and only in the scratch copy of the gate; the workspace is
read and never written.
"""

from dataclasses import dataclass, field
from functools import partial

from msgspec.structs import replace

from hybridcode.agent.checks import command_of, said
from hybridcode.agent.drafter import Drafted, draft_step, retry_note
from hybridcode.agent.kept import Kept
from hybridcode.agent.ladder import Rung, RungName
from hybridcode.agent.proving import Tried, draft_note, inconclusive, scratch_check
from hybridcode.agent.run import Run
from hybridcode.domain.action import FileChange, Ran, Ruling
from hybridcode.domain.errors import ContextError, ContextOverflow, GateError
from hybridcode.domain.events import CheckRan, DraftRefused, RungTaken, WindowAssembled
from hybridcode.domain.plan import Region, Step, Writer
from hybridcode.gate.scratch_contents import CannotCopy
from hybridcode.patch.check import unparsable
from hybridcode.repo.snapshot import Snapshot


@dataclass
class PastRun(Run):
    """A run that works on a tree of the past."""

    base: Snapshot | None = None
    """The tree that the step begins on."""
    laid: tuple[FileChange, ...] = ()
    """What makes it of the workspace as it is now."""

    async def snapshot(self) -> Snapshot:
        """The tree of the past."""
        assert self.base is not None
        return self.base


@dataclass(frozen=True)
class Checked:
    """What a check said of a tree of the past."""

    event: CheckRan | None
    """None where it did not run."""
    why: str = ""
    """Why it did not run, or why its failure may not be the tree's own fault."""

    @property
    def passed(self) -> bool:
        """It ran and passed."""
        return self.event is not None and self.event.passed

    @property
    def failed(self) -> bool:
        """It ran and failed, by the tree's own fault."""
        return self.event is not None and not self.event.passed and not self.why


@dataclass
class Outcome:
    """How a model did."""

    ends: list[str] = field(default_factory=list[str])
    """How each try ended."""
    passed_at: int = 0
    """The try that passed; 0 if none did."""
    window_digest: str = ""
    """Of the first window."""


async def check_past(run: PastRun, step: Step, changes: tuple[FileChange, ...] = ()) -> Checked:
    """Run a step's check on the tree of the past with `changes` laid over it.

    Raises:
        GateError: there is no scratch copy to run it in, or policy does not let it run by itself.
    """
    scratch = run.gate.effects.scratch
    if scratch is None:
        raise GateError("There is no sandbox for checks here.", "`hybridcode doctor` says what is missing.")
    assert step.check is not None
    tree = (await run.snapshot()).with_changes(changes).digest
    command = command_of(run, step.check, purpose="check")
    _require_allowed(run.gate.policy.judge(command), step.check)
    async with scratch.lock:
        try:
            await scratch.prepare(laid_over(run.laid, changes), tree=tree)
        except CannotCopy as error:
            return Checked(None, f"no scratch copy: {error}")
        receipt = await run.gate.submit(replace(command, tree=tree), step=step.id, title=step.check)
        await scratch.settle()
    if not isinstance(receipt, Ran):
        return Checked(None, getattr(receipt, "reason", "") or "it did not run")
    event = scratch_check(run, step, receipt)
    why = "" if event.passed else inconclusive(receipt)
    return Checked(event, f"`{receipt.command}`: {why}" if why else "")


async def try_step(run: PastRun, step: Step, *, writer: Writer, tries: int, why: str) -> Outcome:
    """Let one model write a step, again with the reason while it fails, at most `tries` times.

    Raises:
        ModelError: when the model cannot be asked.
        LimitReached: when the run's budget is used up.
        GateError: as `check_past`, or the check could not run.
    """
    outcome, feedback, kept = Outcome(), "", Kept()
    began = run.journal.append(RungTaken(step.id, _rung(writer, 1), writer, 1, why)).seq
    for attempt in range(1, tries + 1):
        if attempt > 1:
            run.journal.append(RungTaken(step.id, _rung(writer, attempt), writer, attempt, "again, with the reason"))
        end, feedback = await _try(run, step, Rung(_rung(writer, attempt), writer, attempt, why), feedback, kept)
        outcome.ends.append(end)
        if end == "passed":
            outcome.passed_at = attempt
            break
        if end == "too large":
            break
    windows = [e.event.digest for e in run.journal.envelopes(after=began) if isinstance(e.event, WindowAssembled)]
    outcome.window_digest = windows[0] if windows else ""
    return outcome


async def _try(run: PastRun, step: Step, rung: Rung, feedback: str, kept: Kept) -> tuple[str, str]:
    """How one draft ended, and what the next one is told."""
    try:
        drafted = await draft_step(run, step, rung, partial(_told, feedback, kept), kept=kept)
    except (ContextError, ContextOverflow):
        return "too large", ""
    if not isinstance(drafted, Drafted):
        return "not placed", retry_note(drafted)
    if refused := unparsable(drafted.changes):
        kept.spoil({refusal.path for refusal in refused if refusal.path is not None})
        run.journal.append(DraftRefused(step.id, rung.attempt, refused))
        return "does not parse", retry_note(refused)
    if not drafted.changes:
        return "changes nothing", "# Your last answer changed nothing\nMake the change that the step asks for."
    checked = await check_past(run, step, drafted.changes)
    if checked.event is None:
        raise GateError(f"The check of {step.id} did not run: {checked.why}", "Run it again.")
    if checked.event.passed:
        return "passed", ""
    paths = {*(await run.snapshot()).files, *(change.path for change in drafted.changes)}
    return "check failed", draft_note(Tried(checked.event, said=said(checked.event, paths)), drafted.changes)


def _told(feedback: str, kept: Kept, region: Region) -> str:
    """What the next answer for a place is told: why the one for it was refused, or what all of them came to."""
    found = kept.refusals.get(region, ())
    return retry_note(found) if found else feedback


def _rung(writer: Writer, attempt: int) -> RungName:
    if writer == "frontier":
        return "frontier"
    return "local" if attempt == 1 else "local_retry"


def laid_over(first: tuple[FileChange, ...], second: tuple[FileChange, ...]) -> tuple[FileChange, ...]:
    """Both, where the second has the last word, sorted by path."""
    both = {change.path: change for change in (*first, *second)}
    return tuple(both[path] for path in sorted(both))


def _require_allowed(ruling: Ruling, line: str) -> None:
    if ruling.verdict == "ask":
        raise GateError(f"`{line}` may not run unasked.", "Name it yourself: --test-cmd, or [verify] test_cmd.")
    if ruling.verdict == "deny":
        raise GateError(f"`{line}` may not run: {ruling.reason} (rule {ruling.rule}).", "Name another check.")
