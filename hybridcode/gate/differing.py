"""A tree before a command and after it, as values, and the difference between the two.

Invariant: a path counts as made by the command only if it was in sight before and has been touched since.
"""

import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hybridcode.domain.action import FileState, TreeChange
from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.errors import RepoError
from hybridcode.gate.exact import state_of
from hybridcode.gate.file_folders import CannotWrite
from hybridcode.repo.entry import FileEntry
from hybridcode.repo.snapshot import Snapshot

_SLACK_NS = 2_000_000_000
"""The coarsest clock of a common file system."""
_LARGE = "too large to be read"

Stamp = tuple[int, int, int, int]
"""Size, both times in nanoseconds, and inode of a file that is not read."""


@dataclass(frozen=True)
class Was:
    """A file before the command."""

    sha256: str
    mode: int
    """Type and permission bits."""
    object_id: str = ""
    """Git's object with exactly these bytes, if there is one."""

    @property
    def state(self) -> FileState:
        return FileState(self.sha256, self.mode)


@dataclass(frozen=True)
class Manifest:
    """A tree before a command."""

    began_ns: int
    """When it was looked at, in nanoseconds since 1970."""
    files: Mapping[str, Was]
    large: Mapping[str, Stamp]
    out_of_sight: tuple[str, ...]
    """Paths that no look shows; folders end in a slash."""
    beyond: Mapping[str, str]
    """Files whose bytes are not kept, with the reason."""
    is_git: bool
    """Git says what is out of sight, by name; a walk does not."""

    @classmethod
    def of(cls, snapshot: Snapshot, *, out_of_sight: tuple[str, ...]) -> "Manifest":
        """What a snapshot shows; nothing of it is kept yet."""
        small = {path: entry for path, entry in snapshot.files.items() if entry.kind != "large"}
        large = _stamps(snapshot)
        return cls(
            began_ns=time.time_ns(),
            files={path: Was(entry.sha256, _mode(entry)) for path, entry in small.items()},
            large=large,
            out_of_sight=out_of_sight,
            beyond=dict.fromkeys(large, _LARGE),
            is_git=snapshot.git.is_git,
        )

    def hid(self, path: str) -> bool:
        """The path could have been there without being seen."""
        return any(path == hidden or (hidden.endswith("/") and path.startswith(hidden)) for hidden in self.out_of_sight)


@dataclass(frozen=True)
class Difference:
    """What is not as it was."""

    changes: tuple[TreeChange, ...]
    """Sorted by path."""
    contents: Mapping[str, bytes]
    """Bytes that undo needs or that are to be shown, under any names."""
    not_captured: tuple[str, ...]
    """Paths that changed and cannot be put back, each with the reason."""

    def with_contents(self, contents: Mapping[str, bytes], expected: Mapping[str, str]) -> "Difference":
        """With more bytes; changes of `expected` paths whose former bytes are not those are not captured."""
        lost = {path for path, digest in expected.items() if sha256_hex(contents[path]) != digest}
        reasons = [f"{path} (git cannot give back what it held)" for path in sorted(lost)]
        return Difference(
            changes=tuple(change for change in self.changes if change.path not in lost),
            contents={path: data for path, data in contents.items() if path not in lost},
            not_captured=(*self.not_captured, *reasons),
        )


_MANIFEST = msgspec.json.Decoder(Manifest)


def read_manifest(data: bytes) -> Manifest:
    """A manifest as it was stored."""
    return _MANIFEST.decode(data)


def bytes_at(snapshot: Snapshot, entry: FileEntry) -> bytes:
    """What a file of a snapshot holds; of a link, its target.

    Raises:
        RepoError: it changed since.
    """
    if entry.kind != "symlink":
        return snapshot.read(entry.path)
    try:
        target = os.fsencode(Path(snapshot.root, entry.path).readlink())
    except OSError as error:
        raise RepoError(f"{entry.path} cannot be read any more: {error.strerror or error}") from error
    if sha256_hex(target) != entry.sha256:
        raise RepoError(f"{entry.path} changed while it was being used")
    return target


def difference(before: Manifest, now: Snapshot) -> Difference:
    """What is not as it was."""
    found = _Finding(before, now)
    for path in sorted({*before.files, *now.files, *before.large}):
        found.at(path)
    return Difference(tuple(found.changes), found.contents, tuple(found.not_captured))


class _Finding:
    """The comparison in progress."""

    def __init__(self, before: Manifest, now: Snapshot) -> None:
        self.changes: list[TreeChange] = []
        self.contents: dict[str, bytes] = {}
        self.not_captured: list[str] = []
        self._before = before
        self._now = now
        self._large = _stamps(now)

    def at(self, path: str) -> None:
        if path in self._before.large or path in self._large:
            self._compare_large(path)
            return
        was = self._before.files.get(path)
        try:
            after = self._after(path)
        except CannotWrite as error:
            self.not_captured.append(f"{path} ({error})")
            return
        if (was.state if was else None) == after:
            return
        if was is None and not self._is_made(path):
            return
        if was is not None and path in self._before.beyond and (after is None or after.sha256 != was.sha256):
            self.not_captured.append(f"{path} ({self._before.beyond[path]})")
            return
        self.changes.append(TreeChange(path, was.state if was else None, after))
        self._keep(path, after)

    def _after(self, path: str) -> FileState | None:
        """What the path holds now, whether it is still in sight or not."""
        entry = self._now.files.get(path)
        return FileState(entry.sha256, _mode(entry)) if entry is not None else state_of(self._now.root, path)

    def _is_made(self, path: str) -> bool:
        """A path that was not seen before was not there before."""
        try:
            touched_ns = os.lstat(self._now.root / path).st_ctime_ns
        except OSError:
            return False
        if touched_ns + _SLACK_NS < self._before.began_ns:
            return False
        if self._before.hid(path) or self._rules_changed:
            self.not_captured.append(f"{path} (it was not in sight before)")
            return False
        return True

    @property
    def _rules_changed(self) -> bool:
        """Outside git: files that say what is in sight are not what they were."""
        if self._before.is_git:
            return False
        rules = [path for path in self._before.files if path.rpartition("/")[2] in _RULES]
        return any(self._state(path) != self._before.files[path].state for path in rules)

    def _state(self, path: str) -> FileState | None:
        entry = self._now.files.get(path)
        return FileState(entry.sha256, _mode(entry)) if entry is not None else None

    def _keep(self, path: str, after: FileState | None) -> None:
        """The bytes as they are now, so that what an undo takes away can be looked at."""
        entry = self._now.files.get(path)
        if after is None or entry is None:
            return
        try:
            self.contents[f"{path}\0now"] = bytes_at(self._now, entry)
        except RepoError:
            return

    def _compare_large(self, path: str) -> None:
        old, new = self._before.large.get(path), self._large.get(path)
        if old is not None and new is not None:
            if old != new:
                self.not_captured.append(f"{path} ({_LARGE})")
        elif old is not None or path in self._before.files or self._is_made(path):
            self.not_captured.append(f"{path} ({_LARGE})")


_RULES = frozenset({".gitignore"})


def _mode(entry: FileEntry) -> int:
    return (stat.S_IFLNK if entry.kind == "symlink" else stat.S_IFREG) | entry.mode


def _stamps(snapshot: Snapshot) -> dict[str, Stamp]:
    stamps: dict[str, Stamp] = {}
    for path, entry in snapshot.files.items():
        if entry.kind == "large":
            try:
                facts = os.lstat(snapshot.root / path)
            except OSError:
                continue
            stamps[path] = (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino)
    return stamps
