"""Files of a work tree whose contents must not leave: those with variables and credentials, and those a person names.

Invariant: no link is followed, nothing is written or kept, and a file that git ignores counts like any other.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from hybridcode.repo.look import read_ordinary

MAX_BYTES = 4_000_000
"""Of a larger file only the beginning counts."""
MOST_FOLDERS = 20_000
"""Folders that are looked into, nearest first."""
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


def files_with_values(root: Path) -> list[Path]:
    """Files such as `.env`, `.npmrc` and `secrets.toml` below `root`, not those of installed packages."""
    found = _walk(root, lambda name: name in _OF_OTHERS)
    return [root / path for path in found if _WITH_VALUES.fullmatch(name := path.rpartition("/")[2].lower())
            and not _TEMPLATE.search(name)]  # fmt: skip


def files_matching(root: Path, is_wanted: Callable[[str], bool], *, own_only: bool = False) -> list[Path]:
    """Ordinary files below `root` whose relative paths are wanted; with `own_only` none of installed packages."""
    found = _walk(root, lambda name: own_only and name in _OF_OTHERS)
    return [root / path for path in found if is_wanted(path)]


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


def _walk(root: Path, is_left_out: Callable[[str], bool]) -> Iterator[str]:
    """Relative paths of ordinary files, folder by folder, the nearest first."""
    waiting, seen = [""], 0
    while waiting and seen < MOST_FOLDERS:
        folder, seen = waiting.pop(0), seen + 1
        try:
            with os.scandir(root / folder) as entries:
                members = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in members:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _NEVER and not is_left_out(entry.name):
                    waiting.append(path)
            elif entry.is_file(follow_symlinks=False):
                yield path
