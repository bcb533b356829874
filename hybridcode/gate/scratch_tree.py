"""The files of a scratch copy: laid out, brought up to date by difference, and swept after each check.

Invariant: folders are entered one by one from the copy's own descriptor and no link is followed, whatever a check left
there; nothing outside the copy is ever written.
"""

import contextlib
import fcntl
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hybridcode.gate.scratch_contents import is_cache

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FICLONE = 0x40049409
_SECOND = 1_000_000_000
_RESTED_NS = 2 * _SECOND
"""A file younger than this may be written again with nothing to show for it: it is copied anew the next time."""


@dataclass(frozen=True)
class Wanted:
    """One entry of the copy."""

    key: object
    """Equal keys mean equal content."""
    file: Path | None = None
    """Copied from here."""
    data: bytes | None = None
    """Written from memory."""
    link: str | None = None
    """A link to this."""
    mode: int = 0o644
    is_place: bool = False
    """An empty folder, or file if `data` is set, that something else is mounted on."""


@dataclass(frozen=True)
class _Laid:
    """An entry as it was when it had been put there."""

    key: object
    stamp: tuple[int, ...]
    is_rested: bool


def key_of(facts: os.stat_result) -> tuple[int, ...]:
    """What tells one content of a file of the workspace from another."""
    return facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_mode


