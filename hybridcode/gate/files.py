"""Puts a change set on disk: all of its files or none, each old or new and never half.

Invariant: folders are entered one by one from the workspace's own descriptor and no symbolic link is followed; a file
is only replaced while it still is what the change was made for, which is seen once more after it was replaced.
"""

import contextlib
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from pathlib import Path

from hybridcode.domain.action import Applied, ChangeSet, Failed, Stale, Unknown, action_digest
from hybridcode.gate.file_folders import CannotWrite, Folders, explained, opened, why
from hybridcode.gate.file_job import OUR_PREFIX, Job, Load, MovedOn, State


class _NotPutBack(Exception):
    """A file that was changed could not be made what it was."""


def never() -> bool:
    """Nobody wants it to stop."""
    return False


def apply(
    root: Path, change: ChangeSet, *, load: Load, is_stopped: Callable[[], bool] = never
) -> Applied | Stale | Failed | Unknown:
    """Write a change set. `load` gives the bytes behind a digest. May run in a thread of its own.

    Waits up to ten seconds while another process writes to the workspace; `is_stopped` ends that wait, nothing else.
    """
    try:
        with opened(root, is_stopped) as folders:
            jobs = [_entered(job, folders) for job in _jobs(change)]
            if unclear := [job.edit.path for job in jobs if job.is_unclear]:
                return Failed(f"{', '.join(unclear)}: beside it lies what an earlier apply left; see `{OUR_PREFIX}*`")
            if stale := tuple(job.edit.path for job in jobs if not job.is_base):
                return Stale(stale)
            return _write(jobs, jobs, change, load, folders)
    except _NotPutBack as error:
        return Unknown(str(error))
    except CannotWrite as error:
        return Failed(str(error))


def recover(root: Path, change: ChangeSet, *, load: Load) -> Applied | Failed | Unknown:
    """Settle an apply that was cut off: all of its files are what they should become, or what they were before.

    Files that nobody accounts for stay as they are found; then the others are all new or all old, and it says which.
    """
    try:
        with opened(root, never) as folders:
            jobs = _jobs(change)
            reasons = {job.edit.path: reason for job in jobs if (reason := _why_strange(job, folders))}
            if reasons:
                return _unclear(jobs, reasons, load, folders)
            todo = [job for job in jobs if job.state == "base" and not job.is_done]
            return _finish(todo, jobs, change, load, folders)
    except (_NotPutBack, CannotWrite) as error:
        return Unknown(str(error))


def _finish(
    todo: Sequence[Job], jobs: Sequence[Job], change: ChangeSet, load: Load, folders: Folders
) -> Applied | Failed:
    try:
        receipt = _write(todo, jobs, change, load, folders)
    except CannotWrite as error:
        return _unfinished(str(error))
    return _unfinished(f"{', '.join(receipt.paths)} changed meanwhile") if isinstance(receipt, Stale) else receipt


def _why_strange(job: Job, folders: Folders) -> str:
    """Why a file can neither be finished nor put back; empty if it can."""
    try:
        _entered(job, folders)
    except CannotWrite as error:
        job.is_unclear = True
        return str(error)
    if job.is_unclear:
        place = "/".join((*job.parent, job.aside))
        return f"{job.edit.path}: was written to while it was replaced; the bytes that stood there are in {place}"
    return f"{job.edit.path}: is neither the old nor the new version" if job.state == "other" else ""


def _unfinished(reason: str) -> Failed:
    return Failed(f"it was cut off and could not be finished: {reason}; what had been written was taken back")


def survey(root: Path, change: ChangeSet) -> dict[str, State]:
    """What each file is now: its result, its base, or something else."""
    try:
        with opened(root, never) as folders:
            jobs = [_entered(job, folders, only_look=True) for job in _jobs(change)]
            return {job.edit.path: job.state for job in jobs}
    except CannotWrite:
        return {edit.path: "other" for edit in change.edits}


def _jobs(change: ChangeSet) -> list[Job]:
    tag = f"{OUR_PREFIX}{action_digest(change)[:16]}"
    split = [_parts(edit.path) for edit in change.edits]
    return [
        Job(edit, tuple(parent), name, staged=f"{tag}-{index}.new", aside=f"{tag}-{index}.old")
        for index, (edit, (*parent, name)) in enumerate(zip(change.edits, split, strict=True))
    ]


