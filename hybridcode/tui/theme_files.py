"""The themes of a running program: those that ship, and a person's own, read again when their files change.

Invariant: a file that is broken keeps the colours it had, and is told once for each time it was saved.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from hybridcode.domain.errors import ConfigError
from hybridcode.tui.themes import ThemeFile, load_themes, read_theme, shipped_dir

_Stamp = tuple[int, int, int]
"""Time of the last change in ns, size in bytes, inode."""


class Seen(NamedTuple):
    """What a look at the files found."""

    changed: tuple[str, ...] = ()
    """Names of themes that are new or look otherwise."""
    gone: tuple[str, ...] = ()
    """Names of themes that no file holds any more."""
    errors: tuple[ConfigError, ...] = ()


class ThemeFiles:
    """Themes by name; a person's own ones count more than those that ship."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._folders = tuple(folders)
        self._shipped, self._faults = load_themes((shipped_dir(),))
        self._own: dict[Path, ThemeFile] = {}
        self._stamps: dict[Path, _Stamp] = {}
        self.faults = (*self._faults, *self.look().errors)
        """What could not be read at the start."""

    @property
    def has_folders(self) -> bool:
        """True where a person may have themes."""
        return bool(self._folders)

    @property
    def themes(self) -> Mapping[str, ThemeFile]:
        """All of them by name."""
        return self._shipped | {theme.name: theme for theme in self._own.values()}

    def place(self, name: str) -> str:
        """The file of a person's own theme; empty for others."""
        return next((str(path) for path, theme in self._own.items() if theme.name == name), "")

    def look(self) -> Seen:
        """Read what was changed since the last look; only the folders of a person's own themes are looked at."""
        before, stamps = self.themes, self._now()
        errors: list[ConfigError] = []
        for path in self._own.keys() - stamps.keys():
            del self._own[path]
        for path, stamp in stamps.items():
            if self._stamps.get(path) == stamp:
                continue
            try:
                self._own[path] = read_theme(path)
            except ConfigError as error:
                errors.append(error)
        self._stamps, after = stamps, self.themes
        changed = tuple(name for name, theme in after.items() if before.get(name) != theme)
        return Seen(changed, tuple(name for name in before if name not in after), tuple(errors))

    def _now(self) -> dict[Path, _Stamp]:
        found: dict[Path, _Stamp] = {}
        for folder in self._folders:
            try:
                with os.scandir(folder) as entries:
                    names = sorted(entry.path for entry in entries if entry.name.endswith(".toml"))
                for name in names:
                    status = Path(name).stat()
                    found[Path(name)] = status.st_mtime_ns, status.st_size, status.st_ino
            except OSError:  # no such folder, or a file that is just being replaced: the next look sees it
                continue
        return found
