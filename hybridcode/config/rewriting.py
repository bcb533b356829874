"""A file of settings as it would be after a person's changes: shown first, written as it was shown.

Invariant: comments and order survive; bytes that the loader would refuse are never made, and they are written only
where the bytes stand that they were made from.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec
import tomlkit
from tomlkit.container import OutOfOrderTableProxy
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AbstractTable
from tomlkit.toml_document import TOMLDocument

from hybridcode.config.atomic import write_atomic
from hybridcode.config.keys import build, check, find
from hybridcode.config.layers import LayerName, parse_file, read_bounded
from hybridcode.config.naming import named_setting, require_names
from hybridcode.domain.errors import ConfigError

_Section = AbstractTable | OutOfOrderTableProxy | TOMLDocument


class Rewrite(msgspec.Struct, frozen=True):
    """One file, before and after."""

    path: Path
    before: bytes | None
    """None: there is no such file yet."""
    after: bytes
    mode: int = 0o600


def foresee(
    path: Path,
    changes: Mapping[str, object],
    *,
    layer: LayerName = "user",
    mode: int = 0o600,
    named: Collection[str] = (),
) -> Rewrite:
    """What a file would hold with these settings; None takes a setting out of it.

    `named` are further models of other files that it may name.

    Raises:
        ConfigError: no such setting, a wrong value, `bypass`, a name that no model has, or a file that is not TOML.
    """
    before = read_bounded(path)
    checked = {key: _checked(key, value, layer) for key, value in changes.items()}
    document = _parsed(path, before or b"")
    for key, value in checked.items():
        if value is None:
            _unset(document, key)
        else:
            _set(document, key, value)
    try:
        after = tomlkit.dumps(document).encode()
    except UnicodeEncodeError as error:
        raise ConfigError(f"{path}: {error.reason}", "Write it without that character.") from error
    expected = {**_values(before or b"", layer, path), **checked}
    said = {key: value for key, value in expected.items() if value is not None}
    _require_same(after, said, layer, path)
    _require_models(said, checked, layer, named)
    return Rewrite(path, before, after, mode)


def _values(data: bytes, layer: LayerName, path: Path) -> dict[str, object]:
    layered = parse_file(data, layer=layer, path=path)
    said = {key: msgspec.to_builtins(value) for key, (value, _) in layered.values.items()}
    for name, values in layered.profiles.items():
        said |= {f"profiles.{name}.{key}": msgspec.to_builtins(value) for key, (value, _) in values.items()}
    return said


def _require_same(after: bytes, expected: dict[str, object], layer: LayerName, path: Path) -> None:
    """The file says what was wanted, and nothing else changed."""
    try:
        found = _values(after, layer, path)
    except ConfigError:
        found = None
    if found != expected:
        raise ConfigError(
            f"{path} is written in a way that cannot be changed safely from here",
            "Write its sections as [models.local], or make this change by hand.",
        )


def _require_models(
    said: Mapping[str, object], checked: Mapping[str, object], layer: LayerName, named: Collection[str]
) -> None:
    """Names of models are those of a model. The user's own file is looked at as a whole: nobody stands below it."""
    own = {key: value for key, value in said.items() if not key.startswith("profiles.")}
    further = {found[0] for key in own if (found := named_setting(key))}
    if layer == "user" and any(key.startswith(("models.", "roles.")) for key in checked):
        build(own)
        require_names(own.items(), {*further, *named})
    require_names(((key, value) for key, value in checked.items() if value is not None), {*further, *named})


def carry_out(rewrite: Rewrite) -> None:
    """Write what was shown.

    Raises:
        ConfigError: the file changed since, or cannot be written.
    """
    if read_bounded(rewrite.path) != rewrite.before:
        raise ConfigError(f"{rewrite.path} changed meanwhile", "Nothing was written: look at it again.")
    if rewrite.after != rewrite.before:
        write_atomic(rewrite.path, rewrite.after, mode=rewrite.mode)


def _parsed(path: Path, data: bytes) -> TOMLDocument:
    try:
        return tomlkit.parse(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, TOMLKitError) as error:
        raise ConfigError(f"{path} is not TOML: {error}", "Correct the file first.") from error


def _checked(key: str, value: object, layer: LayerName) -> object:
    """The value as it stands in TOML; None: it shall not stand there."""
    if value is None:
        find(key, source=layer)
        return None
    checked = msgspec.to_builtins(check(key, value, source="config"))
    if checked == "bypass":
        raise ConfigError("approval.mode cannot be bypass in a file", "Only the flag --unsafe switches the gate off.")
    return checked


def _set(document: TOMLDocument, key: str, value: object) -> None:
    *sections, leaf = key.split(".")
    _table(document, sections)[leaf] = value


def _unset(document: TOMLDocument, key: str) -> None:
    place: _Section = document
    *sections, leaf = key.split(".")
    for section in sections:
        if section not in place:
            return
        inner = place[section]
        if not isinstance(inner, AbstractTable | OutOfOrderTableProxy):
            return
        place = inner
    if leaf in place:
        del place[leaf]


def _table(document: TOMLDocument, sections: list[str]) -> _Section:
    place: _Section = document
    for index, section in enumerate(sections):
        if section not in place:
            place[section] = tomlkit.table(is_super_table=index + 1 < len(sections))
        inner = place[section]
        if not isinstance(inner, AbstractTable | OutOfOrderTableProxy):
            raise ConfigError(f"{'.'.join(sections[: index + 1])} is not a section", "Correct the file first.")
        place = inner
    return place
