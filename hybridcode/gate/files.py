"""Puts a change set on disk: all of its files or none, each old or new and never half.

Invariant: folders are entered one by one from the workspace's own descriptor and no symbolic link is followed; a file
is only replaced while it still is what the change was made for.
"""

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hybridcode.domain.action import Applied, ChangeSet, Failed, FileEdit, Stale, action_digest
from hybridcode.domain.canonical import sha256_hex

Load = Callable[[str], bytes]
"""The bytes behind a digest."""
State = Literal["result", "base", "other"]
_LOCK_S = 10.0
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission is refused",
    errno.EPERM: "permission is refused",
    errno.ENOTDIR: "a part of its path is a symbolic link or no folder",
    errno.ELOOP: "it is a symbolic link, or leads through one",
    errno.EISDIR: "it is a folder",
    errno.ENAMETOOLONG: "its name is too long",
}


class _CannotWrite(Exception):
    """Stops an apply; everything done so far is taken back."""


class _MovedOn(Exception):
    """The file changed between the check and the write."""


@dataclass
class _Job:
    """One file of a change set on its way."""

    edit: FileEdit
    temp: str
    old: str
    folder: int = -1
    """Descriptor of the folder; -1 while it does not exist."""
    name: str = ""
    present: os.stat_result | None = None
    content: bytes = b""
    is_done: bool = False
    keeps_old: bool = False
    """`old` names the former file."""
    made: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    """Folders created for it."""


def never() -> bool:
    """Nobody wants it to stop."""
    return False


def apply(
    root: Path, change: ChangeSet, *, load: Load, is_redo: bool = False, is_stopped: Callable[[], bool] = never
) -> Applied | Stale | Failed:
    """Write a change set. `load` gives the bytes behind a digest. May run in a thread of its own.

    Waits up to ten seconds while another process writes to the workspace; `is_stopped` ends that wait, nothing else.
    With `is_redo`, files that already are what they should become count as fresh: an apply that a crash cut off is
    finished by doing it again.
    """
    try:
        with contextlib.ExitStack() as stack:
            jobs = _open(root, change, stack, is_stopped)
            todo = [job for job in jobs if not (is_redo and _is_result(job))]
            if is_redo:
                _clean(jobs)
                if not todo:
                    return Applied(change.edits, already=True)
            if stale := tuple(job.edit.path for job in todo if not _is_base(job)):
                return Stale(stale)
            return _write(root, todo, change, load, stack)
    except _CannotWrite as error:
        return Failed(str(error))


def survey(root: Path, change: ChangeSet) -> dict[str, State]:
    """What each file is now: its result, its base, or something else."""
    with contextlib.ExitStack() as stack:
        try:
            jobs = _open(root, change, stack, never)
        except _CannotWrite:
            return {edit.path: "other" for edit in change.edits}
        return {job.edit.path: "result" if _is_result(job) else "base" if _is_base(job) else "other" for job in jobs}


def _open(root: Path, change: ChangeSet, stack: contextlib.ExitStack, is_stopped: Callable[[], bool]) -> list[_Job]:
    try:
        top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _CannotWrite(f"the workspace {root} cannot be opened: {_why(error)}") from error
    stack.callback(os.close, top)
    stack.enter_context(_locked(top, is_stopped))
    tag = action_digest(change)[:16]
    jobs: list[_Job] = []
    for index, edit in enumerate(change.edits):
        job = _Job(edit, temp=f".hybridcode-{tag}-{index}.new", old=f".hybridcode-{tag}-{index}.old")
        with _explained(edit.path):
            *folders, job.name = _parts(edit.path)
            job.folder = _enter(top, folders, stack, made=None)
            _look(job)
        jobs.append(job)
    return jobs


def _parts(path: str) -> list[str]:
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts) or path.startswith("/"):
        raise _CannotWrite(f"{path}: not a plain path inside the workspace")
    return parts


@contextlib.contextmanager
def _locked(folder: int, is_stopped: Callable[[], bool]) -> Generator[None]:
    """One apply at a time in a workspace, over all processes."""
    deadline = time.monotonic() + _LOCK_S
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise _CannotWrite("another process is writing to this workspace; try again when it is done") from error
            if is_stopped():
                raise _CannotWrite("stopped while another process was writing to this workspace") from error
            time.sleep(0.02)
        except OSError:
            break  # a file system without locks
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_UN)


