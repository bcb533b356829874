"""Where a path lies and what kind of file it names: inside, outside, ours, protected or secret.

Invariant: a path counts by the place it leads to (through symbolic links) and by the name it is written with,
whichever is worse; names are compared case-folded and Unicode-normalised; only lstat and readlink touch the disk.
"""

import errno
import os
import re
import stat
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Literal

from msgspec import Struct

from hybridcode.gate.git_config import config_file
from hybridcode.gate.protected import OWN_NAMES, is_protected, is_secret
from hybridcode.gate.render import is_plain

Kind = Literal["inside", "protected", "own", "outside", "unusable"]
"""From harmless to worst. `own` is git's and our own state; `unusable` is no path that anybody could mean."""

_DRIVE_OR_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?://|\\|/)")
_HOME = re.compile(r"(~[A-Za-z0-9_.+-]*)/|(?P<bare>~)\Z")
_MOUNT_INFO = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")


class Place(Struct, frozen=True):
    """What is known of one path."""

    kind: Kind
    why: str
    real: str = ""
    """The absolute path it leads to."""
    relative: str = ""
    """`real` relative to the workspace, with forward slashes, if it is inside."""
    is_secret: bool = False
    """It names credentials."""
    has_other_names: bool = False
    """An ordinary file with hard links: writing gives it bytes of its own, and its other names keep the old ones."""


