"""Which places a sandbox hides, and which of the workspace it keeps from being written.

Invariant: the names are data (sandbox.toml, and protected.toml for the workspace); nothing is written here.
"""

import contextlib
import os
import re
import tomllib
from collections import deque
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase, translate
from importlib.resources import files
from pathlib import Path
from typing import Literal

from hybridcode.config.paths import data_dir, state_dir, user_config_dir
from hybridcode.gate.git_config import config_file
from hybridcode.gate.protected import listed

_DATA = tomllib.loads(files("hybridcode.gate").joinpath("sandbox.toml").read_text("utf-8"))
_KINDS = _DATA["workspace"]["kinds"]
_UNVISITED = frozenset(_DATA["workspace"]["unvisited"].split())
_HISTORIES = tuple(_DATA["histories"]["names"].split())
_PATH_IN_A_VARIABLE = re.compile(r"(?:^|[:=])(?://)?(/[^,;:]+)")
_HOOKS_PATH = re.compile(r"^[ \t]*hookspath[ \t]*=[ \t]*\"?([^\"\n#;]+)", re.IGNORECASE | re.MULTILINE)
_MAX_VISITED = 20_000
_MAX_NESTED = 200
_LONGEST_ADDRESS = 400
_XDG = {"XDG_CONFIG_HOME": ".config", "XDG_DATA_HOME": ".local/share", "XDG_STATE_HOME": ".local/state"}


def _names(table: Literal["folders", "files"]) -> tuple[str, ...]:
    return tuple(name for kind in _KINDS for name in listed(table, kind))


GUARDED_FOLDERS = (".git", ".hybridcode", *_names("folders"))
"""Folders of a workspace that commands may not write, in any of its folders."""
GUARDED_PATTERNS = _names("files")
"""Patterns for files of a workspace that commands may not write, in any of its folders."""
GUARDED_NAMES = (*GUARDED_FOLDERS, *(name for name in GUARDED_PATTERNS if not set(name) & set("*?[")))
"""What commands may not create in the workspace's own folder either, where that can be forbidden by name."""
HELD_NAMES = tuple(name for name in GUARDED_FOLDERS if name.startswith(".") and "/" not in name)
"""What can be forbidden by a folder that stands in its place: names that tools expect to be folders, and pass over."""
_FOLDERS = frozenset(GUARDED_FOLDERS)
_ANY_FILE = re.compile("|".join(map(translate, GUARDED_PATTERNS)))
EMPTIED = tuple(_DATA["machine"]["emptied"].split())
"""Folders of the machine that hold sockets, and what others left lying about."""
KEPT = tuple(_DATA["machine"]["kept"].split())
"""Of the emptied folders: what programs need."""
NAME_SERVICE = tuple(_DATA["machine"]["names"].split())
"""Of the emptied folders: what finding hosts by name needs."""
WRITTEN_CACHES = frozenset(_DATA["caches"]["written"].split())
"""Names in a cache folder that tools must be able to write."""


def hidden_at_home(home: Path) -> Iterator[Path]:
    """What exists in a home folder and must not be seen."""
    hidden = [name.replace("%20", " ") for table in _DATA["hidden"].values() for name in table.split()]
    for name in (*hidden, *_DATA["histories"]["more"].split()):
        yield from (path for path in dict.fromkeys((home / name, _moved(name, home))) if os.path.lexists(path))
    yield from (path for path in (user_config_dir(), state_dir(home).parent, data_dir()) if path.is_dir())
    for entry in _entries(home):
        if any(fnmatchcase(entry.name, pattern) for pattern in _HISTORIES):
            yield home / entry.name


def _moved(name: str, home: Path) -> Path:
    """Where a name of a home folder is when a variable says that its folder is elsewhere."""
    for variable, folder in _XDG.items():
        if name.startswith(f"{folder}/") and (base := os.environ.get(variable, "")).startswith("/"):
            return Path(base, name.removeprefix(f"{folder}/"))
    return home / name


def named_sockets(environ: Mapping[str, str]) -> Iterator[Path]:
    """Local sockets that variables lead to, as those of ssh-agent, docker, dbus, tmux, editors, wherever they lie."""
    for value in environ.values():
        for found in _PATH_IN_A_VARIABLE.findall(value if len(value) < _LONGEST_ADDRESS else ""):
            with contextlib.suppress(OSError):  # what cannot be looked at cannot be connected to
                if Path(found).is_socket():
                    yield Path(found).resolve()


def guarded(workspace: Path) -> tuple[list[Path], bool]:
    """What exists in a workspace, at any depth, and must not be written; False when not all of it was looked at.

    What lies least deep comes first; folders of the workspace itself are never left out, whatever lies beside them.
    Folders of packages and of build results are not looked into.
    """
    entries = _entries(workspace)
    found = [Path(entry.path) for entry in entries if entry.name.casefold() in _FOLDERS]
    entries = [entry for entry in entries if entry.name.casefold() not in _FOLDERS]
    most, visited = len(found) + _MAX_NESTED, 0
    waiting = deque[Path]()
    while True:
        for entry in entries:
            visited += 1
            if visited > _MAX_VISITED or len(found) >= most:
                return found, False
            name = entry.name.casefold()
            if name in _FOLDERS or _ANY_FILE.match(name):
                found.append(Path(entry.path))
            elif name not in _UNVISITED and entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
        if not waiting:
            return found, True
        entries = _entries(waiting.popleft())


def hooks_folder(workspace: Path, home: Path) -> Path | None:
    """The folder inside the workspace that `core.hooksPath` names, if any."""
    for config in (config_file(workspace), home / ".gitconfig", home / ".config" / "git" / "config"):
        for value in _HOOKS_PATH.findall(_text(config)):
            folder = Path(os.path.normpath(workspace / value.strip()))
            if folder.is_relative_to(workspace) and folder != workspace and ".git" not in folder.parts:
                return folder
    return None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(1_000_000).decode("utf-8", "replace")
    except OSError:
        return ""


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
