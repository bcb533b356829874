"""One look at each file of a listing: its entry, its bytes where they had to be read, or why it is left out.

Invariant: no link is followed, nothing is waited for, and a file is taken on trust only if its stamps are remembered.
"""

import errno
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hybridcode.domain.canonical import sha256_hex
from hybridcode.repo.entry import FileEntry, FileKind, Skipped
from hybridcode.repo.memory import Remembered, StatMemory, is_rested, stamps_of

KEPT_BYTES = 16 * 1024 * 1024
"""Contents up to this sum stay in memory; files beyond it are read again when asked for, and checked."""
_SNIFFED_BYTES = 8_000
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass
class Seen:
    """What a look found."""

    files: dict[str, FileEntry] = field(default_factory=dict[str, FileEntry])
    kept: dict[str, bytes] = field(default_factory=dict[str, bytes])
    skipped: list[Skipped] = field(default_factory=list[Skipped])


def look_at(
    root: str, paths: Iterable[str], *, max_file_bytes: int, began_ns: int, memory: StatMemory | None = None
) -> Seen:
    """Look at `paths` below `root`, in their order.

    `began_ns` is the time (nanoseconds since 1970) before which a file must have come to rest to be remembered.
    """
    look = _Look(root, max_file_bytes=max_file_bytes, began_ns=began_ns, known=memory.recall() if memory else {})
    trusted = look.at_all(paths)
    if memory is not None:
        is_all = len(trusted) == len(look.known)
        forgotten = set[str]() if is_all else look.known.keys() - set(trusted) - look.learnt.keys()
        if look.learnt or forgotten:
            memory.remember(look.learnt, forgotten)
    return look.seen


def entry_of(path: str, data: bytes, mode: int) -> FileEntry:
    """The entry of a file with this content."""
    kind: FileKind = "binary" if b"\0" in data[:_SNIFFED_BYTES] else "text"
    return FileEntry(path, sha256_hex(data), len(data), mode, kind)


def read_ordinary(file: str) -> tuple[bytes, os.stat_result]:
    """The bytes of an ordinary file, and its stamps afterwards; never follows a last link, never waits on a pipe.

    Raises: OSError.
    """
    with os.fdopen(os.open(file, _OPEN_FLAGS), "rb", buffering=0) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not an ordinary file")
        return stream.read(), os.fstat(stream.fileno())


def why(error: OSError) -> str:
    """What kept a file from being read, in a few words."""
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return "deleted"
        case errno.EACCES | errno.EPERM:
            return "no permission to read it"
        case _:
            return f"cannot be read ({error.strerror or error})"


class _Look:
    """The look in progress."""

    def __init__(self, root: str, *, max_file_bytes: int, began_ns: int, known: Mapping[str, Remembered]) -> None:
        self.known = known
        self.seen = Seen()
        self.learnt: dict[str, Remembered] = {}
        self._above = f"{root}/"
        self._limit = max_file_bytes
        self._room = KEPT_BYTES
        self._began_ns = began_ns

    def at_all(self, paths: Iterable[str]) -> list[str]:
        """Look at each; returns those that were taken on trust."""
        known, files, above, limit = self.known, self.seen.files, self._above, self._limit
        trusted: list[str] = []
        for path in paths:
            old = known.get(path)
            try:
                facts = os.lstat(above + path)
                if old is not None and stamps_of(facts) == old.stamps and old.entry.size <= limit:
                    files[path] = old.entry
                    trusted.append(path)
                    continue
                found = self._entry(path, facts)
            except OSError as error:
                found = why(error)
            if isinstance(found, str):
                self.seen.skipped.append(Skipped(path, found))
            else:
                files[path] = found
        return trusted

    def _entry(self, path: str, facts: os.stat_result) -> FileEntry | str:
        file = self._above + path
        mode = stat.S_IMODE(facts.st_mode)
        if stat.S_ISREG(facts.st_mode):
            if facts.st_size > self._limit:
                return FileEntry(path, "", facts.st_size, mode, "large")
            return self._read(path, file, mode)
        if stat.S_ISLNK(facts.st_mode):
            target = os.fsencode(Path(file).readlink())
            return FileEntry(path, sha256_hex(target), len(target), mode, "symlink")
        return "a submodule" if stat.S_ISDIR(facts.st_mode) else "not an ordinary file"

    def _read(self, path: str, file: str, mode: int) -> FileEntry:
        data, facts = read_ordinary(file)
        entry = entry_of(path, data, mode)
        if facts.st_size == len(data) and is_rested(facts, began_ns=self._began_ns):
            self.learnt[path] = Remembered(entry, stamps_of(facts))
        if len(data) <= self._room:
            self.seen.kept[path] = data
            self._room -= len(data)
        return entry
