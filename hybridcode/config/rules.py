"""Allow rules a person made for one workspace, kept in the user's own policy.toml.

Invariant: a repository can neither read nor write them; only a person's key or command adds one.
"""

from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from hybridcode.config.atomic import write_atomic
from hybridcode.config.layers import read_bounded
from hybridcode.config.paths import user_config_dir
from hybridcode.domain.errors import ConfigError

_TABLE = "workspace"


def project_rules(workspace: Path, *, path: Path | None = None) -> tuple[str, ...]:
    """The rules for a workspace, oldest first.

    Raises:
        ConfigError: policy.toml is not what we wrote.
    """
    rules = _tables(path or _file()).get(_TABLE, {}).get(str(workspace.resolve()), {}).get("allow", [])
    return tuple(str(rule) for rule in rules)


def add_project_rule(workspace: Path, rule: str, *, path: Path | None = None) -> Path:
    """Remember a rule for a workspace; returns the file's path.

    Raises:
        ConfigError: policy.toml cannot be read or written.
    """
    target = path or _file()
    rules = project_rules(workspace, path=target)
    if rule in rules:
        return target
    tables = _tables(target)
    tables.setdefault(_TABLE, {}).setdefault(str(workspace.resolve()), {})["allow"] = [*rules, rule]
    write_atomic(target, tomlkit.dumps(tables).encode())
    return target


def _file() -> Path:
    return user_config_dir() / "policy.toml"


def _tables(path: Path) -> dict[str, dict[str, dict[str, list[str]]]]:
    data = read_bounded(path)
    try:
        return tomlkit.parse((data or b"").decode()).unwrap()
    except (UnicodeDecodeError, TOMLKitError) as error:
        raise ConfigError(f"{path} is not TOML: {error}", "Correct the file first.") from error
