"""Files of a work tree whose contents must not leave: those with variables and credentials, and those a person names.

Invariant: no link is followed, nothing is written or kept, and a file that git ignores counts like any other.
"""

import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from hybridcode.repo.look import read_ordinary
from hybridcode.repo.memory import Stamps, is_rested, stamps_of

MAX_BYTES = 4_000_000
"""Of a larger file only the beginning counts."""
MOST_FOLDERS = 20_000
"""Folders that are looked into, nearest first."""
_BELIEVED_S = 30.0
_NEVER = frozenset({".git", ".hg", ".svn"})
_OF_OTHERS = frozenset({"node_modules", ".venv", "venv", "site-packages", "target", "__pycache__", ".tox", "vendor"})
_WITH_VALUES = re.compile(
    r"\.env(?:\.[\w.-]+)?|[\w.-]+\.env|\.envrc|\.npmrc|\.pypirc|[._]netrc|\.pgpass|\.my\.cnf|"
    r"(?:[\w-]+[-_.])?secrets?\.(?:toml|ya?ml|json|env|ini|properties)|credentials(?:\.\w+)?|local\.settings\.json|"
    r"[\w.-]*\.tfvars(?:\.json)?"
)
_TEMPLATE = re.compile(r"example|sample|template|\.dist$|schema", re.IGNORECASE)
_ASSIGNMENT = re.compile(
    r"""^[ \t]*(?:export[ \t]+|set[ \t]+|-[ \t]+)?["']?(?P<name>[A-Za-z_/][\w.:/-]*)["']?"""
    r"""[ \t]*[:=][ \t]*(?P<value>\S.*?)[ \t]*,?[ \t]*$""",
    re.MULTILINE,
)
_IN_URL = re.compile(r"://[^\s/:@]*:([^\s/@]+)@")


class WantedFiles:
    """Ordinary files below a folder that are wanted by their paths, the nearest first.

    To find them again costs what changed since: names in a folder come and go with its stamps, which are believed as
    those of files are (`repo.memory`), and on file systems that keep none for half a minute at the most.
    """

    def __init__(
        self, root: Path, is_wanted: Callable[[str], bool], *, is_left_out: Callable[[str], bool] = lambda name: False
    ) -> None:
        self._root, self._is_wanted, self._is_left_out = root, is_wanted, is_left_out
        self._known: dict[str, _Listed] = {}
        self._next = 0.0

    def find(self) -> list[Path]:
        """Where they are now."""
        if time.monotonic() >= self._next:
            self._known, self._next = {}, time.monotonic() + _BELIEVED_S
        former, known = self._known, dict[str, _Listed]()
        waiting, found = deque([""]), list[str]()
        while waiting and len(known) < MOST_FOLDERS:
            folder = waiting.popleft()
            listed = known[folder] = self._listed(folder, former.get(folder))
            waiting.extend(listed.folders)
            found.extend(listed.files)
        self._known = known
        return [self._root / path for path in found]

    def _listed(self, folder: str, former: "_Listed | None") -> "_Listed":
        began_ns = time.time_ns()
        place = f"{self._root}/{folder}"
        try:
            facts = os.lstat(place) if folder else self._root.stat()
            stamps = stamps_of(facts)
            if former is not None and former.stamps == stamps:
                return former
            with os.scandir(place) as entries:
                members = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            return _Listed()
        folders, files = list[str](), list[str]()
        for entry in members:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _NEVER and not self._is_left_out(entry.name):
                    folders.append(path)
            elif entry.is_file(follow_symlinks=False) and self._is_wanted(path):
                files.append(path)
        return _Listed(stamps if is_rested(facts, began_ns=began_ns) else None, folders, files)


class _Listed(NamedTuple):
    """What of one folder counts."""

    stamps: Stamps | None = None
    """Of the folder before it was read; None where it may change without a trace."""
    folders: Sequence[str] = ()
    files: Sequence[str] = ()


def files_with_values(root: Path) -> WantedFiles:
    """Files such as `.env`, `.npmrc` and `secrets.toml` below `root`, not those of installed packages."""
    return WantedFiles(root, _has_values, is_left_out=_OF_OTHERS.__contains__)


def files_matching(root: Path, is_wanted: Callable[[str], bool], *, own_only: bool = False) -> WantedFiles:
    """Ordinary files below `root` whose relative paths are wanted; with `own_only` none of installed packages."""
    return WantedFiles(root, is_wanted, is_left_out=lambda name: own_only and name in _OF_OTHERS)


def read_text(file: Path) -> str:
    """The content of a file, at most its first 4 MB; empty if it cannot be read or is binary."""
    try:
        data = read_ordinary(str(file))[0][:MAX_BYTES]
    except OSError:
        return ""
    return "" if b"\0" in data[:8_000] else data.decode("utf-8", "replace")


def values_in(file: Path) -> Iterator[tuple[str, str]]:
    """Names and values that a file of variables assigns, and passwords of addresses in it."""
    text = read_text(file)
    if file.name == ".pgpass":
        yield from (("password", line.rpartition(":")[2]) for line in text.splitlines())
    if "netrc" in file.name:
        yield from (("password", value) for value in re.findall(r"\bpassword\s+(\S+)", text))
    for found in _ASSIGNMENT.finditer(text):
        yield found["name"], _unquoted(found["value"])
    for password in _IN_URL.findall(text):
        yield "password", password


def _unquoted(value: str) -> str:
    quote = value[0]
    if quote in "\"'`" and (end := value.find(quote, 1)) > 0:
        return value[1:end]
    return value.partition(" #")[0].rstrip(" ,;")


def _has_values(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return _WITH_VALUES.fullmatch(name) is not None and not _TEMPLATE.search(name)