@dataclass
class CopyTree:
    """The files below one folder of ours. Its methods block, and may run in a thread, one at a time."""

    root: Path
    _laid: dict[str, _Laid] = field(default_factory=dict[str, _Laid])
    _seconds: dict[str, dict[tuple[int, int], object]] = field(default_factory=dict[str, dict[tuple[int, int], object]])
    """What content each path had for a time of change in whole seconds and a size: caches of tools know a source by
    these two, so that no two contents may share them."""
    _can_clone: bool = hasattr(fcntl, "ioctl")

    def lay_out(self, wanted: Mapping[str, Wanted], *, tick: Callable[[int, int], bool]) -> None:
        """Make the copy hold exactly `wanted` (and caches). `tick` gets what is done of how much; False stops it.

        Raises:
            OSError: a file could not be read or written.
            InterruptedError: `tick` said so.
        """
        for path in [path for path, laid in self._laid.items() if not laid.is_rested]:
            del self._laid[path]
        kept = self._sweep(wanted)
        missing = sorted(wanted.keys() - kept)
        with contextlib.ExitStack() as stack:
            folders = _Folders(self.root, stack)
            for number, path in enumerate(missing):
                if number % 64 == 0 and not tick(number, len(missing)):
                    raise InterruptedError("stopped while the tree was being copied")
                self._put(folders, path, wanted[path])

    def sweep(self, wanted: Mapping[str, Wanted]) -> set[str]:
        """Throw away what a check wrote, but for caches; the paths of `wanted` that it changed or removed."""
        return wanted.keys() - self._sweep(wanted)

    def _sweep(self, wanted: Mapping[str, Wanted]) -> set[str]:
        folders = {folder for path in wanted for folder in _above(path)}
        kept = set[str]()
        top = os.open(self.root, _FOLDER)
        try:
            self._sweep_folder(top, "", wanted, folders, kept)
        finally:
            os.close(top)
        for path in self._laid.keys() - kept:
            del self._laid[path]
        return kept

    def _sweep_folder(
        self, folder: int, prefix: str, wanted: Mapping[str, Wanted], folders: set[str], kept: set[str]
    ) -> None:
        with os.scandir(folder) as entries:
            members = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
        for name, facts in members:
            path = prefix + name
            if not stat.S_ISDIR(facts.st_mode):
                if self._is_as_laid(path, facts, wanted):
                    kept.add(path)
                else:
                    os.unlink(name, dir_fd=folder)
            elif path in folders:
                if facts.st_mode & 0o700 != 0o700:
                    _open_up(name, folder)
                inner = os.open(name, _FOLDER, dir_fd=folder)
                try:
                    self._sweep_folder(inner, f"{path}/", wanted, folders, kept)
                finally:
                    os.close(inner)
            elif path in wanted and wanted[path].is_place:
                kept.add(path)
            elif not is_cache(name):
                remove_folder(name, folder)

    def _is_as_laid(self, path: str, facts: os.stat_result, wanted: Mapping[str, Wanted]) -> bool:
        laid, want = self._laid.get(path), wanted.get(path)
        return laid is not None and want is not None and laid.key == want.key and laid.stamp == key_of(facts)

    def _put(self, folders: "_Folders", path: str, want: Wanted) -> None:
        above, _, name = path.rpartition("/")
        folder = folders.enter(above)
        if want.is_place and want.data is None:
            os.mkdir(name, 0o755, dir_fd=folder)
            return
        key, is_rested = want.key, True
        if want.link is not None:
            os.symlink(want.link, name, dir_fd=folder)
        elif want.file is not None:
            key, is_rested = self._copy(want.file, path, name, folder)
        else:
            self._write(want, path, name, folder)
        facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
        self._laid[path] = _Laid(key, key_of(facts), is_rested)

    def _copy(self, source: Path, path: str, name: str, folder: int) -> tuple[object, bool]:
        reader = os.open(source, _READ)
        try:
            facts = os.fstat(reader)
            if not stat.S_ISREG(facts.st_mode):
                raise OSError(0, "is no ordinary file any more", str(source))
            writer = os.open(name, _NEW, 0o600, dir_fd=folder)
            try:
                self._fill(reader, writer)
                os.fchmod(writer, stat.S_IMODE(facts.st_mode) & 0o777)
                self._stamp(writer, path, key_of(facts), facts.st_mtime_ns)
            finally:
                os.close(writer)
        finally:
            os.close(reader)
        return key_of(facts), max(facts.st_mtime_ns, facts.st_ctime_ns) + _RESTED_NS < time.time_ns()

    def _fill(self, reader: int, writer: int) -> None:
        if self._can_clone:
            try:
                fcntl.ioctl(writer, _FICLONE, reader)
                return
            except OSError:
                self._can_clone = False
        while piece := os.read(reader, 1024 * 1024):
            _write_all(writer, piece)

    def _write(self, want: Wanted, path: str, name: str, folder: int) -> None:
        writer = os.open(name, _NEW, 0o600, dir_fd=folder)
        try:
            _write_all(writer, want.data or b"")
            os.fchmod(writer, want.mode & 0o777)
            self._stamp(writer, path, want.key, time.time_ns())
        finally:
            os.close(writer)

    def _stamp(self, writer: int, path: str, key: object, wished_ns: int) -> None:
        known = self._seconds.setdefault(path, {})
        size = os.fstat(writer).st_size
        while known.get((wished_ns // _SECOND, size), key) != key:
            wished_ns += _SECOND
        known[wished_ns // _SECOND, size] = key
        os.utime(writer, ns=(wished_ns, wished_ns))


class _Folders:
    """Descriptors of folders of the copy, made where they are missing; those on the way to the last one stay open."""

    def __init__(self, root: Path, stack: contextlib.ExitStack) -> None:
        self._open = {"": os.open(root, _FOLDER)}
        stack.callback(lambda: [os.close(descriptor) for descriptor in self._open.values()])

    def enter(self, path: str) -> int:
        """The descriptor of a folder; valid until another one is entered."""
        if path in self._open:
            return self._open[path]
        way = [*list(_above(path))[::-1], path]
        for gone in [known for known in self._open if known and known not in way]:
            os.close(self._open.pop(gone))
        current = self._open[""]
        for step in way:
            if step not in self._open:
                name = step.rpartition("/")[2]
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, 0o755, dir_fd=current)
                self._open[step] = os.open(name, _FOLDER, dir_fd=current)
            current = self._open[step]
        return current


def _above(path: str) -> Iterator[str]:
    """The folders that a path lies in, the innermost first."""
    at = path.rfind("/")
    while at > 0:
        yield path[:at]
        at = path.rfind("/", 0, at)


def _write_all(writer: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(writer, view) :]


def remove_folder(name: str, folder: int) -> None:
    """Remove a folder and all that is in it, unreadable parts included; links are removed and not followed."""
    try:
        shutil.rmtree(name, dir_fd=folder)
    except PermissionError:
        _open_up(name, folder)
        shutil.rmtree(name, dir_fd=folder)


def _open_up(name: str, folder: int) -> None:
    """Make folders of ours accessible again, from the outermost inwards."""
    way = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, way, dir_fd=folder)
    try:
        if hasattr(os, "O_PATH"):
            Path(f"/proc/self/fd/{descriptor}").chmod(0o700)
        else:
            os.fchmod(descriptor, 0o700)
        inner = os.open(".", _FOLDER, dir_fd=descriptor)
        try:
            with os.scandir(inner) as entries:
                names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
            for below in names:
                _open_up(below, inner)
        finally:
            os.close(inner)
    finally:
        os.close(descriptor)
