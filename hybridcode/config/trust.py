"""Trust in a repository's own files, bound to exactly their content.

Invariant: any change of a byte, a new file or a missing one makes the repository untrusted again.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import platformdirs

from hybridcode.config.atomic import remove_durably, write_atomic
from hybridcode.config.layers import read_bounded
from hybridcode.domain.canonical import digest_of, sha256_hex
from hybridcode.domain.errors import ConfigError

_FOLDER = ".hybridcode"
_NAMES = ("config.toml", "config.local.toml", "policy.toml", "routing.toml")


class RepositoryConfig(msgspec.Struct, frozen=True):
    """A repository's files for us, read once: what is trusted is what is used."""

    workspace: Path
    files: Mapping[str, bytes]
    """Name below `.hybridcode/` -> content, sorted."""

    @property
    def folder(self) -> Path:
        """`.hybridcode` of the workspace."""
        return self.workspace / _FOLDER

    @property
    def digest(self) -> str:
        """SHA-256 over names and contents; empty if there are no files."""
        return digest_of({name: sha256_hex(data) for name, data in self.files.items()}) if self.files else ""


class TrustView(msgspec.Struct, frozen=True):
    """What a person is shown before trusting."""

    workspace: str
    digest: str
    files: Mapping[str, str]
    """Name below `.hybridcode/` -> SHA-256."""
    is_trusted: bool
    was_trusted: bool
    """True if other content of this workspace was trusted before: it changed since."""
    changed: tuple[str, ...] = ()
    """Files with other content than was trusted."""
    added: tuple[str, ...] = ()
    """Files that were not there when it was trusted."""
    removed: tuple[str, ...] = ()
    """Files that were trusted and are gone."""


class TrustRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person trusted."""

    workspace: str
    digest: str
    files: dict[str, str] = {}
    """Name below `.hybridcode/` -> SHA-256."""


def read_repository(workspace: Path) -> RepositoryConfig:
    """Read the files below `.hybridcode/` that can change what we do.

    Raises:
        ConfigError: one of them cannot be read.
    """
    root = workspace.resolve()
    folder = root / _FOLDER
    commands = (f"commands/{path.name}" for path in (folder / "commands").glob("*.md"))
    found = {name: read_bounded(folder / name) for name in sorted((*_NAMES, *commands))}
    return RepositoryConfig(workspace=root, files={name: data for name, data in found.items() if data is not None})


def is_trusted(repository: RepositoryConfig, *, store: Path | None = None) -> bool:
    """True if the user trusted exactly these bytes in this workspace.

    Raises:
        ConfigError: the trust store cannot be read.
    """
    record = _recorded(repository, store)
    return record is not None and bool(repository.digest) and record.digest == repository.digest


def trust(repository: RepositoryConfig, *, store: Path | None = None) -> str:
    """Remember that a person trusts these bytes in this workspace; returns their digest.

    Raises:
        ConfigError: there is nothing to trust, or the store cannot be written.
    """
    if not repository.files:
        raise ConfigError(f"{repository.folder} holds no file of ours", "There is nothing to trust.")
    record = TrustRecord(str(repository.workspace), repository.digest, _digests(repository))
    write_atomic(_path(repository, store), msgspec.json.encode(record) + b"\n")
    return record.digest


def describe(repository: RepositoryConfig, *, store: Path | None = None) -> TrustView:
    """What there is to trust, and whether it is trusted.

    Raises:
        ConfigError: the trust store cannot be read.
    """
    record = _recorded(repository, store)
    trusted = is_trusted(repository, store=store)
    files, before = _digests(repository), record.files if record else {}
    return TrustView(
        workspace=str(repository.workspace),
        digest=repository.digest,
        files=files,
        is_trusted=trusted,
        was_trusted=record is not None and not trusted,
        changed=tuple(name for name in files if name in before and before[name] != files[name]),
        added=tuple(name for name in files if before and name not in before),
        removed=tuple(name for name in before if name not in files),
    )


def revoke(repository: RepositoryConfig, *, store: Path | None = None) -> bool:
    """Forget that this workspace was trusted. False: it was not.

    Raises:
        ConfigError: the trust store cannot be changed.
    """
    return remove_durably(_path(repository, store))


def records(*, store: Path | None = None) -> tuple[TrustRecord, ...]:
    """Everything that was trusted, by folder.

    Raises:
        ConfigError: the trust store cannot be read.
    """
    found = (_read(path) for path in _folder(store).glob("*.json"))
    return tuple(sorted((record for record in found if record is not None), key=lambda record: record.workspace))


def _digests(repository: RepositoryConfig) -> dict[str, str]:
    return {name: sha256_hex(data) for name, data in repository.files.items()}


def _recorded(repository: RepositoryConfig, store: Path | None) -> TrustRecord | None:
    record = _read(_path(repository, store))
    return record if record is not None and record.workspace == str(repository.workspace) else None


def _read(path: Path) -> TrustRecord | None:
    data = read_bounded(path)
    if data is None:
        return None
    try:
        return msgspec.json.decode(data, type=TrustRecord)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is damaged: {error}", "Remove it and trust the repository again.") from error


def _folder(store: Path | None) -> Path:
    return store or Path(platformdirs.user_state_dir("hybridcode")) / "trust"


def _path(repository: RepositoryConfig, store: Path | None) -> Path:
    return _folder(store) / f"{sha256_hex(str(repository.workspace).encode('utf-8', 'surrogateescape'))[:32]}.json"
