"""Names of files that deserve a person's eyes: what runs by itself, what configures tools, what holds credentials.

Invariant: the names are data (protected.toml), written case-folded, and compared with case-folded names.
"""

import os
import re
import tomllib
from fnmatch import fnmatchcase, translate
from itertools import pairwise
from pathlib import Path

OWN_NAMES = frozenset({".git", ".hybridcode", "git~1", "hybrid~1"})
"""A component with one of these names makes a path nobody may write through the gate; Windows has two of its own."""

_DATA = tomllib.loads(Path(__file__).with_name("protected.toml").read_text("utf-8"))
_FOLDER_OF = {tuple(name.split("/")): what for what, names in _DATA["folders"].items() for name in names.split()}
_NAMES = {name: what for what, patterns in _DATA["files"].items() for name in patterns.split()}
_PATTERNS = tuple((pattern, what) for pattern, what in _NAMES.items() if any(sign in pattern for sign in "*?["))
_ANY_PATTERN = re.compile("|".join(translate(pattern) for pattern, _ in _PATTERNS))
_TEMPLATES = tuple(_DATA["templates"]["files"].split())
_SECRET = re.compile("|".join(_DATA["secrets"]["anywhere"]), re.IGNORECASE)
_SECRET_AT_HOME = re.compile("|".join(_DATA["secrets"]["at_home"]), re.IGNORECASE)


def is_protected(parts: tuple[str, ...]) -> str:
    """What kind of protected file these folded components name; empty if none."""
    for folder in (*((part,) for part in parts), *pairwise(parts)):
        if folder in _FOLDER_OF:
            return _FOLDER_OF[folder]
    name = parts[-1] if parts else ""
    if name not in _NAMES and not _ANY_PATTERN.match(name):
        return ""
    if any(fnmatchcase(name, pattern) for pattern in _TEMPLATES):
        return ""
    if name in _NAMES:
        return _NAMES[name]
    return next((what for pattern, what in _PATTERNS if fnmatchcase(name, pattern)), "")


def is_secret(path: str, home: Path) -> bool:
    """True when an absolute path names credentials that must not end up in a model's window."""
    if _SECRET.search(path):
        return True
    return path.startswith(str(home) + os.sep) and _SECRET_AT_HOME.match(path[len(str(home)) :]) is not None