@contextlib.contextmanager
def _explained(path: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise _CannotWrite(f"{path}: {_why(error)}") from error


def _why(error: OSError) -> str:
    return _REASONS.get(error.errno or 0, error.strerror or str(error))


def _enter(top: int, folders: Sequence[str], stack: contextlib.ExitStack, *, made: list[tuple[int, str]] | None) -> int:
    """Descriptor of a folder; -1 if it is missing and `made` is None, otherwise missing ones are created."""
    current = top
    for name in folders:
        try:
            inner = os.open(name, _FOLDER, dir_fd=current)
        except FileNotFoundError:
            if made is None:
                return -1
            os.mkdir(name, 0o777, dir_fd=current)
            made.append((current, name))
            inner = os.open(name, _FOLDER, dir_fd=current)
        stack.callback(os.close, inner)
        current = inner
    return current


def _look(job: _Job) -> None:
    job.present, job.content = None, b""
    if job.folder < 0:
        return
    try:
        descriptor = os.open(job.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=job.folder)
    except FileNotFoundError:
        return
    job.present = os.fstat(descriptor)
    if not stat.S_ISREG(job.present.st_mode):
        os.close(descriptor)
        raise _CannotWrite(f"{job.edit.path}: is no ordinary file")
    with os.fdopen(descriptor, "rb") as file:
        job.content = file.read()


def _is_base(job: _Job) -> bool:
    return job.edit.before_sha256 == (None if job.present is None else sha256_hex(job.content))


def _is_result(job: _Job) -> bool:
    if job.present is None or job.edit.after_sha256 is None:
        return job.present is None and job.edit.after_sha256 is None
    mode = stat.S_IMODE(job.present.st_mode)
    return job.edit.after_sha256 == sha256_hex(job.content) and job.edit.mode & 0o777 == mode


def _write(
    root: Path, jobs: Sequence[_Job], change: ChangeSet, load: Load, stack: contextlib.ExitStack
) -> Applied | Stale | Failed:
    _clean(jobs)
    try:
        for job in jobs:
            with _explained(job.edit.path):
                _stage(job, root, load, stack)
        for job in jobs:
            with _explained(job.edit.path):
                _commit(job)
    except _MovedOn as moved:
        _take_back(jobs)
        return Stale((str(moved),))
    except BaseException:
        _take_back(jobs)
        raise
    _clean(jobs)
    with contextlib.suppress(OSError):
        for folder in {job.folder for job in jobs if job.folder >= 0} | {made for job in jobs for made, _ in job.made}:
            os.fsync(folder)
    return Applied(change.edits)


def _stage(job: _Job, root: Path, load: Load, stack: contextlib.ExitStack) -> None:
    """Everything that can fail for want of space or permission, before any file is touched."""
    if job.present is not None and not job.present.st_mode & 0o222:
        raise _CannotWrite(f"{job.edit.path}: is read-only; `chmod u+w` it first if it may change")
    if job.edit.after_sha256 is None:
        return
    if job.folder < 0:
        *folders, _ = _parts(job.edit.path)
        top = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, top)
        job.folder = _enter(top, folders, stack, made=job.made)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(job.temp, flags, 0o600, dir_fd=job.folder)
    with os.fdopen(descriptor, "wb") as file:
        file.write(load(job.edit.after_sha256))
        file.flush()
        if job.present is not None and (job.present.st_uid, job.present.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(descriptor, job.present.st_uid, job.present.st_gid)
        os.fchmod(descriptor, job.edit.mode & 0o777)
        os.fsync(descriptor)


def _commit(job: _Job) -> None:
    """The step that changes what others see: one rename or link."""
    if job.present is None:
        if job.edit.after_sha256 is not None:
            _create(job)
        return
    if job.edit.after_sha256 is None:
        os.rename(job.name, job.old, src_dir_fd=job.folder, dst_dir_fd=job.folder)
        job.keeps_old = job.is_done = True
    else:
        with contextlib.suppress(OSError):
            os.link(job.name, job.old, src_dir_fd=job.folder, dst_dir_fd=job.folder, follow_symlinks=False)
            job.keeps_old = True
    now = os.stat(job.old if job.keeps_old else job.name, dir_fd=job.folder, follow_symlinks=False)
    if (now.st_ino, now.st_size, now.st_mtime_ns) != (job.present.st_ino, job.present.st_size, job.present.st_mtime_ns):
        raise _MovedOn(job.edit.path)
    if job.edit.after_sha256 is not None:
        os.rename(job.temp, job.name, src_dir_fd=job.folder, dst_dir_fd=job.folder)
        job.is_done = True


def _create(job: _Job) -> None:
    try:
        os.link(job.temp, job.name, src_dir_fd=job.folder, dst_dir_fd=job.folder, follow_symlinks=False)
    except FileExistsError as error:
        raise _MovedOn(job.edit.path) from error
    except OSError:
        os.rename(job.temp, job.name, src_dir_fd=job.folder, dst_dir_fd=job.folder)
    job.is_done = True


def _take_back(jobs: Sequence[_Job]) -> None:
    """Every file is what it was before.

    Raises:
        _CannotWrite: one could not be put back; names it.
    """
    for job in reversed(jobs):
        try:
            if job.is_done and job.present is None:
                os.unlink(job.name, dir_fd=job.folder)
            elif job.is_done and job.edit.after_sha256 is None:
                os.link(job.old, job.name, src_dir_fd=job.folder, dst_dir_fd=job.folder, follow_symlinks=False)
            elif job.is_done and job.keeps_old:
                os.rename(job.old, job.name, src_dir_fd=job.folder, dst_dir_fd=job.folder)
                job.keeps_old = False
            elif job.is_done:
                _restore(job)
        except OSError as error:
            raise _CannotWrite(f"{job.edit.path} was changed and could not be put back: {_why(error)}") from error
    _clean(jobs)
    for job in jobs:
        for folder, name in reversed(job.made):
            with contextlib.suppress(OSError):
                os.rmdir(name, dir_fd=folder)


def _restore(job: _Job) -> None:
    """Put the former bytes back where the file system has no hard links."""
    assert job.present is not None
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(job.old, flags, 0o600, dir_fd=job.folder), "wb") as file:
        file.write(job.content)
        file.flush()
        os.fchmod(file.fileno(), stat.S_IMODE(job.present.st_mode))
        os.fsync(file.fileno())
    os.rename(job.old, job.name, src_dir_fd=job.folder, dst_dir_fd=job.folder)


def _clean(jobs: Sequence[_Job]) -> None:
    """Remove our own files beside the user's; their names are bound to this change set."""
    for job in jobs:
        for name in (job.temp, job.old):
            if job.folder >= 0:
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=job.folder)
