"""What a run may read and write where the kernel's Landlock is the sandbox.

Landlock grants whole trees and takes nothing back from them: where something inside must stay out of reach, its
neighbours are granted one by one. So nothing new can be made beside a protected name, as `.git` in the workspace.

Invariant: no granted tree contains a path that is to stay hidden or read-only.
"""

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from hybridcode.config.paths import cache_dir
from hybridcode.gate.sandbox_places import EMPTIED, KEPT, guarded, hidden_at_home, hooks_folder
from hybridcode.gate.sandbox_request import Request, interpreter_folders

_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_MAX_ENTRIES = 5_000


def rules(request: Request) -> dict[str, Any]:
    """The paths for `sandbox_kernel.restrict_files`."""
    home = Path.home().resolve()
    everywhere = (*hidden_at_home(home), cache_dir(), *request.hidden, *map(Path, EMPTIED))
    hidden = [Path(os.path.realpath(path)) for path in everywhere]
    hidden = [path for path in hidden if not request.workspace.is_relative_to(path) and not home.is_relative_to(path)]
    # What is installed may lead back to the workspace: a run on a copy must not see the files that it stands in for.
    replaced = [] if request.source is None else [request.workspace]
    read = [*around(Path("/"), [*hidden, *replaced]), *map(Path, KEPT), *interpreter_folders()]
    if replaced:
        read += [*request.shown, request.workspace / ".git"]
    else:
        read += around(request.workspace, [path for path in hidden if path.is_relative_to(request.workspace)])
    if request.network:
        read.append(Path(os.path.realpath("/etc/resolv.conf")))
    return {
        "read": [str(path) for path in (*read, *_own(request))],
        "listed": ["/"],
        "write": [str(path) for path in _written(request)],
        "devices": list(_DEVICES),
        "network": request.network,
    }


def _own(request: Request) -> list[Path]:
    return [path for path in (request.caches, request.source) if path is not None]


def _written(request: Request) -> Iterator[Path]:
    yield from _own(request)
    if request.source is not None or request.is_reader:
        return
    if request.writes_git:
        yield request.workspace
        return
    found, _ = guarded(request.workspace)
    hooks = hooks_folder(request.workspace, Path.home())
    # The workspace's own folder always is one of those with something in it that must not be: a missing `.git`.
    yield from around(request.workspace, [*found, request.workspace / ".git", *([hooks] if hooks else [])])


def around(root: Path, holes: Collection[Path]) -> list[Path]:
    """The largest trees below `root`, itself included, that contain none of these paths."""
    if not any(hole.is_relative_to(root) for hole in holes):
        return [root]
    if root in holes:
        return []
    found: list[Path] = []
    for entry in _entries(root):
        inside = [hole for hole in holes if hole.is_relative_to(entry)]
        found += around(entry, inside) if inside else [entry]
    return found


def _entries(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())[:_MAX_ENTRIES]
    except OSError:
        return []
    return [entry for entry in entries if not entry.is_symlink()]
