"""The models on this machine: files that were pulled, and files elsewhere that were made known.

Invariant: a file elsewhere is only ever read; forgetting it leaves it as it is.
"""

import difflib
import re
from pathlib import Path
from typing import Literal

import msgspec

from hybridcode.config.atomic import write_atomic
from hybridcode.config.paths import expanded, models_dir
from hybridcode.config.settings import LocalSettings
from hybridcode.domain.errors import ConfigError
from hybridcode.models.catalogue import NAME, catalogue
from hybridcode.models.gguf import inspect
from hybridcode.models.model_files import claimed, make_folder

Kind = Literal["pulled", "added", "unfinished"]

_ADDED = "added.json"
_SUFFIX, _PART = ".gguf", ".gguf.part"
_SPLIT = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})")


class ModelFile(msgspec.Struct, frozen=True):
    """One model on this machine."""

    name: str
    path: str
    kind: Kind
    """`pulled` lies in our folder, `added` lies elsewhere, `unfinished` is a download that can be gone on with."""
    bytes: int | None
    """Size; None if the file is gone."""


class _Added(msgspec.Struct, forbid_unknown_fields=True):
    models: dict[str, str] = {}
    """Name -> absolute path."""


class Shelf:
    """The models in one folder, and those noted there."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = models_dir() if folder is None else folder

    def models(self) -> tuple[ModelFile, ...]:
        """All of them by name, downloads that are not finished last.

        Raises:
            ConfigError: when the note of added files is damaged.
        """
        pulled = [ModelFile(_bare(path), str(path), "pulled", _size(path)) for path in self._files(_SUFFIX)]
        added = [
            ModelFile(name, path, "added", _size(Path(path))) for name, path in sorted(self._added().models.items())
        ]
        known = {model.name for model in (*pulled, *added)}
        parts = [
            ModelFile(path.name.removesuffix(_PART), str(path), "unfinished", _size(path))
            for path in self._files(_PART)
            if path.name.removesuffix(_PART) not in known
        ]
        return (*sorted((*pulled, *added), key=lambda model: model.name), *parts)

    def find(self, name: str) -> ModelFile | None:
        """The model of this name, finished or not."""
        return next((model for model in self.models() if model.name == name), None)

    def add(self, path: Path, name: str = "") -> ModelFile:
        """Make a file elsewhere known; it stays where it is.

        Raises:
            BadGguf: it is no GGUF.
            ConfigError: it is split, or the name cannot be used or is taken by another file.
        """
        absolute = expanded(path).absolute()
        if is_split(absolute.name):
            raise ConfigError(
                f"{absolute} is one file of a split model, and those are not supported.",
                "Join the parts with llama.cpp's `llama-gguf-split --merge`, and add that.",
            )
        inspect(absolute)
        name = name or absolute.name.removesuffix(_SUFFIX)
        check_name(name)
        make_folder(self.folder)
        with claimed(self.folder, _ADDED, wait=True):
            taken = self.find(name)
            if taken is not None and taken.path != str(absolute):
                raise ConfigError(
                    f"{name} is {taken.path} already.", f"Choose another --name, or `hybridcode models rm {name}`."
                )
            note = self._added()
            note.models[name] = str(absolute)
            self._write(note)
        return ModelFile(name, str(absolute), "added", _size(absolute))

    def forget(self, name: str) -> None:
        """Drop the note of a file elsewhere."""
        with claimed(self.folder, _ADDED, wait=True):
            note = self._added()
            if note.models.pop(name, None) is not None:
                self._write(note)

    def require(self, name: str) -> ModelFile:
        """The finished model of this name.

        Raises:
            ConfigError: there is none; names the nearest ones.
        """
        model = self.find(name)
        if model is not None and model.kind != "unfinished":
            return model
        if model is not None:
            raise ConfigError(
                f"The download of {name} is not finished.", f"Go on with it: `hybridcode models pull {name}`."
            )
        raise self._unknown(name)

    def _unknown(self, name: str) -> ConfigError:
        here = [model.name for model in self.models() if model.kind != "unfinished"]
        there = [entry.id for entry in catalogue() if entry.id not in here]
        if name in there:
            return ConfigError(
                f"The model {name} is not on this machine yet.", f"Get it: `hybridcode models pull {name}`."
            )
        near = difflib.get_close_matches(name, (*here, *there), n=3, cutoff=0.4)
        to_pull = next((match for match in near if match in there), "NAME")
        nearest = f" The nearest are {', '.join(near)}." if near else ""
        return ConfigError(
            f"There is no model {name} on this machine.{nearest}",
            f"`hybridcode models list` shows them all, `hybridcode models pull {to_pull}` gets one; for a model server "
            "set [models.local] base_url too.",
        )

    def _files(self, suffix: str) -> list[Path]:
        try:
            paths = sorted(self.folder.iterdir())
        except OSError:
            return []
        visible = [path for path in paths if path.name.endswith(suffix) and not path.name.startswith(".")]
        return [path for path in visible if not is_later_part(path.name)]

    def _added(self) -> _Added:
        path = self.folder / _ADDED
        try:
            return msgspec.json.decode(path.read_bytes(), type=_Added)
        except FileNotFoundError:
            return _Added({})
        except (OSError, msgspec.DecodeError) as error:
            raise ConfigError(
                f"{path} cannot be read: {error}", "It notes where added models lie; delete it and add them again."
            ) from error

    def _write(self, note: _Added) -> None:
        write_atomic(self.folder / _ADDED, msgspec.json.format(msgspec.json.encode(note), indent=2) + b"\n")


def resolved(local: LocalSettings, shelf: Shelf | None = None) -> LocalSettings:
    """The settings with the file that `name` means, where it means one: no path, no server, no pool, but a name.

    Raises:
        ConfigError: when there is no such model here.
    """
    if local.path or local.base_url or local.pool or not local.name:
        return local
    return msgspec.structs.replace(local, path=(shelf or Shelf()).require(local.name).path)


def check_name(name: str) -> None:
    """Raise ConfigError when a model cannot be called this."""
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot be a model's name.", "Letters, digits, dots, hyphens and underscores; at most 100."
        )


def parts_of(path: Path) -> tuple[Path, ...]:
    """All files of a model: one, or as many as the name `...-00001-of-0000N.gguf` says."""
    match = _SPLIT.fullmatch(path.name.removesuffix(_SUFFIX))
    if match is None or not path.name.endswith(_SUFFIX):
        return (path,)
    count = int(match["count"])
    return tuple(
        path.with_name(f"{match['stem']}-{number:05}-of-{count:05}{_SUFFIX}") for number in range(1, count + 1)
    )


def is_split(file: str) -> bool:
    """True for any file of a split model, by its name."""
    return _SPLIT.fullmatch(file.removesuffix(_SUFFIX)) is not None


def is_later_part(file: str) -> bool:
    """True for the second and further files of a split model."""
    match = _SPLIT.fullmatch(file.removesuffix(_SUFFIX))
    return match is not None and int(match["number"]) > 1


def _bare(path: Path) -> str:
    return path.name.removesuffix(_SUFFIX)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
