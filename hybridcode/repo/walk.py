"""Every file below a folder, for trees that git does not list.

Invariant: no link is followed, and a folder that is not entered is named with the reason, unless a `.gitignore` names
it or it only holds caches.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from hybridcode.repo.entry import Skipped
from hybridcode.repo.ignore import OWN_NAME, IgnoreFiles
from hybridcode.repo.look import why

_NEVER = frozenset(
    {
        ".git", ".hg", ".svn", ".jj", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".nox",
        ".eggs", ".cache", ".gradle", ".idea", ".next",
    }
)  # fmt: skip
_MADE = frozenset({".venv", "venv", "node_modules", "target", "dist", "build"})


@dataclass
class Walked:
    """What a walk found."""

    paths: set[str] = field(default_factory=set[str])
    skipped: list[Skipped] = field(default_factory=list[Skipped])


def walk(root: str, cover_of_folder: Callable[[str], str]) -> Walked:
    """All files and links below `root` but those that `.gitignore` files name; undecodable names keep their escapes.

    `cover_of_folder` says what hides a folder (empty: nothing); such a folder is not entered.
    """
    found = Walked()
    ignore = IgnoreFiles(root, ".gitignore")
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(f"{root}/{folder}") as entries:
                members = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except OSError as error:
            found.skipped.append(Skipped(f"{folder}/", why(error)))
            continue
        for name, is_folder in members:
            path = f"{folder}/{name}" if folder else name
            if not is_folder:
                if not ignore.cover(path):
                    found.paths.add(path)
            elif name not in _NEVER and not ignore.folder_cover(path):
                reason = "build output or installed packages" if name in _MADE else ""
                if cover_of_folder(path):
                    reason = f"named in {OWN_NAME}"
                if reason:
                    found.skipped.append(Skipped(f"{path}/", reason))
                else:
                    waiting.append(path)
    return found
