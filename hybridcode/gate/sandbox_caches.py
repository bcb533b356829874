"""The folders of a workspace's commands outside of it: what tools keep from run to run, out of the user's own caches.

Invariant: only commands of this workspace write here; nothing of ours is read from here.
"""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from hybridcode.config.paths import cache_dir, state_dir
from hybridcode.gate.sandbox_places import WRITTEN_CACHES


@dataclass(frozen=True)
class Caches:
    """Private folders for the commands of one workspace."""

    folder: Path
    """Stands in for the user's cache folder."""
    empty: Path
    """An empty file that nobody can write."""

    @property
    def environment(self) -> dict[str, str]:
        """What tells tools of it."""
        return {"XDG_CACHE_HOME": str(self.folder), "npm_config_cache": str(self.folder / "npm")}


def prepare(workspace: Path) -> Caches | None:
    """Make the folders; None where that cannot be done: then tools go without."""
    base = cache_dir() / "commands"
    caches = Caches(base / state_dir(workspace).name, base / "empty")
    try:
        caches.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(caches.empty, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o444))
        _link_what_is_only_read(caches.folder)
    except OSError:
        return None
    return caches


def _link_what_is_only_read(folder: Path) -> None:
    """Let tools find what the user's own cache folder holds, where they need not write to it."""
    users = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if not users.is_absolute() or not users.is_dir():
        return
    for kept in sorted(users.iterdir()):
        link = folder / kept.name
        if kept.name not in WRITTEN_CACHES and kept != cache_dir() and not os.path.lexists(link):
            link.symlink_to(kept)
