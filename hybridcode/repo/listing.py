"""Which files a tree has: git's own answer, or a walk outside git; `.hybridcodeignore` on top of both.

Invariant: paths are relative, with forward slashes, valid UTF-8, unique and sorted; none lies in `.git` or below a
symbolic link; what is left out by us (and not by git's own rules) is named with the reason.
"""

import errno
import functools
import os
import re
import stat
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from hybridcode.repo.entry import Skipped
from hybridcode.repo.gitreader import GitReader
from hybridcode.repo.ignore import OWN_NAME, IgnoreFiles, steps_to
from hybridcode.repo.walk import walk

_Manner = Literal["free", "ruled", "linked"]
"""What becomes of the files in a folder: they pass, rules are asked about each, or they lie below a link."""
_UNOPENED = re.compile(r"^warning: could not open directory '(.*)': (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Listing:
    """Candidate paths and what was left out."""

    paths: tuple[str, ...]
    skipped: tuple[Skipped, ...]


class _Names(NamedTuple):
    """Paths as they are listed, before anything is held back."""

    paths: tuple[str, ...]
    """Sorted and unique; the folder of another repository ends in a slash."""
    folders: tuple[str, ...]
    """All folders that paths lie in, sorted."""
    holds_repositories: bool = False


def list_files(root: Path, reader: GitReader | None) -> Listing:
    """Tracked and untracked, not ignored files below `root`.

    Outside git, and in a folder that git ignores as a whole: all files but those that `.gitignore` files name and
    well-known build output.
    """
    own = _OwnRules.above(root, reader)
    names, skipped = _git_names(root, reader) if reader is not None else (None, [])
    if names is None:
        walked = walk(str(root), own.cover_of_folder)
        names = _names_of(_utf8_only(walked.paths, skipped))
        skipped += walked.skipped
    paths = _Sieve(str(root), own).pass_through(names, skipped)
    return Listing(paths=tuple(paths), skipped=tuple(sorted({*skipped, *own.complaints})))


class _OwnRules:
    """`.hybridcodeignore` files from the top of the work tree down, asked about paths below the root."""

    def __init__(self, files: IgnoreFiles, prefix: str) -> None:
        self._files = files
        self._prefix = prefix

    @classmethod
    def above(cls, root: Path, reader: GitReader | None) -> "_OwnRules":
        if reader is not None and (prefix := reader.prefix):
            files = IgnoreFiles(str(reader.worktree), OWN_NAME)
            if not files.folder_cover(prefix[:-1]):
                return cls(files, prefix)
        return cls(IgnoreFiles(str(root), OWN_NAME), "")

    @property
    def complaints(self) -> Iterable[Skipped]:
        return [
            Skipped(found.path.removeprefix(self._prefix), found.reason)
            for found in self._files.complaints
            if found.path.startswith(self._prefix)
        ]

    def speak_of(self, folder: str) -> bool:
        return self._files.speak_of(f"{self._prefix}{folder}".removesuffix("/"))

    def cover(self, path: str) -> str:
        return self._files.cover(self._prefix + path).removeprefix(self._prefix)

    def cover_of_folder(self, folder: str) -> str:
        return self._files.folder_cover(self._prefix + folder).removeprefix(self._prefix)


class _Sieve:
    """Lets paths pass that neither lie below a link nor are hidden by a `.hybridcodeignore`."""

    def __init__(self, root: str, own: _OwnRules) -> None:
        self._root = root
        self._own = own
        self._manner: dict[str, _Manner] = {"": "ruled" if own.speak_of("") else "free"}

    def pass_through(self, names: _Names, skipped: list[Skipped]) -> Sequence[str]:
        """Sorted; what is held back is added to `skipped`."""
        manners = {self._manner.get(folder) or self._manner_of(folder) for folder in names.folders}
        if manners <= {"free"} and not names.holds_repositories:
            return names.paths
        paths: list[str] = []
        for name in names.paths:
            manner = self._manner[name.rpartition("/")[0]]
            if name.endswith("/"):
                skipped.append(Skipped(name, "another repository"))
            elif manner == "linked":
                skipped.append(Skipped(name, "below a symbolic link"))
            elif manner == "ruled" and (cover := self._own.cover(name)):
                skipped.append(Skipped(cover, f"named in {OWN_NAME}"))
            else:
                paths.append(name)
        return paths

    def _manner_of(self, folder: str) -> _Manner:
        for step in steps_to(folder, self._manner):
            if self._manner[step.rpartition("/")[0]] == "linked" or self._is_link(step):
                self._manner[step] = "linked"
            else:
                self._manner[step] = "ruled" if self._own.speak_of(step) else "free"
        return self._manner[folder]

    def _is_link(self, folder: str) -> bool:
        try:
            return stat.S_ISLNK(os.lstat(f"{self._root}/{folder}").st_mode)
        except OSError:
            return False


def _git_names(root: Path, reader: GitReader) -> tuple[_Names | None, list[Skipped]]:
    """What git lists; None where the tree must be walked instead."""
    answer = reader.ask("ls-files", "-t", "-c", "-o", "--exclude-standard", "-z")
    if answer.status != 0:
        last = answer.complaint.rpartition("\n")[2]
        return None, [Skipped(".git", f"git cannot list the files ({last})")]
    if not answer.output and _is_ignored(reader):
        return None, []
    skipped = [_unopened(found[1], found[2]) for found in _UNOPENED.finditer(answer.complaint)]
    names, sparse, odd = _read(answer.output)
    skipped += odd
    if sparse:
        there = {name for name in sparse if os.path.lexists(root / name)}
        skipped += [Skipped(name, "outside the sparse checkout") for name in sparse if name not in there]
        names = _names_of({*names.paths, *there})
    return names, skipped


@functools.lru_cache(maxsize=2)
def _read(output: bytes) -> tuple[_Names, tuple[str, ...], tuple[Skipped, ...]]:
    """Names that git lists, those beside them that a sparse checkout may lack, and those that are not UTF-8.

    From one look to the next git mostly says the same.
    """
    entries = output.decode("utf-8", "surrogateescape").split("\0")[:-1]
    odd: list[Skipped] = []
    names = _utf8_only({entry[2:] for entry in entries if entry[0] != "S"}, odd)
    sparse = _utf8_only({entry[2:] for entry in entries if entry[0] == "S"} - names, odd)
    return _names_of(names), tuple(sorted(sparse)), tuple(odd)


def _names_of(names: Collection[str]) -> _Names:
    folders = {name.rpartition("/")[0] for name in names}
    return _Names(tuple(sorted(names)), tuple(sorted(folders)), any(name.endswith("/") for name in names))


def _unopened(folder: str, complaint: str) -> Skipped:
    reason = "no permission to read it" if complaint == os.strerror(errno.EACCES) else complaint
    return Skipped(f"{folder.rstrip('/')}/", reason)


def _utf8_only(names: set[str], skipped: list[Skipped]) -> set[str]:
    """The names that are valid UTF-8; the others are added to `skipped`."""
    odd = {name for name in names if not name.isascii() and not _is_utf8(name)}
    for name in odd:
        readable = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        skipped.append(Skipped(readable, "its name is not UTF-8"))
    return names - odd


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_ignored(reader: GitReader) -> bool:
    """The root itself lies in an ignored folder of somebody else's repository."""
    return bool(reader.prefix) and reader.run("check-ignore", "-q", ".") is not None
