"""Ignore files of one name (`.gitignore`, `.hybridcodeignore`) at any level of a tree.

Invariant: as with git, the deepest file that speaks of a path decides, a later line beats an earlier one, and nothing
below a hidden folder can be shown again; an ignore file that cannot be used is named with the reason.
"""

import errno
from collections.abc import Container

from hybridcode.repo.entry import Skipped
from hybridcode.repo.look import read_ordinary, why
from hybridcode.repo.patterns import Rules, parse

OWN_NAME = ".hybridcodeignore"
_MAX_BYTES = 100_000
_MAX_PATTERNS = 2_000

_Chain = tuple[tuple[int, Rules], ...]
_NO_RULES = Rules(())


class IgnoreFiles:
    """The ignore files of one name below `root`, read when first needed.

    Only ask for paths whose folders are no links: a folder's ignore file is read through the folder.
    """

    def __init__(self, root: str, name: str) -> None:
        self._root = root
        self._name = name
        self._chains: dict[str, _Chain] = {}
        self._covers: dict[str, str] = {"": ""}
        self._complaints: list[Skipped] = []

    @property
    def complaints(self) -> tuple[Skipped, ...]:
        """Ignore files met so far that cannot be used, wholly or in part."""
        return tuple(self._complaints)

    def speak_of(self, folder: str) -> bool:
        """False if no rule can hide a file that lies in `folder`."""
        return bool(self._chain(folder))

    def cover(self, path: str) -> str:
        """What hides the file `path`: the highest hidden folder above it (with a slash), itself, or empty."""
        folder = path.rpartition("/")[0]
        return self.folder_cover(folder) or (path if self._hides(path, folder, is_folder=False) else "")

    def folder_cover(self, folder: str) -> str:
        """What hides a folder: the highest hidden folder above it or itself, with a slash; empty if nothing does."""
        for step in steps_to(folder, self._covers):
            above = step.rpartition("/")[0]
            cover = self._covers[above]
            if not cover and self._hides(step, above, is_folder=True):
                cover = f"{step}/"
            self._covers[step] = cover
        return self._covers[folder]

    def _hides(self, path: str, folder: str, *, is_folder: bool) -> bool:
        for start, rules in self._chain(folder):
            verdict = rules.verdict(path[start:], is_folder=is_folder)
            if verdict is not None:
                return verdict
        return False

    def _chain(self, folder: str) -> _Chain:
        """The rules that speak of a folder's members, the deepest first, each with the length of its own folder."""
        if not self._chains:
            self._chains[""] = self._extended((), "")
        for step in steps_to(folder, self._chains):
            self._chains[step] = self._extended(self._chains[step.rpartition("/")[0]], step)
        return self._chains[folder]

    def _extended(self, chain: _Chain, folder: str) -> _Chain:
        rules = self._read(folder)
        return ((len(folder) + 1 if folder else 0, rules), *chain) if rules.patterns else chain

    def _read(self, folder: str) -> Rules:
        path = f"{folder}/{self._name}" if folder else self._name
        try:
            data, _ = read_ordinary(f"{self._root}/{path}")
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                reason = "a symbolic link" if error.errno == errno.ELOOP else why(error)
                self._complain(path, f"its rules are not used: {reason}")
            return _NO_RULES
        if len(data) > _MAX_BYTES:
            return self._unused(path, f"larger than {_MAX_BYTES // 1000} kB")
        if b"\0" in data:
            return self._unused(path, "a binary file")
        text = data.decode("utf-8-sig", "surrogateescape")
        rules, bad = parse(line.removesuffix("\r") for line in text.split("\n"))
        if len(rules.patterns) > _MAX_PATTERNS:
            return self._unused(path, f"more than {_MAX_PATTERNS} patterns")
        if bad:
            lines = ", ".join(map(str, bad[:5])) + (", ..." if len(bad) > 5 else "")
            self._complain(path, f"a pattern that can never match, in line {lines}")
        return rules

    def _unused(self, path: str, reason: str) -> Rules:
        self._complain(path, f"its rules are not used: {reason}")
        return _NO_RULES

    def _complain(self, path: str, reason: str) -> None:
        self._complaints.append(Skipped(path, reason))


def steps_to(folder: str, known: Container[str]) -> list[str]:
    """`folder` and the folders above it that are not `known`, from the top down; the root, empty, must be known."""
    steps: list[str] = []
    while folder not in known:
        steps.append(folder)
        folder = folder.rpartition("/")[0]
    return steps[::-1]
