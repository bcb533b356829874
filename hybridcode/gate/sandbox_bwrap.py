"""The command line of bubblewrap for one run.

Invariant: what is hidden or read-only comes after what is writable, so that no later mount opens it again.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from hybridcode.config.paths import cache_dir
from hybridcode.gate import sandbox_git
from hybridcode.gate.sandbox_places import (
    EMPTIED,
    KEPT,
    NAME_SERVICE,
    guarded,
    hidden_at_home,
    hooks_folder,
    named_sockets,
)
from hybridcode.gate.sandbox_request import Request, interpreter_folders

_NAMESPACES = ("--unshare-user-try", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
_BOX = ("--die-with-parent", "--new-session", *_NAMESPACES, "--cap-drop", "ALL")
TRIAL = (*_BOX, "--unshare-net", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp")
"""What every run needs, for finding out whether this machine can do it."""


def arguments(request: Request) -> list[str]:
    """What comes between the program and what it runs."""
    return [
        *_BOX,
        *([] if request.network else ["--unshare-net"]),
        *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
        *_emptied(network=request.network),
        *_kept(),
        *_workspace(request),
        *_home(request),
        *_caches(request),
        *("--chdir", str(request.cwd), "--"),
    ]


def _emptied(*, network: bool) -> Iterator[str]:
    for folder in EMPTIED:
        if Path(folder).is_dir() and not Path(folder).is_symlink() and not folder.startswith("/dev/"):
            yield from ("--tmpfs", folder)
    for folder in KEPT:
        yield from ("--ro-bind-try", folder, folder)
    if network:
        known = os.path.realpath("/etc/resolv.conf")
        for folder in (*NAME_SERVICE, known if known != "/etc/resolv.conf" else ""):
            if folder:
                yield from ("--ro-bind-try", folder, folder)


def _home(request: Request) -> Iterator[str]:
    for hidden in (*hidden_at_home(Path.home()), cache_dir()):
        if request.workspace.is_relative_to(hidden):
            continue
        if hidden.is_dir():
            yield from ("--tmpfs", os.path.realpath(hidden))
        elif hidden.is_file():
            yield from ("--ro-bind", str(request.empty or "/dev/null"), os.path.realpath(hidden))
    hidden = [*map(os.path.realpath, (*hidden_at_home(Path.home()), cache_dir()))]
    for folder in interpreter_folders():
        if any(folder.is_relative_to(above) for above in hidden):
            yield from ("--ro-bind", str(folder), str(folder))
    for path in named_sockets(os.environ):
        yield from ("--ro-bind", str(request.empty or "/dev/null"), str(path))


def _kept() -> Iterator[str]:
    """Of the emptied folders: what commands need, wherever it lies."""
    for folder in (Path.home().resolve(), *interpreter_folders()):
        if any(folder.is_relative_to(emptied) for emptied in EMPTIED):
            yield from ("--ro-bind", str(folder), str(folder))


def _caches(request: Request) -> Iterator[str]:
    if request.caches is not None:
        yield from ("--bind", str(request.caches), str(request.caches))


def _workspace(request: Request) -> Iterator[str]:
    inside = str(request.workspace)
    if request.source is not None:
        yield from ("--bind", str(request.source), inside)
        if (request.workspace / ".git").exists():
            yield from _read_only([request.workspace / ".git"])
        yield from _read_only(request.shown)
    elif request.is_reader:
        yield from ("--ro-bind", inside, inside)
    else:
        yield from ("--bind", inside, inside)
        for folder in _pinned(request):
            yield from ("--bind", str(folder), str(folder))
        yield from _read_only(_guarded(request))
    yield from _shared_repository(request)


def _pinned(request: Request) -> Iterator[Path]:
    """Writable folders that hold read-only ones: as mounts of their own they cannot be renamed, and those with them."""
    hooks = hooks_folder(request.workspace, Path.home())
    if hooks is not None:
        above = [folder for folder in reversed(hooks.parents) if folder.is_relative_to(request.workspace)]
        yield from (folder for folder in above[1:] if folder.is_dir() and not folder.is_symlink())
    git = request.workspace / ".git"
    if request.writes_git and git.is_dir() and not git.is_symlink():
        yield git


def _guarded(request: Request) -> Iterator[Path]:
    found, _ = guarded(request.workspace)
    git = request.workspace / ".git"
    yield from (path for path in found if path != git or not request.writes_git)
    hooks = hooks_folder(request.workspace, Path.home())
    if hooks is not None and hooks.exists():
        yield hooks
    if request.writes_git and git.is_dir():
        yield from sandbox_git.read_only_parts(git)


def _read_only(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        if not path.is_symlink():
            yield from ("--ro-bind", str(path), str(path))


def _shared_repository(request: Request) -> Iterator[str]:
    """The folder that a worktree shares with its repository: writable for git, and visible in any case."""
    common = sandbox_git.common_folder(request.workspace)
    if common is None:
        return
    if request.writes_git:
        yield from ("--bind", str(common), str(common))
        yield from _read_only(sandbox_git.read_only_parts(common))
    elif any(common.is_relative_to(emptied) for emptied in EMPTIED):
        yield from ("--ro-bind", str(common), str(common))


def find_binary() -> str | None:
    """The system's own bubblewrap: where user namespaces are limited, only that path is allowed to make them."""
    folders = os.pathsep.join(("/usr/bin", "/usr/local/bin", "/bin"))
    return shutil.which("bwrap", path=folders)
