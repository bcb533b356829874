"""An immutable view of a work tree.

Invariant: two reads of one path of one snapshot give the same bytes or raise; the digest is a function of paths, file
types, executable bits and contents alone (not of times, owners, file order or where the tree lies).
"""

import functools
import hashlib
import time
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from hybridcode.domain.action import FileChange
from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.errors import RepoError
from hybridcode.repo.entry import FileEntry, Skipped
from hybridcode.repo.facts import GitHead, read_head
from hybridcode.repo.gitreader import GitReader
from hybridcode.repo.listing import list_files
from hybridcode.repo.look import entry_of, look_at, read_ordinary, why
from hybridcode.repo.memory import StatMemory

DEFAULT_MAX_FILE_BYTES = 1_000_000


class TreeMoved(RepoError):
    """A file is not what it was when the snapshot was taken: take another snapshot."""


@dataclass(frozen=True)
class Snapshot:
    """Files of a tree at one moment, sorted by path, with git's facts."""

    root: Path
    files: Mapping[str, FileEntry]
    git: GitHead
    skipped: tuple[Skipped, ...] = ()
    """What is in the tree but not in `files`, and ignore files that cannot be used, sorted."""
    _kept: Mapping[str, bytes] = field(default_factory=dict[str, bytes], repr=False, compare=False)

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 over paths, file types, executable bits and contents."""
        return _digest(self.files)

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
        data = _read_again(f"{self.root}/{path}", path)
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
        files = {path: entry for path, entry in self.files.items() if path not in paths}
        return replace(self, files=MappingProxyType(files))

    def with_changes(self, changes: Sequence[FileChange]) -> "Snapshot":
        """The same view with `changes` laid over it; what lies on disk at those paths no longer matters."""
        files = dict(self.files)
        kept = dict(self._kept)
        is_in_order = True
        for change in changes:
            if change.after is None:
                files.pop(change.path, None)
                kept.pop(change.path, None)
            else:
                is_in_order &= change.path in files
                files[change.path] = entry_of(change.path, change.after, change.mode)
                kept[change.path] = change.after
        return replace(self, files=MappingProxyType(files) if is_in_order else _ordered(files), _kept=kept)


def take(root: Path, *, max_file_bytes: int = DEFAULT_MAX_FILE_BYTES, memory: StatMemory | None = None) -> Snapshot:
    """Look at the tree below `root` once.

    Files larger than `max_file_bytes` are listed, not read; nor are files whose stamps are what `memory` remembers.
    Raises: RepoError if `root` is not a readable folder.
    """
    root = root.resolve()
    if not root.is_dir():
        raise RepoError(f"{root} is not a folder", "Name an existing folder.")
    began_ns = time.time_ns()
    reader = GitReader.find(root)
    git = read_head(reader)
    listing = list_files(root, reader)
    seen = look_at(str(root), listing.paths, max_file_bytes=max_file_bytes, began_ns=began_ns, memory=memory)
    return Snapshot(
        root=root,
        files=MappingProxyType(seen.files),  # in the order of the listing, which is sorted
        git=git,
        skipped=tuple(sorted({*listing.skipped, *seen.skipped})),
        _kept=seen.kept,
    )


def made_again(root: Path, files: Mapping[str, FileEntry], contents: Mapping[str, bytes]) -> Snapshot:
    """A view of recorded files with their recorded bytes; git has no part in it."""
    return Snapshot(root=root, files=_ordered(files), git=GitHead(), _kept=dict(contents))


def _read_again(file: str, path: str) -> bytes:
    try:
        return read_ordinary(file)[0]
    except OSError as error:
        raise TreeMoved(f"{path} cannot be read any more: {why(error)}", "Run the step again.") from error


def _ordered(files: Mapping[str, FileEntry]) -> Mapping[str, FileEntry]:
    return MappingProxyType({path: files[path] for path in sorted(files)})


def _digest(files: Mapping[str, FileEntry]) -> str:
    whole = hashlib.sha256()
    for path, entry in files.items():
        kind = "l" if entry.kind == "symlink" else "x" if entry.mode & 0o100 else "-"
        content = entry.sha256 or f"large:{entry.size}"
        whole.update(f"{path}\0{kind}\0{content}\n".encode())
    return whole.hexdigest()
