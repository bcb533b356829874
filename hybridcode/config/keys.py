"""Every setting by its dotted name, and the one check that a value of any layer passes.

Invariant: values that passed `check` under their names build Settings; each refusal names the source and the key, and
never repeats what might be a secret.
"""

import difflib
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

import msgspec

from hybridcode.config.naming import by_kind, named_section, named_setting, require_name
from hybridcode.config.patterns import bounded
from hybridcode.config.settings import Settings
from hybridcode.domain.errors import ConfigError

_PATTERNS = frozenset({"egress.redact_patterns", "egress.redact_allow"})
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Key(msgspec.Struct, frozen=True):
    """One setting."""

    name: str
    """Dotted, as `models.local.n_ctx`."""
    type: Any
    default: object

    @property
    def variable(self) -> str:
        """The environment variable that sets it, as `HYBRIDCODE_MODELS_LOCAL_N_CTX`."""
        return "HYBRIDCODE_" + self.name.replace(".", "_").upper()

    @property
    def choices(self) -> tuple[str, ...]:
        """The allowed words, when the setting is a choice."""
        return get_args(self.type) if get_origin(self.type) is Literal else ()

    @property
    def is_list(self) -> bool:
        """True for a list of strings."""
        return get_origin(self.type) is tuple

    @property
    def is_number(self) -> bool:
        """True for an integer or a real number, also an optional one."""
        return bool({int, float} & {self.type, *get_args(self.type)})

    @property
    def lowest(self) -> int:
        """The smallest number allowed: 0, or -1 where that stands for "choose yourself"."""
        return -1 if self.default == -1 else 0


def _subsection(kind: Any) -> type[msgspec.Struct] | None:
    return kind if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else None


def _sections(section: type[msgspec.Struct], prefix: str = "") -> Iterator[tuple[str, type[msgspec.Struct]]]:
    for field in msgspec.structs.fields(section):
        if inner := _subsection(field.type):
            yield f"{prefix}{field.name}", inner
            yield from _sections(inner, f"{prefix}{field.name}.")


def _keys(name: str, section: type[msgspec.Struct]) -> Iterator[Key]:
    for field in msgspec.structs.fields(section):
        if _subsection(field.type) is None and get_origin(field.type) is not dict:
            yield Key(name=f"{name}.{field.name}", type=field.type, default=field.default)


SECTIONS: Mapping[str, type[msgspec.Struct]] = MappingProxyType(dict(_sections(Settings)))
"""Dotted section name -> its struct, in the order of Settings."""

KEYS: Mapping[str, Key] = MappingProxyType(
    {key.name: key for name, section in SECTIONS.items() for key in _keys(name, section)}
)
"""Dotted name -> setting, in the order of Settings; those of [models.NAME] are made when they are asked for."""


def names_in(settings: Settings) -> Iterator[str]:
    """Dotted names of all settings that there are, those of further models included."""
    for name in KEYS:
        if name == "roles.plan":
            for model, table in settings.models.named.items():
                yield from (f"models.{model}.{field}" for field in table.__struct_fields__)
        yield name


def check(name: str, value: object, *, source: str, strict: bool = True) -> object:
    """Convert `value` to the type of setting `name`.

    Args:
        source: where the value stands, for messages: a file, a variable, a flag.
        strict: False also accepts text for numbers and booleans (`8192`, `true`, `1`).

    Raises:
        ConfigError: no such setting, a wrong type, a number out of range, or a key where a variable's name belongs.
    """
    key = find(name, source=source)
    try:
        converted: object = msgspec.convert(value, type=key.type, strict=strict)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise ConfigError(f"{source}: {name}: {error}", _expectation(key)) from error
    _check_number(key, converted, source)
    if name in _PATTERNS:
        for pattern in msgspec.convert(converted, type=tuple[str, ...]):
            bounded(pattern, source=f"{source}: {name}")
    if name.endswith("api_key_env") and converted and not _VARIABLE.fullmatch(str(converted)):
        raise ConfigError(
            f"{source}: {name} does not hold the name of an environment variable",
            "Keys never stand in a config file: export the key in a variable and write the variable's name here.",
        )
    return converted


