"""A step's check on a draft, in a scratch copy, before anybody is asked about the draft.

Invariant: it runs only what a person or policy has allowed already, only in a sandbox, and only on exactly the bytes
that are proposed afterwards; what cannot be tried this way is asked about first, and checked after it was applied.
"""

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass

from msgspec.structs import replace

from hybridcode.agent.checks import command_of, failing_of, said
from hybridcode.agent.diffs import Versions, bounded_diff
from hybridcode.agent.distil import by_file, frames
from hybridcode.agent.drafter import is_readable
from hybridcode.agent.run import Run
from hybridcode.agent.sandbox_limits import kept_from
from hybridcode.agent.unbroken import comparison, excuse
from hybridcode.domain.action import FileChange, Ran
from hybridcode.domain.events import CheckRan, NoticeGiven
from hybridcode.domain.plan import Step
from hybridcode.gate.scratch import Scratch
from hybridcode.gate.scratch_contents import CannotCopy
from hybridcode.repo.snapshot import Snapshot

_NOT_STARTED = (126, 127)
"""Exit codes of a shell that could not start a program."""
_OUT_OF_REACH = ("Read-only file system", "Permission denied", "out of pty devices")
"""What the system says of what a copy only shows, or does not hold."""
_DIFF_CHARS = 2_000
_LOOKS = 5
"""How often a copy is made of a tree that keeps changing."""


@dataclass(frozen=True)
class Tried:
    """What a check said of a draft in a scratch copy."""

    event: CheckRan | None = None
    """None where nothing can be concluded: it was not run, or ended in a way that says nothing about the draft."""
    tree: str = ""
    """Digest of the tree that it ran on."""
    proves: bool = False
    """It passed, and left the files of that tree alone."""
    said: str = ""
    """What a model is told of it."""
    excuse: str = ""
    """Why its failure is not held against the draft; empty if it is."""
    snapshot: Snapshot | None = None
    """The tree that it ran on."""
    frames: tuple[tuple[str, int], ...] = ()
    """Paths and lines of that tree that a failure names, in order."""
    is_of_all: bool = False
    """It is the check of the whole task, on all steps of the plan together."""
    beside: tuple[str, ...] = ()
    """Ids of steps whose drafts, not applied yet, were a part of that tree."""

    @property
    def failed(self) -> bool:
        """The draft does not do what its step wants."""
        return self.event is not None and not self.event.passed and not self.excuse

    @property
    def proven_by(self) -> str:
        """The check that proves the draft; empty if none does."""
        return self.event.command if self.event is not None and self.proves else ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person must know of it."""
        if self.event is None:
            return ()
        if self.event.passed:
            with_drafts = (
                f"`{self.event.command}` passed together with the drafts of {', '.join(self.beside)}, which wait"
            )
            return (with_drafts,) if self.beside else ()
        why = f"; {self.excuse}" if self.excuse else ""
        what = "all steps of the plan together" if self.is_of_all else "exactly these bytes"
        return (f"`{self.event.command}` failed on {what}: exit code {self.event.exit_code}{why}",)


NOTHING = Tried()


def may_try(run: Run, line: str) -> bool:
    """A command may run in a scratch copy before anybody was asked, and what it says there counts."""
    scratch = run.gate.effects.scratch
    if scratch is None or not line:
        return False
    command = command_of(run, line, purpose="check")
    return command.text not in scratch.distrusted and run.gate.policy.judge(command).verdict == "allow"


async def try_ahead(run: Run, step: Step, changes: tuple[FileChange, ...]) -> Tried:
    """Run a step's check on a draft, if it may run before anybody was asked and there is a sandbox for it."""
    return await try_command(run, step, step.check or "", changes)


async def try_command(
    run: Run, step: Step, line: str, changes: tuple[FileChange, ...], *, is_of_all: bool = False
) -> Tried:
    """As `try_ahead`, of any command; `is_of_all`: it proves the whole task, and `changes` are of all steps."""
    scratch = run.gate.effects.scratch
    if scratch is None or not may_try(run, line) or run.gate.policy.judge(run.gate.seal(changes)).verdict == "deny":
        return NOTHING
    command = command_of(run, line, purpose="check")
    changes = tuple(replace(change, path=run.gate.policy.places.plain(change.path)) for change in changes)
    async with scratch.lock:
        try:
            snapshot = await prepared(run, scratch, changes)
        except CannotCopy as error:
            tell_once(run, scratch, f"no scratch copy: {error}", "Checks run after you have approved.")
            return NOTHING
        if snapshot is None:
            return NOTHING
        tree = scratch.tree
        receipt = await run.gate.submit(replace(command, tree=tree), step=step.id, title=line)
        changed = await scratch.settle()
    if not isinstance(receipt, Ran):
        return NOTHING
    tried = _concluded(run, step, receipt, tree=tree, changed=changed)
    if tried.event is None:
        return tried
    laid = snapshot.with_changes(changes)
    return dataclasses.replace(
        tried,
        said=failure_said(run, tried.event, {*snapshot.files, *laid.files}),
        excuse=excuse(run, step, tried.event, is_of_all=is_of_all),
        snapshot=laid,
        frames=() if tried.event.passed else tuple(frames(_output(run, receipt), laid.files)),
        is_of_all=is_of_all,
    )


