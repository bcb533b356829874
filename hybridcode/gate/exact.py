"""Puts paths back that are more than the bytes of an ordinary file: links, permission bits, read-only files.

Invariant: folders are entered one by one from the workspace's own descriptor and no link is followed; a path changes
only while it still is what the change was made for; each path is old or new, never half.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from hybridcode.domain.action import Applied, ChangeSet, Failed, FileEdit, FileState, Stale, Unknown, action_digest
from hybridcode.domain.canonical import sha256_hex
from hybridcode.gate.file_folders import CannotWrite, Folders, Parts, close, explained, opened, top_of
from hybridcode.gate.file_job import CREATE, LOOK, OUR_PREFIX, Load, State


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
        CannotWrite: it cannot be read, or is a device, a socket or a pipe.
    """
    folders = Folders(top_of(root))
    try:
        return _state_of(folders, path)
    finally:
        folders.close()


def apply(
    root: Path, change: ChangeSet, *, load: Load, is_redo: bool = False, is_stopped: Callable[[], bool] = lambda: False
) -> Applied | Stale | Failed:
    """Make each path what its edit says. One that is not what it should be before is reported, and nothing is done."""
    done: list[str] = []
    try:
        with opened(root, is_stopped) as folders:
            found = {edit.path: _survey(folders, edit) for edit in change.edits}
            todo = [edit for edit in change.edits if not (is_redo and found[edit.path] == "result")]
            if stale := tuple(edit.path for edit in todo if found[edit.path] == "other"):
                return Stale(stale)
            for index, edit in enumerate(todo):
                _make(folders, edit, load, temp=f"{OUR_PREFIX}{action_digest(change)[:16]}-{index}.new")
                done.append(edit.path)
    except CannotWrite as error:
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
    folders = Folders(top_of(root))
    try:
        return {edit.path: _survey(folders, edit) for edit in change.edits}
    finally:
        folders.close()


def _survey(folders: Folders, edit: FileEdit) -> State:
    try:
        now = _state_of(folders, edit.path)
    except CannotWrite:
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


def _make(folders: Folders, edit: FileEdit, load: Load, *, temp: str) -> None:
    with explained(edit.path):
        parts, name = _split(edit.path)
        folder = _enter(folders, parts, create=edit.after_sha256 is not None)
        if edit.after_sha256 is None:
            if folder >= 0:
                os.unlink(name, dir_fd=folder)
        elif edit.after_sha256 == edit.before_sha256 and not edit.is_link:
            _set_mode(folder, name, stat.S_IMODE(edit.mode))
        else:
            _put(folder, name, edit, load(edit.after_sha256), temp=temp)
        folders.sync([parts])


def _put(folder: int, name: str, edit: FileEdit, data: bytes, *, temp: str) -> None:
    """A new file or link beside it, then one rename; an empty folder of the name makes room."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temp, dir_fd=folder)
    try:
        if stat.S_ISLNK(edit.mode):
            os.symlink(os.fsdecode(data), temp, dir_fd=folder)
        else:
            with os.fdopen(os.open(temp, CREATE, 0o600, dir_fd=folder), "wb") as file:
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
    is_by_path = hasattr(os, "O_PATH")
    file = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC if is_by_path else LOOK, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "is no ordinary file")
        if is_by_path:
            Path(f"/proc/self/fd/{file}").chmod(mode)
        else:
            os.fchmod(file, mode)
    finally:
        close(file)


def _state_of(folders: Folders, path: str) -> FileState | None:
    with explained(path):
        parts, name = _split(path)
        folder = _enter(folders, parts, create=False)
        return None if folder < 0 else _state(folder, name)


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
        with os.fdopen(os.open(name, LOOK, dir_fd=folder), "rb") as file:
            return FileState(sha256_hex(file.read()), os.fstat(file.fileno()).st_mode)
    except FileNotFoundError:
        return None


def _split(path: str) -> tuple[Parts, str]:
    """The folders of a path and its name."""
    *folders, name = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in (*folders, name)):
        raise OSError(errno.EINVAL, "is no plain path inside the workspace")
    return tuple(folders), name


def _enter(folders: Folders, parts: Parts, *, create: bool) -> int:
    """Descriptor of the folder that a path lies in; -1 where there is none, or a link in its place."""
    try:
        return folders.enter(parts, create=create)
    except OSError as error:
        if create or error.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        return -1
