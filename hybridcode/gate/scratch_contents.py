"""What a scratch copy of a workspace holds: what is copied, and what is only shown in it, read-only.

Invariant: nothing is written and no link is followed; what git sees is copied, of what git ignores the small parts.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from hybridcode.gate.protected import OWN_NAMES, is_protected
from hybridcode.repo.gitreader import GitReader
from hybridcode.repo.walk import walk

MOST_FILES = 20_000
MOST_BYTES = 256 * 1024 * 1024
"""A tree with more is not copied."""
_MOST_SHOWN = 200
_LARGE_FILE = 16 * 1024 * 1024
"""A file above this is shown and not copied."""
_FOLDER_FILES, _FOLDER_BYTES = 1_000, 16 * 1024 * 1024
"""An ignored folder up to this size is copied, so that a check can write to it."""
_CACHES = frozenset(
    {
        "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".tox", ".nox", ".cache",
        ".eslintcache", ".nyc_output", ".parcel-cache", ".turbo", ".gradle", "htmlcov", ".phpunit.result.cache",
    }
)  # fmt: skip
_CACHE_FILES = (".coverage", ".coverage.*", "*.pyc", "*.tsbuildinfo")
_PACKAGES = frozenset({"node_modules", ".venv", "venv", "site-packages", "bower_components", ".yarn"})


class CannotCopy(Exception):
    """Why there is no scratch copy of this tree, in words that go on after `no scratch copy: `."""


@dataclass
class Contents:
    """Paths relative to the workspace, with forward slashes."""

    copied: dict[str, os.stat_result] = field(default_factory=dict[str, os.stat_result])
    """Ordinary files and links, as they were when they were looked at."""
    ignored: set[str] = field(default_factory=set[str])
    """Those of the copied that git ignores."""
    shown: dict[str, os.stat_result] = field(default_factory=dict[str, os.stat_result])
    """Folders and files that are visible in the copy but cannot be written there."""


def is_cache(name: str) -> bool:
    """True for a folder that tools fill for themselves: it starts empty in a copy, and stays from check to check."""
    return name in _CACHES


def contents_of(root: Path) -> Contents:
    """Look at the tree below `root`.

    Raises:
        CannotCopy: it is too large, or cannot be listed.
    """
    found = Contents()
    seen, ignored = _names(root)
    for name in sorted(seen):
        _sort_in(root, name, found)
    links = {path for path, facts in found.copied.items() if stat.S_ISLNK(facts.st_mode)}
    if links:
        found.copied = {path: facts for path, facts in found.copied.items() if not _is_below(path, links)}
    for name in sorted(ignored):
        _sort_in_ignored(root, name, found)
    _check_bounds(found.copied, found.shown)
    return found


def _names(root: Path) -> tuple[set[str], set[str]]:
    """What git sees, and what it ignores; folders end with a slash."""
    reader = GitReader.find(root)
    if reader is not None:
        listed = reader.run("ls-files", "-c", "-o", "--exclude-standard", "-z")
        if listed:
            ignored = reader.run("ls-files", "-o", "-i", "--exclude-standard", "--directory", "-z") or b""
            return _split(listed), _split(ignored)
    walked = walk(str(root), lambda folder: "")
    made = {skipped.path for skipped in walked.skipped if skipped.path.rstrip("/") and skipped.path.endswith("/")}
    return walked.paths, made


def _split(listed: bytes) -> set[str]:
    return {os.fsdecode(name) for name in listed.split(b"\0") if name}


def _facts(root: Path, name: str) -> os.stat_result | None:
    try:
        return os.lstat(root / name.rstrip("/"))
    except OSError:
        return None


def _sort_in(root: Path, name: str, found: Contents) -> None:
    facts = _facts(root, name)
    path = name.rstrip("/")
    if facts is None:
        return
    if stat.S_ISLNK(facts.st_mode) or (stat.S_ISREG(facts.st_mode) and facts.st_size <= _LARGE_FILE):
        found.copied[path] = facts
    elif stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode):
        found.shown[path] = facts  # a large file, a submodule or another repository


def _sort_in_ignored(root: Path, name: str, found: Contents) -> None:
    facts = _facts(root, name)
    path = name.rstrip("/")
    last = path.rpartition("/")[2]
    if facts is None or is_cache(last) or last in OWN_NAMES or any(fnmatchcase(last, p) for p in _CACHE_FILES):
        return
    if stat.S_ISLNK(facts.st_mode):
        found.copied[path] = facts
        found.ignored.add(path)
    elif stat.S_ISDIR(facts.st_mode):
        inside = None if last in _PACKAGES else _small_folder(root, path)
        if inside is None:
            found.shown[path] = facts
        else:
            found.copied |= inside
            found.ignored |= inside.keys()
    elif stat.S_ISREG(facts.st_mode):
        holds_credentials = is_protected(tuple(path.casefold().split("/"))) == "credentials"
        if holds_credentials or facts.st_size > _FOLDER_BYTES:
            found.shown[path] = facts
        else:
            found.copied[path] = facts
            found.ignored.add(path)


def _small_folder(root: Path, path: str) -> dict[str, os.stat_result] | None:
    """Everything in a folder; None if it holds much, or something that is neither file, link nor folder."""
    found: dict[str, os.stat_result] = {}
    size = 0
    for inner, facts in _walk_all(root, path):
        size += facts.st_size
        is_plain = stat.S_ISREG(facts.st_mode) or stat.S_ISLNK(facts.st_mode)
        if not is_plain or len(found) >= _FOLDER_FILES or size > _FOLDER_BYTES:
            return None
        found[inner] = facts
    return found


def _walk_all(root: Path, path: str) -> Iterator[tuple[str, os.stat_result]]:
    waiting = [path]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(root / folder) as entries:
                members = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
        except OSError:
            continue
        for name, facts in members:
            if stat.S_ISDIR(facts.st_mode):
                if not is_cache(name):
                    waiting.append(f"{folder}/{name}")
            else:
                yield f"{folder}/{name}", facts


def _is_below(path: str, links: set[str]) -> bool:
    at = path.rfind("/")
    while at > 0:
        if path[:at] in links:
            return True
        at = path.rfind("/", 0, at)
    return False


def _check_bounds(copied: Mapping[str, os.stat_result], shown: Mapping[str, os.stat_result]) -> None:
    size = sum(facts.st_size for facts in copied.values())
    if len(copied) > MOST_FILES:
        raise CannotCopy(f"the tree has {len(copied):,} files, more than {MOST_FILES:,}")
    if size > MOST_BYTES:
        raise CannotCopy(f"the tree has {size // 1024**2:,} MB, more than {MOST_BYTES // 1024**2:,}")
    if len(shown) > _MOST_SHOWN:
        raise CannotCopy(f"git ignores {len(shown)} large folders and files, more than {_MOST_SHOWN}")
