"""Changes to config files at a person's own command: the user's, and a repository's first one.

Invariant: comments and order of a file survive; a value that `load` would refuse is never written.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AbstractTable
from tomlkit.toml_document import TOMLDocument

from hybridcode.config.atomic import write_atomic
from hybridcode.config.keys import check
from hybridcode.config.layers import parse_file, read_bounded
from hybridcode.config.paths import user_config_dir
from hybridcode.config.rules import POLICY_FILE, parse_policy, read_policy
from hybridcode.domain.errors import ConfigError


def set_user_value(key: str, value: object, *, path: Path | None = None) -> Path:
    """Set one setting in the user's config.toml (`path` if given) and return the file's path.

    Raises:
        ConfigError: no such setting, a wrong value, `bypass`, or a file that is not TOML or cannot be written.
    """
    target = path or user_config_dir() / "config.toml"
    document = _read(target)
    _set(document, key, value)
    data = tomlkit.dumps(document).encode()
    parse_file(data, layer="user", path=target)
    write_atomic(target, data)
    return target


def write_repository_config(path: Path, values: Mapping[str, object]) -> None:
    """Write a repository's `.hybridcode/config.toml` for the first time, and keep config.local.toml out of git.

    Args:
        values: by dotted name; empty ones are left out.

    Raises:
        ConfigError: the file is already there, its folder is a symbolic link, or a value cannot be used.
    """
    if path.exists() or path.is_symlink():
        raise ConfigError(f"{path} exists already", "Edit it, or move it away first.")
    if path.parent.is_symlink():
        raise ConfigError(f"{path.parent} is a symbolic link", "Nothing is written through a link of the repository.")
    document = tomlkit.document()
    for key, value in values.items():
        if value not in ("", (), []):
            _set(document, key, value)
    write_atomic(path, tomlkit.dumps(document).encode(), mode=0o644)
    ignored = path.parent / ".gitignore"
    if not ignored.exists():
        write_atomic(ignored, b"config.local.toml\n", mode=0o644)


def add_project_rule(workspace: Path, rule: str, *, path: Path | None = None) -> Path:
    """Add an allow rule for one workspace to the user's policy.toml (`path` if given) and return the file's path.

    Raises:
        ConfigError: policy.toml cannot be read, understood or written.
    """
    target, root = path or user_config_dir() / POLICY_FILE, workspace.resolve()
    present = read_policy(target, layer="user", workspace=root)
    if any(known.verdict == "allow" and known.match == (rule,) for known in present):
        return target
    added = tomlkit.dumps({"workspace": str(root), "verdict": "allow", "match": rule})
    data = b"".join((_line_ended(read_bounded(target) or b""), b"[[rule]]\n", added.encode()))
    parse_policy(data, layer="user", path=target, workspace=root)
    write_atomic(target, data)
    return target


def _line_ended(data: bytes) -> bytes:
    return data if not data or data.endswith(b"\n") else data + b"\n"


def _set(document: TOMLDocument, key: str, value: object) -> None:
    checked = msgspec.to_builtins(check(key, value, source="config"))
    if checked == "bypass":
        raise ConfigError("approval.mode cannot be bypass in a file", "Only the flag --unsafe switches the gate off.")
    *sections, leaf = key.split(".")
    _table(document, sections)[leaf] = checked


def _read(path: Path) -> TOMLDocument:
    data = read_bounded(path)
    try:
        return tomlkit.parse((data or b"").decode())
    except (UnicodeDecodeError, TOMLKitError) as error:
        raise ConfigError(f"{path} is not TOML: {error}", "Correct the file first.") from error


def _table(document: TOMLDocument, sections: list[str]) -> AbstractTable | TOMLDocument:
    place: AbstractTable | TOMLDocument = document
    for index, section in enumerate(sections):
        if section not in place:
            place[section] = tomlkit.table(is_super_table=index + 1 < len(sections))
        inner = place[section]
        if not isinstance(inner, AbstractTable):
            raise ConfigError(f"{'.'.join(sections[: index + 1])} is not a section", "Correct the file first.")
        place = inner
    return place
