"""Who works on a session: at most one process at a time.

Invariant: a claim is a lock of the kernel on a file beside the journal, so that it ends with its process, however that
ends; the file's content only says whom to name.
"""

import contextlib
import fcntl
import os
from pathlib import Path
from urllib.parse import quote

from hybridcode.domain.errors import JournalError, SessionBusy


class Claim:
    """The right to work on one session, until `release`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, journal: Path, session: str) -> "Claim":
        """Claim a session of a journal.

        Raises:
            SessionBusy: somebody else works on it; names the process.
            JournalError: the lock file cannot be made.
        """
        path = journal.with_name(f"{journal.name}-{quote(session, safe='')}.lock")
        try:
            while True:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
                try:
                    if _locked(descriptor, session) and _names(path, descriptor):
                        os.ftruncate(descriptor, 0)
                        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
                        return cls(path, descriptor)
                except BaseException:
                    os.close(descriptor)
                    raise
                os.close(descriptor)  # the former owner has just removed this file
        except OSError as error:
            raise JournalError(
                f"Session {session} cannot be claimed with {path}: {error.strerror or error}.",
                "Make the folder writable, or set [audit] state_dir to one that is.",
            ) from error

    def __enter__(self) -> "Claim":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Give the session back; may be called twice."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        with contextlib.suppress(OSError):
            self.path.unlink()  # while it is locked: whoever waits sees that the name is gone, and makes a new file
        os.close(descriptor)


def _locked(descriptor: int, session: str) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.pread(descriptor, 20, 0).decode("ascii", "replace")
        who = f"process {owner}" if owner.isdigit() else "another process"
        raise SessionBusy(
            f"Session {session} is in use by {who}.",
            "Wait for its end, or answer what it asks with `hybridcode approvals`.",
        ) from error
    except OSError:
        return True  # a file system without locks
    return True


def _names(path: Path, descriptor: int) -> bool:
    """True while the locked file is the one that others will find."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
