"""Puts paths back that are more than the bytes of an ordinary file: links, permission bits, read-only files.

Invariant: folders are entered one by one from the workspace's own descriptor and no link is followed; a path changes
only while it still is what the change was made for; each path is old or new, never half.
"""

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Literal

from hybridcode.domain.action import Applied, ChangeSet, Failed, FileEdit, FileState, Stale, Unknown, action_digest
from hybridcode.domain.canonical import sha256_hex

Load = Callable[[str], bytes]
State = Literal["result", "base", "other"]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_LOCK_S = 10.0


class Blocked(Exception):
    """A path that cannot be looked at or changed; says why."""


def is_exact(change: ChangeSet) -> bool:
    """True for a change of links, of permission bits alone, of read-only files, or where a folder stood before."""
    return bool(change.edits) and all(map(is_exact_edit, change.edits))


def is_exact_edit(edit: FileEdit) -> bool:
    """`is_exact` of one edit."""
    if edit.is_link or stat.S_ISDIR(edit.former_mode):
        return True
    if edit.before_sha256 is None or not stat.S_ISREG(edit.former_mode):
        return False
    return edit.before_sha256 == edit.after_sha256 or not edit.former_mode & 0o222


def state_of(root: Path, path: str) -> FileState | None:
    """What a path of the workspace holds; None where no file or link is, a folder included.

    Raises:
        Blocked: it cannot be read, or is a device, a socket or a pipe.
    """
    with contextlib.ExitStack() as stack, _explained(path):
        folder, name = _enter(root, path, stack, makes_folders=False)
        return None if folder < 0 else _state(folder, name)


def apply(
    root: Path, change: ChangeSet, *, load: Load, is_redo: bool = False, is_stopped: Callable[[], bool] = lambda: False
) -> Applied | Stale | Failed:
    """Make each path what its edit says. One that is not what it should be before is reported, and nothing is done."""
    done: list[str] = []
    try:
        with _locked(root, is_stopped):
            found = {edit.path: _survey(root, edit) for edit in change.edits}
            todo = [edit for edit in change.edits if not (is_redo and found[edit.path] == "result")]
            if stale := tuple(edit.path for edit in todo if found[edit.path] == "other"):
                return Stale(stale)
            for index, edit in enumerate(todo):
                _make(root, edit, load, temp=f".hybridcode-{action_digest(change)[:16]}-{index}.new")
                done.append(edit.path)
    except Blocked as error:
        return Failed(f"{error}; done before it: {', '.join(done)}" if done else str(error))
    return Applied(change.edits, already=is_redo and not todo)


def recover(root: Path, change: ChangeSet, *, load: Load) -> Applied | Failed | Unknown:
    """Finish what a crash cut off, unless a path is neither as before nor as it should become."""
    receipt = apply(root, change, load=load, is_redo=True)
    if isinstance(receipt, Stale):
        return Unknown(f"{', '.join(receipt.paths)}: neither the old nor the new version; left as found")
    return receipt


def survey(root: Path, change: ChangeSet) -> dict[str, State]:
    """What each path is now: its result, its base, or something else."""
    return {edit.path: _survey(root, edit) for edit in change.edits}


def _survey(root: Path, edit: FileEdit) -> State:
    try:
        now = state_of(root, edit.path)
    except Blocked:
        return "other"
    if _is(now, edit.after_sha256, edit.mode):
        return "result"
    return "base" if _is(now, edit.before_sha256, edit.former_mode) else "other"


def _is(now: FileState | None, sha256: str | None, mode: int) -> bool:
    """A path is in this state; of a link the permission bits mean nothing."""
    if now is None or sha256 is None:
        return now is None and sha256 is None
    if now.sha256 != sha256 or stat.S_ISLNK(now.mode) != stat.S_ISLNK(mode):
        return False
    return stat.S_ISLNK(mode) or stat.S_IMODE(now.mode) == stat.S_IMODE(mode)


def _make(root: Path, edit: FileEdit, load: Load, *, temp: str) -> None:
    with contextlib.ExitStack() as stack, _explained(edit.path):
        folder, name = _enter(root, edit.path, stack, makes_folders=edit.after_sha256 is not None)
        if edit.after_sha256 is None:
            if folder >= 0:
                os.unlink(name, dir_fd=folder)
        elif edit.after_sha256 == edit.before_sha256 and not edit.is_link:
            _set_mode(folder, name, stat.S_IMODE(edit.mode))
        else:
            _put(folder, name, edit, load(edit.after_sha256), temp=temp)
        if folder >= 0:
            os.fsync(folder)


def _put(folder: int, name: str, edit: FileEdit, data: bytes, *, temp: str) -> None:
    """A new file or link beside it, then one rename; an empty folder of the name makes room."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temp, dir_fd=folder)
    try:
        if stat.S_ISLNK(edit.mode):
            os.symlink(os.fsdecode(data), temp, dir_fd=folder)
        else:
            with os.fdopen(os.open(temp, _NEW, 0o600, dir_fd=folder), "wb") as file:
                file.write(data)
                file.flush()
                os.fchmod(file.fileno(), stat.S_IMODE(edit.mode))
                os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.rmdir(name, dir_fd=folder)
        os.rename(temp, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temp, dir_fd=folder)
        raise


def _set_mode(folder: int, name: str, mode: int) -> None:
    """Permission bits of exactly the file of this name, even where it cannot be opened for reading."""
    if not hasattr(os, "O_PATH"):
        with _opened(os.open(name, _READ, dir_fd=folder)) as file:
            os.fchmod(file, mode)
        return
    with _opened(os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)) as file:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "is no ordinary file")
        Path(f"/proc/self/fd/{file}").chmod(mode)


def _state(folder: int, name: str) -> FileState | None:
    try:
        facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(facts.st_mode):
            return None
        if stat.S_ISLNK(facts.st_mode):
            target = os.fsencode(os.readlink(name, dir_fd=folder))
            return FileState(sha256_hex(target), facts.st_mode)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.EINVAL, "is no ordinary file")
        with os.fdopen(os.open(name, _READ, dir_fd=folder), "rb") as file:
            return FileState(sha256_hex(file.read()), os.fstat(file.fileno()).st_mode)
    except FileNotFoundError:
        return None


def _enter(root: Path, path: str, stack: contextlib.ExitStack, *, makes_folders: bool) -> tuple[int, str]:
    """Descriptor of the folder that a path lies in, -1 where there is none, and its name there."""
    *folders, name = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in (*folders, name)):
        raise OSError(errno.EINVAL, "is no plain path inside the workspace")
    current = stack.enter_context(_opened(os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)))
    for part in folders:
        if makes_folders:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, 0o777, dir_fd=current)
        try:
            current = stack.enter_context(_opened(os.open(part, _FOLDER, dir_fd=current)))
        except OSError as error:
            if error.errno not in _NOT_THERE or makes_folders:
                raise
            return -1, name
    return current, name


@contextlib.contextmanager
def _opened(descriptor: int) -> Generator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _locked(root: Path, is_stopped: Callable[[], bool]) -> Generator[None]:
    """The lock that every apply in this workspace takes."""
    deadline = time.monotonic() + _LOCK_S
    with _explained(str(root)), _opened(os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)) as folder:
        while not _got(folder):
            if is_stopped() or time.monotonic() > deadline:
                raise Blocked("another process is writing to this workspace; try again when it is done")
            time.sleep(0.02)
        yield


def _got(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks
    return True


@contextlib.contextmanager
def _explained(path: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise Blocked(f"{path}: {error.strerror or error}") from error
