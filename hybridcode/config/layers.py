"""The layers that settings come from: each is read once, checked, and knows its place.

Invariant: a file that exists but cannot be read or understood is an error, never an absent layer.
"""

import difflib
import stat
import sys
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from hybridcode.config.keys import KEYS, check, flatten, read_text
from hybridcode.domain.errors import ConfigError

LayerName = Literal["managed", "command line", "environment", "profile", "local", "repository", "user", "default"]
"""`profile` is a built-in one: what [profiles.NAME] of a file says belongs to the layer of that file."""

MANAGED_CONFIG = Path(
    "/Library/Application Support/hybridcode/config.toml" if sys.platform == "darwin" else "/etc/hybridcode/config.toml"
)
"""What the administrator of this machine decided. No flag, variable or file moves it."""

INSTALLER_VARIABLES = frozenset(
    {"HYBRIDCODE_NATIVE", "HYBRIDCODE_NO_LOCAL", "HYBRIDCODE_PYTHON", "HYBRIDCODE_REQUIRE_LOCAL"}
)
"""Variables with our prefix that install.sh and the tests read; they are no settings."""

MAX_CONFIG_BYTES = 1_000_000
"""A larger config file is refused."""


class Origin(msgspec.Struct, frozen=True):
    """Where a value comes from."""

    layer: LayerName
    file: Path | None = None
    """The file it stands in, if any."""
    name: str = ""
    """The variable that holds it, or the built-in profile that says it, if any."""
    profile: str = ""
    """The profile of that file that says it, if any."""

    def __str__(self) -> str:
        place = self.name or (str(self.file) if self.file else "")
        within = f" (profile {self.profile})" if self.profile else ""
        return f"{self.layer}: {place}{within}" if place else self.layer


class Layer(msgspec.Struct, frozen=True):
    """Checked values of one source by dotted name, each with its origin."""

    values: Mapping[str, tuple[object, Origin]]
    profiles: Mapping[str, Mapping[str, tuple[object, Origin]]] = {}
    """The values of each [profiles.NAME] of a file."""


def read_bounded(path: Path) -> bytes | None:
    """The bytes of a config file, or None if there is none.

    Raises:
        ConfigError: it is not an ordinary file (a pipe would block), too large, or unreadable.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(f"{path} is not an ordinary file", "Replace it by a file or remove it.")
        if status.st_size > MAX_CONFIG_BYTES:
            raise ConfigError(f"{path} is larger than {MAX_CONFIG_BYTES} bytes", "Is it the right file?")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", "Correct its permissions.") from error


def parse_file(data: bytes, *, layer: LayerName, path: Path) -> Layer:
    """Checked values of a TOML file's bytes.

    Raises:
        ConfigError: not UTF-8, not TOML (with the line), an unknown setting or a wrong value.
    """
    try:
        table = tomllib.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"{path} is not TOML: {error}", "Correct the file, or move it away to start without it."
        ) from error
    origin, profiles = Origin(layer, file=path), dict[str, Mapping[str, tuple[object, Origin]]]()
    for name, values in _tables(table.pop("profiles", {}), source=f"{path}: profiles").items():
        said = flatten(values, source=f"{path}: profiles.{name}")
        profiles[name] = {key: (value, origin) for key, value in said.items()}
    return Layer({key: (value, origin) for key, value in flatten(table, source=str(path)).items()}, profiles)


def _tables(value: object, *, source: str) -> Mapping[str, Mapping[str, object]]:
    try:
        return msgspec.convert(value, type=dict[str, dict[str, object]])
    except msgspec.ValidationError as error:
        raise ConfigError(f"{source}: {error}", "Write [profiles.NAME] and its settings below it.") from error


def from_file(path: Path, layer: LayerName, *, required: bool = False) -> Layer:
    """The values of a file; no values if it does not exist and is not `required`.

    Raises:
        ConfigError: as `read_bounded` and `parse_file`, or a required file is missing.
    """
    data = read_bounded(path)
    if data is None and required:
        raise ConfigError(f"{path} does not exist", "Check the path given with --config.")
    return parse_file(data or b"", layer=layer, path=path)


def from_environment(env: Mapping[str, str]) -> Layer:
    """The values of variables such as `HYBRIDCODE_APPROVAL_MODE`; other variables are not looked at.

    Raises:
        ConfigError: a variable holds a wrong value.
    """
    return Layer(
        {
            key.name: (
                read_text(key.name, env[key.variable], source=key.variable),
                Origin("environment", name=key.variable),
            )
            for key in KEYS.values()
            if key.variable in env
        }
    )


def unknown_variables(env: Mapping[str, str]) -> tuple[str, ...]:
    """A warning for each variable that looks like a setting of ours and is none: a misspelt one is never silent."""
    known = {key.variable for key in KEYS.values()} | INSTALLER_VARIABLES | {"HYBRIDCODE_PROFILE"}
    strange = sorted(name for name in env if name.startswith("HYBRIDCODE_") and name not in known)
    return tuple(f"{name} is ignored: there is no such setting{_near(name, known)}" for name in strange)


def _near(name: str, known: Collection[str]) -> str:
    found = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.75)
    return f"; did you mean {found[0]}?" if found else ""


def from_flags(flags: Mapping[str, object]) -> Layer:
    """The values of command line flags by dotted name.

    Raises:
        ConfigError: an unknown setting or a wrong value.
    """
    origin = Origin("command line")
    return Layer({name: (check(name, value, source="command line"), origin) for name, value in flags.items()})


def defaults() -> Layer:
    """Every setting with its default."""
    return Layer({key.name: (key.default, Origin("default")) for key in KEYS.values()})
