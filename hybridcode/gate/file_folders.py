"""The folders of a workspace as descriptors, entered one by one from its own, and the lock of those who write there.

Invariant: no symbolic link is followed on the way, and what leads out of the workspace is not entered; a folder is
opened once, however many files of a change set lie in it.
"""

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Callable, Generator, Iterable
from pathlib import Path

Parts = tuple[str, ...]
_LOCK_S = 10.0
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NOT_OFFERED = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK})
"""A file system without locks, or one that cannot make a folder durable, says one of these."""
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
    errno.EMFILE: "too many files are open",
    errno.EIO: "the disk reports an error",
    errno.EXDEV: "its folder is spread over several file systems",
}


class CannotWrite(Exception):
    """Stops an apply; everything done so far is taken back."""


def why(error: OSError) -> str:
    """What went wrong, for a person."""
    return _REASONS.get(error.errno or 0, error.strerror or str(error))


@contextlib.contextmanager
def explained(path: str) -> Generator[None]:
    """Turn what the system says about a file into a reason to stop."""
    try:
        yield
    except OSError as error:
        raise CannotWrite(f"{path}: {why(error)}") from error


def close(descriptor: int) -> None:
    """Close what was only read, or is already durable: an error here says nothing about the files."""
    with contextlib.suppress(OSError):
        os.close(descriptor)


class Folders:
    """Opened folders of one workspace; `made` are those that were created here, outermost first."""

    def __init__(self, top: int) -> None:
        self._opened: dict[Parts, int] = {(): top}
        self.made: list[tuple[int, str]] = []

    def enter(self, parts: Parts, *, create: bool = False) -> int:
        """Descriptor of a folder; -1 if it does not exist and is not to be created."""
        for depth in range(1, len(parts) + 1):
            if parts[:depth] not in self._opened:
                above, name = self._opened[parts[: depth - 1]], parts[depth - 1]
                try:
                    inner = os.open(name, _FOLDER, dir_fd=above)
                except FileNotFoundError:
                    if not create:
                        return -1
                    inner = self._make(above, name)
                self._opened[parts[:depth]] = inner
        return self._opened[parts]

    def _make(self, above: int, name: str) -> int:
        try:
            os.mkdir(name, 0o777, dir_fd=above)
        except FileExistsError:
            return os.open(name, _FOLDER, dir_fd=above)  # somebody was faster
        self.made.append((above, name))
        return os.open(name, _FOLDER, dir_fd=above)

    def unmake(self) -> None:
        """Take away the folders that were created, as far as they are empty."""
        for above, name in reversed(self.made):
            with contextlib.suppress(OSError):
                os.rmdir(name, dir_fd=above)

    def moved(self, wanted: Iterable[Parts]) -> list[Parts]:
        """Folders that are not any more where they were entered: renamed away, or a link in their place."""
        with contextlib.ExitStack() as stack:
            fresh = Folders(self._opened[()])
            stack.callback(fresh.close, keep_top=True)
            return [parts for parts in dict.fromkeys(wanted) if parts in self._opened and self._is_moved(parts, fresh)]

    def _is_moved(self, parts: Parts, fresh: "Folders") -> bool:
        try:
            found = fresh.enter(parts)
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP):
                return True
            raise
        return found < 0 or not os.path.sameopenfile(found, self._opened[parts])

    def sync(self, wanted: Iterable[Parts]) -> None:
        """Make what was done in these folders durable, and the folders that were created.

        Raises:
            OSError: a disk that failed, not one that has no such call.
        """
        used = {self._opened[parts] for parts in wanted if parts in self._opened}
        for descriptor in sorted(used | {above for above, _ in self.made}):
            try:
                os.fsync(descriptor)
            except OSError as error:
                if error.errno not in _NOT_OFFERED:
                    raise

    def close(self, *, keep_top: bool = False) -> None:
        """Close all of them; the workspace's own too, unless it belongs to somebody else."""
        for parts, descriptor in self._opened.items():
            if parts or not keep_top:
                close(descriptor)


def top_of(root: Path) -> int:
    """Descriptor of the workspace.

    Raises:
        CannotWrite: it cannot be opened.
    """
    try:
        return os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise CannotWrite(f"the workspace {root} cannot be opened: {why(error)}") from error


@contextlib.contextmanager
def opened(root: Path, is_stopped: Callable[[], bool]) -> Generator[Folders]:
    """The workspace, with the lock held that lets one process write there at a time.

    Raises:
        CannotWrite: it cannot be opened, or another process has been writing for too long.
    """
    top = top_of(root)
    folders = Folders(top)
    try:
        _lock(top, is_stopped)
        yield folders
    finally:
        folders.close()  # and with it the lock goes


def _lock(folder: int, is_stopped: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LOCK_S
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise CannotWrite("another process is writing to this workspace; try again when it is done") from error
            if is_stopped():
                raise CannotWrite("stopped while another process was writing to this workspace") from error
            time.sleep(0.02)
        except OSError as error:
            if error.errno in _NOT_OFFERED:
                return
            raise CannotWrite(f"the workspace cannot be locked: {why(error)}") from error
