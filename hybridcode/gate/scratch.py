"""A scratch copy of the workspace, in which checks run on a draft before anybody is asked about it.

Invariant: the copy lies in a private folder of ours outside the workspace and is removed with its owner, or at a later
start when its owner was killed; nothing is ever copied back from it.
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
import shutil
import stat
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hybridcode.config.paths import cache_dir
from hybridcode.domain.action import FileChange
from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.ports import Watcher
from hybridcode.gate.sandbox import Sandbox
from hybridcode.gate.scratch_contents import CannotCopy, Contents, contents_of
from hybridcode.gate.scratch_tree import CopyTree, Wanted, key_of, remove_folder
from hybridcode.repo.gitreader import GitReader

_SAID_AFTER_S = 1.0
_PRIVATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass
class Scratch:
    """The copy that one session checks drafts in: made at the first check, brought up to date at each later one."""

    workspace: Path
    """Its real path."""
    sandbox: Sandbox
    watcher: Watcher
    base: Path = field(default_factory=lambda: cache_dir() / "scratch")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held from `prepare` until the check has ended."""
    tree: str = ""
    """Digest of the tree that the copy holds; empty while it holds none that a check may run on."""
    shown: tuple[Path, ...] = ()
    """Folders and files of the workspace that can be read although the copy stands in for it."""
    distrusted: set[str] = field(default_factory=set[str])
    """Checks that say something else in a copy than in the workspace."""
    told: set[str] = field(default_factory=set[str])
    """Reasons for doing without a copy that a person has been given."""
    _copy: CopyTree | None = None
    _owned: int = -1
    _wanted: dict[str, Wanted] = field(default_factory=dict[str, Wanted])
    _unseen: Collection[str] = ()

    @property
    def source(self) -> Path:
        """The folder of the copy."""
        assert self._copy is not None
        return self._copy.root

    def program(self, path: str) -> str:
        """Where a program of the workspace is for a check in the copy."""
        if self.sandbox.can_mount or not Path(path).is_relative_to(self.workspace):
            return path
        moved = self.source / Path(path).relative_to(self.workspace)
        return str(moved) if moved.exists() else path

    async def prepare(self, changes: Sequence[FileChange], *, tree: str) -> None:
        """Make the copy hold the workspace as it is now with `changes` laid over it, which makes the tree `tree`.

        Raises:
            CannotCopy: why that cannot be done.
        """
        self.tree = ""
        stop = threading.Event()
        preparing = asyncio.ensure_future(asyncio.to_thread(self._prepare, changes, stop))
        try:
            await asyncio.shield(preparing)
        except asyncio.CancelledError:
            stop.set()
            with contextlib.suppress(CannotCopy):
                await preparing
            raise
        self.tree = tree

    async def settle(self) -> tuple[str, ...]:
        """After a check: throw away what it wrote. Names the files, of those that git sees, that it changed."""
        self.tree = ""
        return await asyncio.to_thread(self._settle)

    def close(self) -> None:
        """Remove the copy."""
        self.tree = ""
        if self._copy is not None:
            _discard(self.base, self._copy.root.name)
            os.close(self._owned)
            self._copy = None

    def _prepare(self, changes: Sequence[FileChange], stop: threading.Event) -> None:
        try:
            if not self.sandbox.can_mount and _is_part_of_a_repository(self.workspace):
                raise CannotCopy(
                    "the workspace is a part of a repository, which only bubblewrap can show around a copy"
                )
            copy = self._copy or self._made()
            contents = contents_of(self.workspace)
            self._wanted = self._wants(contents, changes)
            self._unseen = contents.ignored
            self.shown = tuple(self.workspace / path for path in contents.shown)
            copy.lay_out(self._wanted, tick=_Ticker(self.watcher, stop))
        except OSError as error:
            raise CannotCopy(f"{error.filename or self.base}: {error.strerror or error}") from error

    def _settle(self) -> tuple[str, ...]:
        if self._copy is None:
            return ()
        changed = self._copy.sweep(self._wanted)
        return tuple(sorted(path for path in changed if path not in self._unseen and not self._wanted[path].is_place))

    def _made(self) -> CopyTree:
        base = Path(os.path.realpath(self.base))
        if base.is_relative_to(self.workspace):
            raise CannotCopy(f"{base}, where it would lie, is inside the workspace")
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        clear_leftovers(self.base)
        name = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._owned = os.open(base / f"{name}.lock", _PRIVATE, 0o600)
        fcntl.flock(self._owned, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (base / name).mkdir(mode=0o700)
        self._copy = CopyTree(base / name)
        return self._copy

    def _wants(self, contents: Contents, changes: Sequence[FileChange]) -> dict[str, Wanted]:
        wanted = {path: self._entry(path, facts) for path, facts in contents.copied.items()}
        for path, facts in contents.shown.items():
            wanted[path] = self._place(path, facts)
        with contextlib.suppress(OSError):
            facts = os.lstat(self.workspace / ".git")
            wanted[".git"] = self._entry(".git", facts) if stat.S_ISLNK(facts.st_mode) else self._place(".git", facts)
        for change in changes:
            if cover := next((p for p in contents.shown if change.path == p or change.path.startswith(f"{p}/")), ""):
                raise CannotCopy(f"{change.path} lies in {cover}, which is not copied")
            wanted.pop(change.path, None)
            if change.after is not None:
                key = (sha256_hex(change.after), change.mode)
                wanted[change.path] = Wanted(key, data=change.after, mode=change.mode)
        return wanted

    def _entry(self, path: str, facts: os.stat_result) -> Wanted:
        file = self.workspace / path
        if not stat.S_ISLNK(facts.st_mode):
            return Wanted(key_of(facts), file=file)
        target = str(file.readlink())
        if not self.sandbox.can_mount:
            target = self._moved(target, file.parent)
        return Wanted(("link", target), link=target)

    def _moved(self, target: str, folder: Path) -> str:
        """Where a link must lead in a copy at another path: inside to the copy, outside to what it led to."""
        leads = os.path.normpath(folder / target)
        if Path(leads).is_relative_to(self.workspace):
            is_absolute = Path(target).is_absolute()
            return str(self.source / Path(leads).relative_to(self.workspace)) if is_absolute else target
        return leads

    def _place(self, path: str, facts: os.stat_result) -> Wanted:
        real = str(self.workspace / path)
        if not self.sandbox.can_mount:
            return Wanted(("link", real), link=real)
        is_folder = stat.S_ISDIR(facts.st_mode)
        return Wanted(("place", is_folder), data=None if is_folder else b"", is_place=True)


@dataclass
class _Ticker:
    """Tells the watcher of a copy that takes more than a second, and the copy when to stop."""

    watcher: Watcher
    stop: threading.Event
    began: float = field(default_factory=time.monotonic)

    def __call__(self, done: int, total: int) -> bool:
        if time.monotonic() - self.began > _SAID_AFTER_S:
            self.watcher.progress(what="copying the tree for a check", fraction=done / total)
        return not self.stop.is_set()


def _is_part_of_a_repository(workspace: Path) -> bool:
    reader = GitReader.find(workspace)
    return reader is not None and reader.worktree != workspace


def clear_leftovers(base: Path) -> None:
    """Remove the copies of sessions that were killed."""
    for lock in sorted(base.glob("*.lock")):
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _discard(base, lock.name.removesuffix(".lock"))
        except OSError:
            continue
        finally:
            os.close(descriptor)


def _discard(base: Path, name: str) -> None:
    """Remove a copy and then its lock; what cannot be removed stays for a later start."""
    folder = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(FileNotFoundError):
            remove_folder(name, folder)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{name}.lock", dir_fd=folder)
    except OSError:
        shutil.rmtree(base / name, ignore_errors=True)
    finally:
        os.close(folder)