async def prepared(run: Run, scratch: Scratch, changes: tuple[FileChange, ...]) -> Snapshot | None:
    """Make the copy hold a draft on the tree as it is now; None where the draft was made for other bytes.

    Another step may be applied meanwhile: then which tree the copy holds is not known, and it is made once more.

    Raises:
        CannotCopy: why there is no copy.
    """
    for look in range(_LOOKS):
        snapshot = await run.snapshot()
        if not all(_fits(snapshot, change) for change in changes):
            return None
        try:
            await scratch.prepare(changes, tree=snapshot.with_changes(changes).digest)
        except CannotCopy:
            if not run.lanes.is_shared or look == _LOOKS - 1:
                raise
            continue
        if not run.lanes.is_shared or (await run.snapshot()).digest == snapshot.digest:
            return snapshot
    return None


def learn(run: Run, tried: Tried, *, tree: str, passed: bool) -> None:
    """Compare with what the check said of the same tree in the workspace: where they differ, the copy is not asked."""
    scratch = run.gate.effects.scratch
    if scratch is None or tried.event is None or not tried.failed or not passed or tree != tried.tree:
        return
    command = tried.event.command
    scratch.distrusted.add(command)
    tell_once(run, scratch, f"`{command}` fails in a scratch copy and passes in the workspace", _LATER)


def draft_note(tried: Tried, changes: tuple[FileChange, ...], *, is_own: bool = True) -> str:
    """What the next draft is told about one that failed its check and was not applied, bounded."""
    event = tried.event
    assert event is not None
    files = {change.path: Versions(change.before, change.after) for change in changes}
    diff = bounded_diff(files, most_chars=_DIFF_CHARS, places=by_file(tried.frames))
    whose = "your last answer" if is_own else "the last answer, by another model"
    beside = ", together with the other steps of the plan" if tried.is_of_all else ""
    return (
        f"# The check failed on {whose}, which was not applied{beside}\n"
        f"{tried.said}\n"
        f"{'Your last' if is_own else 'That'} answer, as a diff:\n{diff}\n"
        "The lines above are as they were before it."
    )


def failure_said(run: Run, event: CheckRan, paths: Collection[str]) -> str:
    """As `said`, and which failing tests are new where some failed before any change."""
    beside = comparison(run, event)
    return f"{said(event, paths)}\n{beside}" if beside else said(event, paths)


def _output(run: Run, receipt: Ran) -> str:
    return run.journal.get_blob(receipt.output_sha256).decode("utf-8", "replace")


_LATER = "From now on it runs after you have approved."


def _fits(snapshot: Snapshot, change: FileChange) -> bool:
    """The file is what the draft was made for."""
    if change.path not in snapshot.files:
        return change.before is None
    return is_readable(snapshot, change.path) and snapshot.read(change.path) == change.before


def scratch_check(run: Run, step: Step, receipt: Ran) -> CheckRan:
    """Journal how a step's check ended in a scratch copy."""
    passed = receipt.exit_code == 0 and not receipt.timed_out
    event = CheckRan(
        step.id,
        receipt.command,
        passed,
        receipt.exit_code,
        tail=receipt.tail,
        seconds=receipt.seconds,
        where="scratch",
        failing=() if passed else failing_of(run, receipt),
        kept_from=kept_from(receipt, run.root),
    )
    run.journal.append(event)
    return event


def _concluded(run: Run, step: Step, receipt: Ran, *, tree: str, changed: tuple[str, ...]) -> Tried:
    event = scratch_check(run, step, receipt)
    passed = event.passed
    scratch = run.gate.effects.scratch
    assert scratch is not None
    if changed:
        names = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
        many = "1 file" if len(changed) == 1 else f"{len(changed)} files"
        hint = "So it proves nothing about the draft; it runs again after you have approved." if passed else ""
        tell_once(run, scratch, f"`{event.command}` changed {many} in the scratch copy: {names}", hint)
    if not passed and (why := inconclusive(receipt)):
        scratch.distrusted.add(event.command)
        tell_once(run, scratch, f"`{event.command}` cannot be tried in a scratch copy: {why}", _LATER)
        return NOTHING
    return Tried(event, tree, proves=passed and not changed)


def inconclusive(receipt: Ran) -> str:
    """Why a failure may be the copy's and not the draft's; empty if it is the draft's."""
    if receipt.timed_out:
        return "it takes too long there"
    if receipt.exit_code in _NOT_STARTED:
        return "it could not be started there"
    is_out_of_reach = any(words in receipt.tail for words in _OUT_OF_REACH)
    return "it wants what is read-only or out of reach there" if is_out_of_reach else ""


def tell_once(run: Run, scratch: Scratch, text: str, hint: str) -> None:
    """Give a notice once in a session."""
    if text not in scratch.told:
        scratch.told.add(text)
        run.journal.append(NoticeGiven("info", text, hint))
