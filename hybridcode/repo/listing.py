"""Which files a tree has: git's own answer, or a walk outside git.

Invariant: paths are relative, with forward slashes, valid UTF-8 and sorted; `.git` is never among them.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from hybridcode.repo.gitreader import GitReader

_NOT_WALKED = frozenset(
    {
        ".git", ".hg", ".svn", ".jj", ".venv", "venv", "node_modules", "__pycache__", ".mypy_cache", ".pytest_cache",
        ".ruff_cache", ".tox", ".nox", ".eggs", ".cache", ".gradle", ".idea", ".next", "target", "dist", "build",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Listing:
    """Candidate paths and what was left out, with the reason."""

    paths: tuple[str, ...]
    skipped: tuple[str, ...]


def list_files(root: Path, reader: GitReader | None) -> Listing:
    """Tracked and untracked, not ignored files below `root`.

    Outside git, and in a folder that git ignores as a whole: all files but well-known build output.
    """
    output = reader.run("ls-files", "-co", "--exclude-standard", "-z") if reader is not None else None
    if output is None or reader is None or (not output and _is_ignored(reader)):
        return _sorted(_walk(root))
    return _sorted({name.decode("utf-8", "surrogateescape") for name in output.split(b"\0") if name})


def _is_ignored(reader: GitReader) -> bool:
    """The root itself lies in an ignored folder of somebody else's repository."""
    return bool(reader.prefix) and reader.run("check-ignore", "-q", ".") is not None


def _walk(root: Path) -> set[str]:
    found: set[str] = set()
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = sorted(name for name in folders if name not in _NOT_WALKED and name not in links)
        found.update((here / name).relative_to(root).as_posix() for name in (*files, *links))
    return found


def _sorted(names: set[str]) -> Listing:
    paths: list[str] = []
    skipped: list[str] = []
    for name in sorted(names):
        if not _is_utf8(name):
            readable = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            skipped.append(f"{readable}: its name is not UTF-8")
        elif name.endswith("/"):
            skipped.append(f"{name}: another repository")
        elif ".git" not in name.split("/"):
            paths.append(name)
    return Listing(paths=tuple(paths), skipped=tuple(skipped))


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