def _entered(job: Job, folders: Folders, *, only_look: bool = False) -> Job:
    """The job with its folder open and its file looked at, and what an apply before it left sorted out."""
    with explained(job.edit.path):
        job.folder = folders.enter(job.parent)
        job.look() if only_look else job.adopt()
    return job


def _parts(path: str) -> list[str]:
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts) or path.startswith("/"):
        raise CannotWrite(f"{path}: not a plain path inside the workspace")
    return parts


def _write(
    todo: Sequence[Job], jobs: Sequence[Job], change: ChangeSet, load: Load, folders: Folders
) -> Applied | Stale | Failed:
    """Do what is left to do. If that fails, everything is taken back, also what was done before a crash."""
    used = [job.parent for job in jobs]
    try:
        with _taking_back(jobs, load, folders):
            for job in todo:
                job.clean()
                with explained(job.edit.path):
                    job.stage(folders, load)
            _stay(folders, used, jobs)
            for job in todo:
                with explained(job.edit.path):
                    job.commit()
            _stay(folders, used, jobs)
            with explained("the folders written to"):
                folders.sync(used)
    except MovedOn as moved:
        return Stale(moved.args)
    for job in jobs:
        job.clean()
    with contextlib.suppress(OSError):
        folders.sync(used)  # so that a power failure brings none of our own files back
    return Applied(change.edits, already=not todo)


def _stay(folders: Folders, used: Sequence[tuple[str, ...]], jobs: Iterable[Job]) -> None:
    """Make sure that what is written into the folders is written into the workspace."""
    with explained("the folders written to"):
        moved = folders.moved(used)
    if moved:
        raise MovedOn(*(job.edit.path for job in jobs if job.parent in moved))


@contextlib.contextmanager
def _taking_back(jobs: Sequence[Job], load: Load, folders: Folders) -> Generator[None]:
    try:
        yield
    except MovedOn as moved:
        kept = _take_back(jobs, load, folders)
        raise MovedOn(*dict.fromkeys((*moved.args, *kept))) from moved
    except CannotWrite as error:
        if kept := _take_back(jobs, load, folders):
            raise CannotWrite(f"{error}; {', '.join(kept)} changed meanwhile and stays so") from error
        raise
    except BaseException:
        _take_back(jobs, load, folders)
        raise


def _take_back(jobs: Sequence[Job], load: Load, folders: Folders) -> list[str]:
    """Every file is what it was before, but those that somebody has written to since: their paths.

    Raises:
        _NotPutBack: one could not be put back; names it, and says where its former bytes are.
    """
    kept: list[str] = []
    failed: list[str] = []
    for job in reversed(jobs):
        try:
            if not job.take_back(load):
                kept.append(job.edit.path)
            job.clean()
        except OSError as error:
            where = f"; what it was is in {'/'.join((*job.parent, job.aside))}" if job.keeps_former else ""
            failed.append(f"{job.edit.path} was changed and could not be put back: {why(error)}{where}")
    folders.unmake()
    with contextlib.suppress(OSError):
        folders.sync([job.parent for job in jobs])
    if failed:
        raise _NotPutBack("; ".join(failed))
    return kept


def _unclear(jobs: Sequence[Job], reasons: Mapping[str, str], load: Load, folders: Folders) -> Unknown:
    """Some files are not ours any more: leave them, and see to it that the others are all new or all old."""
    others = [job for job in jobs if job.edit.path not in reasons]
    done = [job for job in others if job.is_done]
    said = [f"{'; '.join(reasons.values())}; left as found"]
    if done and len(done) < len(others):
        kept = _take_back(done, load, folders)
        said.append(f"put back: {', '.join(job.edit.path for job in done if job.edit.path not in kept)}")
    elif others:
        said.append(f"{'written' if done else 'not written'}: {', '.join(job.edit.path for job in others)}")
    for job in jobs:
        job.clean()
    return Unknown("; ".join(said))