@dataclass(frozen=True)
class Places:
    """The map that paths are looked up on."""

    workspace: Path
    """The workspace's real path."""
    home: Path
    own: tuple[Path, ...] = ()
    """Folders of our own state and settings, wherever they are."""
    hooks: tuple[str, ...] = field(default=())
    """Folders, relative to the workspace, that git runs hooks from."""
    mounts: tuple[str, ...] = ()
    """Places, relative to the workspace, where another file system, or another part of one, is mounted."""

    @classmethod
    def of(cls, workspace: Path, *, own: tuple[Path, ...] = (), home: Path | None = None) -> "Places":
        """Look around once: real path of the workspace, home, and a moved hooks folder."""
        root = Path(os.path.realpath(workspace))
        return cls(
            workspace=root,
            home=home or Path.home(),
            own=tuple(Path(os.path.realpath(path)) for path in own),
            hooks=_hooks_folders(root),
            mounts=_mounts(root),
        )

    @cached_property
    def _root(self) -> str:
        return str(self.workspace)

    @cached_property
    def _home(self) -> str:
        return str(self.home)

    @cached_property
    def _own(self) -> tuple[str, ...]:
        return tuple(map(str, self.own))

    @cached_property
    def _special(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        """Folders of this workspace that are protected, folded, and why."""
        hooks = ((folded(hook), "is protected: git runs hooks from this folder") for hook in self.hooks)
        mounts = ((folded(mount), "is protected: something else is mounted there") for mount in self.mounts)
        return (*hooks, *mounts)

    def of_edit(self, path: str) -> Place:
        """Judge the path of a file change, relative to the workspace."""
        if why := self._unusable(path):
            return Place("unusable", why)
        place = self.at(path, base=self.workspace)
        if place.relative == ".":
            return Place("unusable", "names no file")
        return Place("unusable", "is a link that leads in a circle") if _is_circular(place.real) else place

    def of_link(self, path: str) -> Place:
        """Judge the path of a symbolic link: by the place of the link itself, wherever it leads."""
        if why := self._unusable(path):
            return Place("unusable", why)
        folder, _, name = path.rpartition("/")
        place = self.at(folder or ".", base=self.workspace)
        if place.kind in ("outside", "unusable", "own"):
            return place
        relative = name if place.relative == "." else f"{place.relative}/{name}"
        kind, why = self._by_name(relative, os.path.normpath(self.workspace / path))
        return Place(kind, why, str(self.workspace / relative), relative)

    def _unusable(self, path: str) -> str:
        """Why nobody can mean a file of this workspace by it; empty if somebody can."""
        if why := _unusable(path):
            return why
        if "\\" in path and not os.path.lexists(self.workspace / path):
            return "is not a path of this system"
        if (home := _HOME.match(path)) and not (self.workspace / (home[1] or home["bare"])).exists():
            return "starts in a home folder, which is outside the workspace"
        return ""

    def plain(self, path: str) -> str:
        """A path as effects take it: relative, its folders without links or dots; unchanged if it leads outside."""
        place = self.at(str(PurePosixPath(path).parent), base=self.workspace)  # the last component may be a link
        name = path.rpartition("/")[2]
        if (
            self._unusable(path)
            or name in ("", ".", "..")
            or place.kind in ("outside", "unusable")
            or not place.relative
        ):
            return path
        return name if place.relative == "." else f"{place.relative}/{name}"

    def at(self, path: str, *, base: Path) -> Place:
        """Judge a path as the kernel would find it from `base`."""
        if "\0" in path or not path:
            return Place("unusable", "is empty or holds a NUL")
        try:
            joined = str(base / path)
            real = os.path.realpath(joined)
        except (OSError, ValueError) as error:
            return Place("unusable", f"cannot be looked up ({error})")
        written = os.path.normpath(joined)
        secret = is_secret(real, self._home) or (written != real and is_secret(written, self._home))
        for own in self._own:
            if _below(real, own) or _below(written, own):
                return Place("own", "is hybridcode's own state", real, is_secret=secret)
        relative = _relative(real, self._root)
        if relative is None:
            leads = _below(written, self._root)
            why = f"leads outside the workspace, to {real}" if leads else "is outside the workspace"
            return Place("outside", why, real, is_secret=secret)
        kind, why = self._by_name(relative, written)
        return Place(kind, why, real, relative, secret, has_other_names=_has_other_names(real))

    def _by_name(self, relative: str, written: str) -> tuple[Kind, str]:
        names = [folded(relative)]
        if (literal := _relative(written, self._root)) not in (None, relative):
            names.append(folded(literal))
        for name in names:
            if own := OWN_NAMES.intersection(name):
                return "own", f"lies in or is {sorted(own)[0]}, which only a person's own tools may change"
        for name in names:
            if what := is_protected(name):
                return "protected", f"is protected: {what}"
            for folder, why in self._special:
                if name[: len(folder)] == folder:
                    return "protected", why
        return "inside", "is an ordinary path of the workspace"


def folded(path: str) -> tuple[str, ...]:
    """The components of a path as they are compared: what any file system might take for the same name."""
    parts = unicodedata.normalize("NFKC", path).casefold().replace("\\", "/").split("/")
    return tuple(part.split(":")[0].rstrip(" .") or part for part in parts if part not in ("", "."))


def _unusable(path: str) -> str:
    if not path or path.endswith("/") or not path.strip():
        return "names no file"
    if not is_plain(path) or "\n" in path or "\t" in path:
        return "holds hidden or control characters"
    if path.startswith("\\") or _DRIVE_OR_SCHEME.match(path):
        return "is not a path of this system"
    if len(path.encode("utf-8", "surrogateescape")) > 4_000 or any(len(p.encode()) > 255 for p in path.split("/")):
        return "is too long"
    return ""


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _relative(path: str, folder: str) -> str | None:
    """A path without needless parts, relative to such a folder; None if it lies elsewhere."""
    if not _below(path, folder):
        return None
    return path[len(folder) :].strip("/").replace(os.sep, "/") or "."


def _hooks_folders(root: Path) -> tuple[str, ...]:
    """`core.hooksPath` of the repository's own configuration, read as text: git is not started for this."""
    try:
        text = config_file(root).read_text("utf-8", "replace")
    except OSError:
        return ()
    found = re.findall(r"^\s*hookspath\s*=\s*\"?([^\"\n#;]+)", text, re.MULTILINE | re.IGNORECASE)
    relative = (_relative(os.path.normpath(root / value.strip()), str(root)) for value in found)
    return tuple(path for path in relative if path not in (None, "."))


def _mounts(root: Path) -> tuple[str, ...]:
    """What is mounted below the workspace, as far as the kernel tells."""
    try:
        lines = _MOUNT_INFO.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ()
    points = (_OCTAL.sub(lambda found: chr(int(found[1], 8)), line.split(" ")[4]) for line in lines)
    relative = (_relative(point, str(root)) for point in points)
    return tuple(path for path in relative if path not in (None, "."))


def _is_circular(real: str) -> bool:
    """True when what every link was followed for is still a link."""
    try:
        return stat.S_ISLNK(os.lstat(real).st_mode)
    except (OSError, ValueError) as error:
        return isinstance(error, OSError) and error.errno == errno.ELOOP


def _has_other_names(path: str) -> bool:
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) and found.st_nlink > 1
