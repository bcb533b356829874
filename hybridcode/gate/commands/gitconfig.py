"""Which programs a repository's own configuration makes git run, even for commands that only read.

The configuration is read as text, since git is not started to judge it. The user's own configuration is not looked at:
what it names, the user chose.

Invariant: what cannot be read, or is not understood, counts as naming a program.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from hybridcode.gate.lazy_patterns import LazyPattern

_MAX_BYTES = 1_000_000
_MAX_MODULES = 500
_NAMES_A_PROGRAM = LazyPattern(
    r"diff\.external|diff\..+\.(?:command|textconv)|filter\..+\.(?:clean|smudge|process)|merge\..+\.driver|"
    r"gpg\.(?:.+\.)?program|include\.path|includeif\..+\.path|extensions\.partialclone|remote\..+\.promisor",
    re.IGNORECASE | re.DOTALL,
)
"""Partial clones fetch what they lack, with whatever transport their remote names."""
_SECTION = LazyPattern(r'\[\s*([A-Za-z0-9.-]+)(?:[ \t]+"((?:[^"\\]|\\.)*)")?[ \t]*\]')
_SETTING = LazyPattern(r"([A-Za-z][A-Za-z0-9-]*)[ \t]*(?:=(.*))?\Z", re.DOTALL)
_READING_HOOK = "post-index-change"
"""The one hook that commands which only read may run: they refresh the index."""
_PLAIN_PATH = LazyPattern(r"[A-Za-z0-9 ._/~-]+")
_SWITCH = frozenset({"", "true", "false", "yes", "no", "on", "off", "0", "1"})


class _Setting(Struct, frozen=True):
    name: str
    value: str


class _NotUnderstood(Exception):
    """A configuration file that git may read otherwise than we do."""


def programs_named(folder: Path) -> tuple[str, ...]:
    """Settings and hooks with which git would run programs in `folder`, as `diff.pdf.textconv`; empty without any."""
    return tuple(dict.fromkeys(name for found in _repositories(folder) for name in _of_repository(found)))


def _repositories(folder: Path) -> Iterator[Path]:
    """What git may take for the git directory of a folder, nearest first: git decides, so rather too many."""
    for at in (folder, *folder.parents):
        if (at / ".git").exists():
            yield at / ".git"
            if (at / ".git").is_file() or (at / ".git" / "HEAD").exists():
                return
        if os.path.lexists(at / "HEAD") and ((at / "objects").exists() or (at / "commondir").exists()):
            yield at


def _of_repository(found: Path) -> Iterator[str]:
    try:
        git_dir = _git_dir(found)
        common = git_dir / (_text(git_dir / "commondir").strip() or ".")
        modules = tuple(_modules(common / "modules"))
    except (OSError, _NotUnderstood):
        yield f"{found.name} (cannot be understood)"
        return
    for directory in dict.fromkeys((git_dir, common, *modules)):
        if os.path.lexists(directory / "hooks" / _READING_HOOK):
            yield f"the hook {_READING_HOOK}"
        for name in ("config", "config.worktree"):
            yield from _of_file(directory / name, work_tree=None if directory in modules else found.parent)


def _git_dir(dot_git: Path) -> Path:
    """The git directory behind a `.git` folder or file (linked work trees and submodules have a file)."""
    if dot_git.is_dir():
        return dot_git
    word, _, target = _text(dot_git).partition(":")
    if word != "gitdir":
        raise _NotUnderstood
    return dot_git.parent / target.strip()


def _modules(folder: Path) -> Iterator[Path]:
    """Git directories of submodules: their names may hold slashes, and they may have submodules of their own."""
    waiting, count = [folder], 0
    while waiting:
        for inner in sorted(path for path in waiting.pop().glob("*") if path.is_dir()):
            count += 1
            if count > _MAX_MODULES:
                raise _NotUnderstood
            if (inner / "HEAD").exists():
                yield inner
                waiting.append(inner / "modules")
            else:
                waiting.append(inner)


def _of_file(path: Path, *, work_tree: Path | None) -> Iterator[str]:
    try:
        settings = list(_settings(_text(path)))
    except (OSError, _NotUnderstood):
        yield f"{path.name} (cannot be understood)"
        return
    for setting in settings:
        if _runs_something(setting, work_tree):
            yield setting.name


def _runs_something(setting: _Setting, work_tree: Path | None) -> bool:
    match setting.name.lower():
        case "core.fsmonitor":
            return setting.value.lower() not in _SWITCH
        case "core.hookspath":
            if work_tree is None or not _PLAIN_PATH.fullmatch(setting.value):
                return True
            return os.path.lexists(work_tree / Path(setting.value).expanduser() / _READING_HOOK)
        case name:
            return _NAMES_A_PROGRAM.fullmatch(name) is not None


def _settings(text: str) -> Iterator[_Setting]:
    """The settings of a configuration file.

    Raises:
        _NotUnderstood: a line that is no plain setting, or that goes on in the next one.
    """
    section = ""
    for raw in text.removeprefix("\ufeff").split("\n"):
        line = raw.strip(" \t\r")
        if line.endswith("\\") and not line.startswith(("#", ";")):
            raise _NotUnderstood
        while header := _SECTION.match(line):
            section = header[1] if header[2] is None else f"{header[1]}.{header[2]}"
            line = line[header.end() :].strip(" \t")
        if not line or line.startswith(("#", ";")):
            continue
        found = _SETTING.match(line)
        if found is None or not section:
            raise _NotUnderstood
        yield _Setting(f"{section}.{found[1]}", (found[2] or "").strip())


def _text(path: Path) -> str:
    """A file's text; empty if there is none.

    Raises:
        OSError: it cannot be read.
        _NotUnderstood: it is too long.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    if len(data) > _MAX_BYTES:
        raise _NotUnderstood
    return data.decode("utf-8", "replace")
