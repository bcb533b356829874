"""An immutable view of a work tree.

Invariant: two reads of one path of one snapshot give the same bytes or raise; the digest is a function of paths, file
types, executable bits and contents alone (not of times, owners, file order or where the tree lies).
"""

import errno
import hashlib
import os
import stat
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from hybridcode.domain.action import FileChange
from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.errors import RepoError
from hybridcode.repo.facts import GitFacts, read_facts
from hybridcode.repo.gitreader import GitReader
from hybridcode.repo.listing import list_files

FileKind = Literal["text", "binary", "large", "symlink"]

DEFAULT_MAX_FILE_BYTES = 1_000_000
_KEPT_BYTES = 64 * 1024 * 1024
"""Contents up to this sum stay in memory; files beyond it are read again when asked for, and checked."""
_SNIFFED_BYTES = 8_000


class TreeMoved(RepoError):
    """A file is not what it was when the snapshot was taken: take another snapshot."""


@dataclass(frozen=True)
class FileEntry:
    """One file of a snapshot."""

    path: str
    """Relative to the root, with forward slashes."""
    sha256: str
    """Of the content; of the target's text for a symlink; empty for a large file, which is not read."""
    size: int
    """Bytes."""
    mode: int
    """Permission bits as on disk, as 0o644."""
    kind: FileKind


@dataclass(frozen=True)
class Snapshot:
    """Files of a tree at one moment, sorted by path, with git's facts."""

    root: Path
    files: Mapping[str, FileEntry]
    digest: str
    git: GitFacts
    skipped: tuple[str, ...] = ()
    """What is in the tree but not in `files`, each as `path: reason`."""
    _kept: Mapping[str, bytes] = field(default_factory=dict[str, bytes], repr=False, compare=False)

    def read(self, path: str) -> bytes:
        """The bytes of a text or binary file.

        Raises: RepoError if the snapshot has no such readable file, TreeMoved if the file changed since.
        """
        entry = self.files.get(path)
        if entry is None:
            raise RepoError(f"{path} is not in the tree", "Check the path; ignored files are not part of the tree.")
        if entry.kind in ("large", "symlink"):
            raise RepoError(f"{path} is not read: it is a {entry.kind} file", "Name another file.")
        if (kept := self._kept.get(path)) is not None:
            return kept
        data = _read_again(self.root / path, path)
        if sha256_hex(data) != entry.sha256:
            raise TreeMoved(f"{path} changed while it was being used", "Run the step again.")
        return data

    def text(self, path: str) -> str | None:
        """The content of a text file, line ends as they are; None if it is missing, not text or not UTF-8."""
        entry = self.files.get(path)
        if entry is None or entry.kind != "text":
            return None
        try:
            return self.read(path).decode("utf-8")
        except UnicodeDecodeError:
            return None

    def without(self, paths: Set[str]) -> "Snapshot":
        """The same view with some files taken out of sight."""
        if not paths:
            return self
        files = _ordered({path: entry for path, entry in self.files.items() if path not in paths})
        return replace(self, files=files, digest=_digest(files))

    def with_changes(self, changes: Sequence[FileChange]) -> "Snapshot":
        """The same view with `changes` laid over it; what lies on disk at those paths no longer matters."""
        files = dict(self.files)
        kept = dict(self._kept)
        for change in changes:
            files.pop(change.path, None)
            kept.pop(change.path, None)
            if change.after is not None:
                files[change.path] = _entry_of(change.path, change.after, change.mode)
                kept[change.path] = change.after
        ordered = _ordered(files)
        return replace(self, files=ordered, digest=_digest(ordered), _kept=kept)


def take(root: Path, *, max_file_bytes: int = DEFAULT_MAX_FILE_BYTES) -> Snapshot:
    """Look at the tree below `root` once.

    Files larger than `max_file_bytes` are listed, not read. Raises: RepoError if `root` is not a readable folder.
    """
    root = root.resolve()
    if not root.is_dir():
        raise RepoError(f"{root} is not a folder", "Name an existing folder.")
    reader = GitReader.find(root)
    listing = list_files(root, reader)
    files: dict[str, FileEntry] = {}
    kept: dict[str, bytes] = {}
    skipped = list(listing.skipped)
    room = _KEPT_BYTES
    for path in listing.paths:
        found = _look(root / path, path, max_file_bytes=max_file_bytes)
        if isinstance(found, str):
            skipped.append(f"{path}: {found}")
            continue
        entry, data = found
        files[path] = entry
        if data is not None and len(data) <= room:
            kept[path] = data
            room -= len(data)
    ordered = _ordered(files)
    return Snapshot(
        root=root,
        files=ordered,
        digest=_digest(ordered),
        git=read_facts(reader),
        skipped=tuple(sorted(skipped)),
        _kept=kept,
    )


def _look(file: Path, path: str, *, max_file_bytes: int) -> tuple[FileEntry, bytes | None] | str:
    """The entry of one file with its bytes, or why it is left out."""
    try:
        facts = file.lstat()
        mode = stat.S_IMODE(facts.st_mode)
        if stat.S_ISLNK(facts.st_mode):
            target = os.fsencode(file.readlink())
            return FileEntry(path, sha256_hex(target), len(target), mode, "symlink"), None
        if stat.S_ISDIR(facts.st_mode):
            return "a submodule"
        if not stat.S_ISREG(facts.st_mode):
            return "not an ordinary file"
        if _is_below_link(file, depth=path.count("/")):
            return "below a symbolic link"
        if facts.st_size > max_file_bytes:
            return FileEntry(path, "", facts.st_size, mode, "large"), None
        data = _read(file)
    except OSError as error:
        return _why(error)
    return _entry_of(path, data, mode), data


def _entry_of(path: str, data: bytes, mode: int) -> FileEntry:
    kind: FileKind = "binary" if b"\0" in data[:_SNIFFED_BYTES] else "text"
    return FileEntry(path, sha256_hex(data), len(data), mode, kind)


def _is_below_link(file: Path, *, depth: int) -> bool:
    return any(parent.is_symlink() for parent in list(file.parents)[:depth])


def _read(file: Path) -> bytes:
    """The bytes of an ordinary file; never follows a link put in its place, never waits on a pipe."""
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read()


def _read_again(file: Path, path: str) -> bytes:
    try:
        return _read(file)
    except OSError as error:
        raise TreeMoved(f"{path} cannot be read any more: {_why(error)}", "Run the step again.") from error


def _why(error: OSError) -> str:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return "deleted"
        case errno.EACCES | errno.EPERM:
            return "no permission to read it"
        case _:
            return f"cannot be read ({error.strerror or error})"


def _ordered(files: Mapping[str, FileEntry]) -> Mapping[str, FileEntry]:
    return MappingProxyType({path: files[path] for path in sorted(files)})


def _digest(files: Mapping[str, FileEntry]) -> str:
    whole = hashlib.sha256()
    for path, entry in files.items():
        kind = "l" if entry.kind == "symlink" else "x" if entry.mode & 0o100 else "-"
        content = entry.sha256 or f"large:{entry.size}"
        whole.update(f"{path}\0{kind}\0{content}\n".encode())
    return whole.hexdigest()
