"""Empty folders that stand where a command must not make anything, as long as it runs.

A mount needs something to be mounted on. Where a protected folder is missing, an empty one is made, covered read-only
by the sandbox, and taken away with the last command that runs in the workspace, in whatever process. Names of files
are not held: a folder called `.gitmodules` or `mcp.json` breaks tools that meet it.

Invariant: what is made is written down before, and only empty folders are ever taken away; after a kill, the next
session or command takes away what was left.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Generator, Sequence
from pathlib import Path

from hybridcode.config.paths import cache_dir, state_dir
from hybridcode.gate import sandbox_git
from hybridcode.gate.sandbox_places import HELD_NAMES, hooks_folder


def missing(workspace: Path, *, writes_git: bool) -> list[Path]:
    """What is not there and must not come to be, folders before what is in them."""
    if writes_git:
        wanted = [workspace / ".hybridcode", *sandbox_git.missing_parts(workspace / ".git")]
    else:
        wanted = [workspace / name for name in HELD_NAMES]
        if (hooks := hooks_folder(workspace, Path.home())) is not None:
            above = [folder for folder in reversed(hooks.parents) if folder.is_relative_to(workspace)]
            wanted += [*above[1:], hooks]
    return [path for path in wanted if not os.path.lexists(path)]


@contextlib.contextmanager
def held(workspace: Path, *, writes_git: bool) -> Generator[None]:
    """Keep what is missing taken by empty folders; without a place for the record, nothing is made."""
    with contextlib.ExitStack() as stack:
        record = _open_record(workspace, stack)
        if record is None:
            yield
            return
        users = os.open(record.with_suffix(".users"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        stack.callback(os.close, users)
        with _guarded(record):
            _remove_if_alone(record, users)
            _make(record, missing(workspace, writes_git=writes_git))
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield
        finally:
            with _guarded(record):
                fcntl.flock(users, fcntl.LOCK_UN)
                _remove_if_alone(record, users)


def clear_leftovers(workspace: Path) -> None:
    """Take away what a killed command left, unless another one still runs."""
    with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
        record = cache_dir() / "commands" / f"{state_dir(workspace).name}.masks"
        if _read(record):
            users = os.open(record.with_suffix(".users"), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            stack.callback(os.close, users)
            with _guarded(record):
                _remove_if_alone(record, users)


@contextlib.contextmanager
def git_in_its_place(workspace: Path) -> Generator[None]:
    """While git may write: take away a new file that would make it read its configuration elsewhere from then on."""
    moved = sandbox_git.moves_configuration(workspace / ".git")
    was_there = os.path.lexists(moved)
    try:
        yield
    finally:
        if not was_there:
            with contextlib.suppress(OSError):
                moved.unlink()


def _open_record(workspace: Path, stack: contextlib.ExitStack) -> Path | None:
    folder = cache_dir() / "commands"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        record = folder / f"{state_dir(workspace).name}.masks"
        stack.callback(os.close, os.open(record, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except OSError:
        return None
    return record


@contextlib.contextmanager
def _guarded(record: Path) -> Generator[None]:
    """One process at a time: what happens inside takes milliseconds."""
    descriptor = os.open(record, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _make(record: Path, paths: Sequence[Path]) -> None:
    if not paths:
        return
    _write(record, [*_read(record), *map(str, paths)])
    for path in paths:
        with contextlib.suppress(OSError):
            path.mkdir(0o700)


def _remove_if_alone(record: Path, users: int) -> None:
    """Take away what was made, unless a command still runs that needs it."""
    made = _read(record)
    if not made:
        return
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return
    for path in reversed(made):
        with contextlib.suppress(OSError):
            Path(path).rmdir()
    os.truncate(record, 0)  # a full disk is no hindrance to that
    fcntl.flock(users, fcntl.LOCK_UN)


def _read(record: Path) -> list[str]:
    try:
        paths: list[str] = json.loads(record.read_text("utf-8", "surrogateescape") or "[]")
    except (OSError, ValueError):
        return []
    return paths


def _write(record: Path, paths: Sequence[str]) -> None:
    text = json.dumps(list(dict.fromkeys(paths)))
    descriptor = os.open(record, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