def find(name: str, *, source: str) -> Key:
    """The setting called `name`.

    Raises:
        ConfigError: there is none; the hint names the nearest one.
    """
    if key := KEYS.get(name):
        return key
    if name in SECTIONS or (named_section(name) and name.count(".") == 1):
        raise _is_section(name, source)
    if named := named_setting(name):
        require_name(named[0], source=source)
        for part in ("frontier", "local"):
            if key := KEYS.get(f"models.{part}.{named[1]}"):
                return msgspec.structs.replace(key, name=name)
        hint = _nearest(f"models.frontier.{named[1]}")
        raise ConfigError(
            f"{source}: there is no setting {name}", hint.replace("models.frontier.", f"models.{named[0]}.")
        )
    raise ConfigError(f"{source}: there is no setting {name}", _nearest(name))


def flatten(table: Mapping[str, object], *, source: str, prefix: str = "") -> dict[str, object]:
    """Turn nested TOML tables into checked values by dotted name.

    Raises:
        ConfigError: as `check`, or a plain value where a section belongs.
    """
    flat: dict[str, object] = {}
    for name, value in table.items():
        dotted = f"{prefix}{name}"
        if dotted in SECTIONS or _is_named(dotted, value):
            flat |= flatten(_table(dotted, value, source), source=source, prefix=f"{dotted}.")
        else:
            flat[dotted] = check(dotted, value, source=source)
    return flat


def _is_named(name: str, value: object) -> bool:
    return bool(named_section(name)) and isinstance(value, dict)


def read_text(name: str, text: str, *, source: str) -> object:
    """Read the value of setting `name` from a flag or a variable: plain text, or TOML for lists (`["a", "b"]`).

    Raises:
        ConfigError: as `check`, or a list that is not TOML.
    """
    if not find(name, source=source).is_list:
        return check(name, text, source=source, strict=False)
    if not text.lstrip().startswith("["):
        return check(name, (text,) if text else (), source=source)
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source}: {name}: {error}", 'Write a list as ["one", "two"].') from error
    return check(name, value, source=source)


def read_assignment(text: str) -> tuple[str, object]:
    """Read `key=value`, the form of `--set`.

    Raises:
        ConfigError: no `=`, or as `read_text`.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--set {text}: no value", "Write --set key=value, as --set limits.max_steps=10.")
    return name.strip(), read_text(name.strip(), value.strip(), source="--set")


def build(values: Mapping[str, object]) -> Settings:
    """Settings with `values` (checked, by dotted name) and defaults for the rest.

    Raises:
        ConfigError: a [models.NAME] that names no model, or holds what its kind does not have.
    """
    tree: dict[str, Any] = {}
    further: dict[str, dict[str, object]] = {}
    for name, value in values.items():
        if named := named_setting(name):
            further.setdefault(named[0], {})[named[1]] = value
            continue
        *sections, leaf = name.split(".")
        table = tree
        for section in sections:
            table = table.setdefault(section, {})
        table[leaf] = value
    if further:
        tree.setdefault("models", {}).update(by_kind(further))
    return msgspec.convert(tree, type=Settings)


def _table(name: str, value: object, source: str) -> Mapping[str, object]:
    try:
        return msgspec.convert(value, type=dict[str, object])
    except msgspec.ValidationError as error:
        raise _is_section(name, source) from error


def _is_section(name: str, source: str) -> ConfigError:
    return ConfigError(f"{source}: {name} is a section, not a setting", f"Write [{name}] and its settings below it.")


def _check_number(key: Key, value: object, source: str) -> None:
    if not key.is_number or not isinstance(value, int | float):
        return
    if not math.isfinite(value) or value < key.lowest:
        raise ConfigError(f"{source}: {key.name} = {value} is out of range", f"Use a number from {key.lowest} on.")


def _expectation(key: Key) -> str:
    if key.choices:
        return f"Use one of: {', '.join(key.choices)}."
    if key.is_list:
        return 'Use a list of strings, as ["one", "two"].'
    return f"The default is {msgspec.json.encode(key.default).decode()}."


def _nearest(name: str) -> str:
    last = name.rpartition(".")[2]
    by_last = {known.rpartition(".")[2]: known for known in KEYS}
    if near := difflib.get_close_matches(name, KEYS, n=1, cutoff=0.75):
        return f"Did you mean {near[0]}?"
    if near := difflib.get_close_matches(last, by_last, n=1, cutoff=0.75):
        return f"Did you mean {by_last[near[0]]}?"
    return "All settings: hybridcode config schema"
