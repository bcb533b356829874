"""Names of files that deserve a person's eyes: what runs by itself, what configures tools, what holds credentials.

Invariant: the names are data (protected.toml), written case-folded, and compared with case-folded names.
"""

import os
import re
import tomllib
from fnmatch import fnmatchcase, translate
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

from hybridcode.gate.lazy_patterns import LazyPattern

OWN_NAMES = frozenset({".git", ".hybridcode", "git~1", "hybrid~1"})
"""A component with one of these names makes a path nobody may write through the gate; Windows has two of its own."""

_DATA = tomllib.loads(Path(__file__).with_name("protected.toml").read_text("utf-8"))
_FOLDER_OF = {tuple(name.split("/")): what for what, names in _DATA["folders"].items() for name in names.split()}
_NAMES = {name: what for what, patterns in _DATA["files"].items() for name in patterns.split()}
_PATTERNS = tuple((pattern, what) for pattern, what in _NAMES.items() if any(sign in pattern for sign in "*?["))
_BEGINNINGS = tuple({begin for pattern, _ in _PATTERNS if (begin := re.split(r"[*?\[]", pattern)[0])})
_ENDS = tuple({re.split(r"[*?\]]", pattern)[-1] for pattern, _ in _PATTERNS if pattern.startswith(tuple("*?["))})
_TEMPLATES = tuple(_DATA["templates"]["files"].split())
_SECRET = re.compile("|".join(_DATA["secrets"]["anywhere"]), re.IGNORECASE)
_SECRET_AT_HOME = LazyPattern("|".join(_DATA["secrets"]["at_home"]), re.IGNORECASE)


def listed(table: Literal["folders", "files"], kind: str) -> tuple[str, ...]:
    """The names of folders, or the patterns for files, that the data lists under a kind."""
    return tuple(_DATA[table].get(kind, "").split())


def is_protected(parts: tuple[str, ...]) -> str:
    """What kind of protected file these folded components name; empty if none."""
    for folder in (*((part,) for part in parts), *pairwise(parts)):
        if folder in _FOLDER_OF:
            return _FOLDER_OF[folder]
    name = parts[-1] if parts else ""
    if name not in _NAMES and not _may_match(name):
        return ""
    if any(fnmatchcase(name, pattern) for pattern in _TEMPLATES):
        return ""
    if name in _NAMES:
        return _NAMES[name]
    return next((what for pattern, what in _PATTERNS if fnmatchcase(name, pattern)), "")


def _may_match(name: str) -> bool:
    """False where no pattern matches; most names are settled without compiling all of them."""
    return (name.startswith(_BEGINNINGS) or name.endswith(_ENDS)) and _any_pattern().match(name) is not None


@cache
def _any_pattern() -> re.Pattern[str]:
    return re.compile("|".join(translate(pattern) for pattern, _ in _PATTERNS))


def is_secret(path: str, home: str) -> bool:
    """True when an absolute path names credentials that must not end up in a model's window."""
    if _SECRET.search(path):
        return True
    return path.startswith(home + os.sep) and _SECRET_AT_HOME.match(path[len(home) :]) is not None
