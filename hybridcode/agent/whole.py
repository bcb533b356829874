"""The check of the whole task, on the draft that is the last one missing, together with all other steps of the plan.

Invariant: it is tried only where every other step is done or waits with its draft; what it says is about all of these
together, in a scratch copy, so it never keeps a draft from being proposed.
"""

from dataclasses import replace

from hybridcode.agent.proving import NOTHING, Tried, may_try, try_ahead, try_command
from hybridcode.agent.run import Run
from hybridcode.domain.action import ChangeSet, FileChange, ShellCommand
from hybridcode.domain.plan import Step
from hybridcode.journal.states import UNDECIDED

_LOOKS = 5
"""How often it is tried while other steps are applied meanwhile."""


def is_whole(run: Run, step: Step) -> bool:
    """The step's own check is that of the whole task."""
    return bool(step.check) and step.check == _line(run)


async def try_own(run: Run, step: Step, changes: tuple[FileChange, ...]) -> Tried:
    """Try a step's own check; one that is the task's is tried on all steps together where that can be done."""
    whole = await try_whole(run, step, changes) if is_whole(run, step) else NOTHING
    return whole if whole.event is not None else await try_ahead(run, step, changes)


async def try_whole(run: Run, step: Step, changes: tuple[FileChange, ...]) -> Tried:
    """Run the task's check on all steps together; nothing where one of them is not done and has no draft that waits.

    Earlier steps are waited for as long as they are being written.
    """
    if not (line := _line(run)) or (is_whole(run, step) and not _others(run, step)):
        return NOTHING
    for _ in range(_LOOKS):
        await run.lanes.turn(step.id)
        effects = run.lanes.effects
        beside = _waiting(run, step)
        if beside is None:
            return NOTHING
        drafts = tuple(change for found in beside.values() for change in found)
        tried = await try_command(run, step, line, (*drafts, *changes), is_of_all=True)
        if tried is not NOTHING or effects == run.lanes.effects:
            return replace(tried, beside=tuple(name for name, found in beside.items() if found))
    return NOTHING


def is_tried(run: Run, step: Step) -> bool:
    """A check tells in a scratch copy which draft of a step is right: its own, or that of the task if all others are
    done or wait."""
    line = step.check or (_line(run) if _waiting(run, step) is not None else "")
    return may_try(run, line)


def is_last(run: Run, step: Step) -> bool:
    """All other steps are done."""
    return all(run.is_done(other.id) for other in _others(run, step))


async def others_done(run: Run, step: Step) -> bool:
    """All other steps are done, those that somebody is asked about once that is so.

    Nobody is waited for who waits for this step: a later one, or any where the workspace belongs to this one.
    """
    lanes = run.lanes
    earlier = lanes.order[: lanes.order.index(step.id)] if step.id in lanes.order else ()
    if not lanes.owns(step.id):
        await lanes.bell.until(lambda: all(lanes.doing.get(name) is None for name in earlier))
    return is_last(run, step)


def _line(run: Run) -> str:
    """The command that proves the whole task; empty if none does."""
    return run.settings.verify.test_cmd or (run.plan.check if run.plan is not None else None) or ""


def _others(run: Run, step: Step) -> tuple[Step, ...]:
    return tuple(other for other in run.plan.steps if other.id != step.id) if run.plan is not None else ()


def _waiting(run: Run, step: Step) -> dict[str, tuple[FileChange, ...]] | None:
    """What other steps have drafted and nobody has applied yet; None where one has neither ended well nor drafted."""
    rows = run.gate.approvals.in_state(*UNDECIDED, session=run.journal.id)
    actions = {row.proposal.step: row.proposal.action for row in rows}
    found: dict[str, tuple[FileChange, ...]] = {}
    for other in _others(run, step):
        if run.is_done(other.id):
            continue
        match actions.get(other.id) if other.kind != "command" else None:
            case ChangeSet(edits=edits):
                found[other.id] = tuple(
                    FileChange(edit.path, _blob(run, edit.before_sha256), _blob(run, edit.after_sha256), edit.mode)
                    for edit in edits
                )
            case ShellCommand():
                pass  # its change is applied, and somebody is asked about its check
            case _:
                return None
    return found


def _blob(run: Run, digest: str | None) -> bytes | None:
    return None if digest is None else run.journal.get_blob(digest)
