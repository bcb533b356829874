"""Models by name: which settings [models.NAME] has, and which names [roles] and `fallback` may say.

Invariant: a name that is said and does not exist is an error that lists the known ones; a name that is nearly
`frontier` or `local` is never taken for another model.
"""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from hybridcode.config.settings import FrontierSettings, LocalSettings, RoleSettings, Settings
from hybridcode.domain.errors import ConfigError

PARTS = ("frontier", "local")
"""The names that always exist, also where no model is configured for them."""
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_FRONTIER = frozenset(FrontierSettings.__struct_fields__)
_LOCAL = frozenset(LocalSettings.__struct_fields__)


def named_setting(name: str) -> tuple[str, str] | None:
    """`models.NAME.field` as its model's name and its field; None for every other setting."""
    parts = name.split(".")
    is_named = len(parts) == 3 and parts[0] == "models" and parts[1] not in PARTS
    return (parts[1], parts[2]) if is_named else None


def named_section(name: str) -> str:
    """The model of the section `models.NAME`; empty for every other name."""
    above, _, last = name.rpartition(".")
    return last if above == "models" and last not in PARTS else ""


def require_name(name: str, *, source: str) -> None:
    """Raise ConfigError for what no model may be called."""
    if near := difflib.get_close_matches(name, PARTS, n=1, cutoff=0.75):
        raise ConfigError(f"{source}: there is no section models.{name}", f"Did you mean [models.{near[0]}]?")
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{source}: models.{name}: a model's name is made of a to z, 0 to 9 and -",
            "At most 40 characters, as [models.second-opinion].",
        )


def by_kind(tables: Mapping[str, Mapping[str, object]]) -> dict[str, dict[str, Mapping[str, object]]]:
    """The tables [models.NAME] sorted into `named_frontier` and `named_local`.

    Raises:
        ConfigError: one names no model, or holds a setting that its kind does not have.
    """
    kinds: dict[str, dict[str, Mapping[str, object]]] = {"named_frontier": {}, "named_local": {}}
    for name, table in tables.items():
        is_frontier = bool(table.get("model"))
        if not is_frontier and not any(table.get(field) for field in ("path", "base_url", "name", "pool")):
            raise ConfigError(
                f"[models.{name}] names no model",
                "Set `model` for one through litellm, else `path`, `name` or `base_url`.",
            )
        known, kind = (_FRONTIER, "frontier") if is_frontier else (_LOCAL, "local")
        if foreign := sorted(set(table) - known - {"model"}):
            why = "it has a `model`" if is_frontier else "it has no `model`"
            raise ConfigError(
                f"[models.{name}] {foreign[0]} has no meaning there: {why}",
                f"It takes the settings of [models.{kind}].",
            )
        kinds[f"named_{kind}"][name] = {field: value for field, value in table.items() if field in known}
    return kinds


def require_known(settings: Settings) -> None:
    """Raise ConfigError where [roles] or a `fallback` says a name that no model has, or its own."""
    require_names(_said(settings), settings.models.named)


def require_names(said: Iterable[tuple[str, object]], named: Collection[str]) -> None:
    """Raise ConfigError where one of these settings says a name that is not `named`, `frontier` or `local`."""
    names = (*PARTS, *named)
    for setting, name in said:
        section, _, field = setting.rpartition(".")
        is_name = section == "roles" or (field == "fallback" and section.startswith("models.") and name)
        if is_name and name not in names:
            raise ConfigError(f"{setting} = {name}: there is no model of that name", f"Known: {', '.join(names)}.")
        if is_name and setting == f"models.{name}.fallback":
            raise ConfigError(f"{setting} = {name}: that is the model itself", "Name another one, or leave it out.")


def _said(settings: Settings) -> Iterator[tuple[str, object]]:
    for role in RoleSettings.__struct_fields__:
        yield f"roles.{role}", getattr(settings.roles, role)
    for name in (*PARTS, *settings.models.named):
        yield f"models.{name}.fallback", settings.models.of(name).fallback
