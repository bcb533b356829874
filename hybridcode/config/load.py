"""All layers folded into Settings, with the origin of each value.

Invariant: adding a file to an untrusted repository, or a variable under managed config, never allows more than before.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from hybridcode.config.keys import KEYS, build
from hybridcode.config.layers import (
    MANAGED_CONFIG,
    Layer,
    LayerName,
    Origin,
    defaults,
    from_environment,
    from_file,
    from_flags,
    parse_file,
    unknown_variables,
)
from hybridcode.config.paths import user_config_dir
from hybridcode.config.routing import NO_TABLE, RoutingTable, routing_of
from hybridcode.config.rules import POLICY_FILE, WrittenRule, in_force, listed_rules, parse_policy, read_policy
from hybridcode.config.settings import Settings
from hybridcode.config.tighten import COLLECTED, DATA, is_tighter
from hybridcode.config.trust import RepositoryConfig, is_trusted, read_repository
from hybridcode.domain.action import Verdict
from hybridcode.domain.errors import ConfigError

_ALLOW = "approval.allow"
_OTHERS = "only the administrator's allow rules count here"
_ENDPOINTS = "models.local.pool"
_ENDPOINT = "models.local.base_url"


class Sources(msgspec.Struct, frozen=True):
    """Where `load` looked: enough to look again. The fields are its arguments."""

    workspace: Path
    flags: Mapping[str, object]
    env: Mapping[str, str] | None
    config_file: Path | None
    user_config: Path | None
    managed_config: Path
    trust_store: Path | None
    trust_now: bool

    @property
    def user_file(self) -> Path:
        """The user's config.toml."""
        return self.user_config or user_config_dir() / "config.toml"


class Loaded(msgspec.Struct, frozen=True):
    """Settings and how they came about."""

    settings: Settings
    sources: Sources
    """Where they were read from."""
    origin: Mapping[str, Origin]
    """Dotted name -> where the value comes from. Lists also have one entry per item: `approval.deny[0]`."""
    warnings: tuple[str, ...]
    """What was ignored, from which file, and why."""
    repository: RepositoryConfig
    """The repository's own files as they were read."""
    is_trusted: bool
    """True if exactly these files are trusted."""
    rules: tuple[WrittenRule, ...] = ()
    """The rules of all layers that count here: those of policy.toml and those of [approval]."""
    ignored_rules: tuple[WrittenRule, ...] = ()
    """Rules that do not count, each with a warning."""
    routing: RoutingTable = NO_TABLE
    """The repository's routing.toml, if it is trusted."""
    only_managed_allow: bool = False
    """True where the administrator lists what is allowed: no other allow rule counts."""


def load(
    workspace: Path,
    *,
    flags: Mapping[str, object] | None = None,
    env: Mapping[str, str] | None = None,
    config_file: Path | None = None,
    user_config: Path | None = None,
    managed_config: Path = MANAGED_CONFIG,
    trust_store: Path | None = None,
    trust_now: bool = False,
) -> Loaded:
    """Read every layer of `workspace` and fold them, weakest first.

    Args:
        flags: values of the command line by dotted name.
        env: variables to look into; the process's own if None.
        config_file: a file given with `--config`: part of the command line, below its flags.
        user_config: the user's config.toml; the XDG one if None; policy.toml lies beside it and `managed_config`.
        trust_store: folder of the trust store; the XDG one if None.
        trust_now: trust the repository's files for this call only (`--trust`).

    Raises:
        ConfigError: a file, variable or flag holds something that cannot be used.
    """
    return read(Sources(workspace, flags or {}, env, config_file, user_config, managed_config, trust_store, trust_now))


def read(sources: Sources) -> Loaded:
    """Read and fold every layer, as `load` does. Raises ConfigError."""
    env = os.environ if sources.env is None else sources.env
    managed_config, user_file = sources.managed_config, sources.user_file
    repository = read_repository(sources.workspace)
    trusted = sources.trust_now or is_trusted(repository, store=sources.trust_store)
    merge = _Merge(trusted)
    merge.override(defaults())
    merge.override(_without_bypass(from_file(user_file, "user")))
    merge.repository(_from_repository(repository, "config.toml", "repository"))
    merge.repository(_from_repository(repository, "config.local.toml", "local"))
    merge.override(_without_bypass(from_environment(env)))
    if sources.config_file is not None:
        merge.override(_without_bypass(from_file(sources.config_file, "command line", required=True)))
    merge.override(from_flags(sources.flags))
    managed = _without_bypass(from_file(managed_config, "managed"))
    merge.managed(managed)
    written = (
        *listed_rules(merge.rule_lists()),
        *_policies(repository, user=user_file.with_name(POLICY_FILE), managed=managed_config.with_name(POLICY_FILE)),
    )
    only_managed = _ALLOW in managed.values
    rules = in_force(written, is_trusted=trusted, only_managed=only_managed)
    ignored = tuple(rule for rule in written if rule not in rules)
    routing, complaints = routing_of(repository, is_trusted=trusted)
    return Loaded(
        settings=build(merge.values()),
        sources=sources,
        origin=merge.origins(),
        warnings=(*unknown_variables(env), *merge.warnings, *map(_why_ignored, ignored), *complaints),
        repository=repository,
        is_trusted=trusted,
        rules=rules,
        ignored_rules=ignored,
        routing=routing,
        only_managed_allow=only_managed,
    )


class _Merge:
    """The values so far, while layers of rising strength are laid over them."""

    def __init__(self, trusted: bool) -> None:
        self._trusted = trusted
        self._scalars: dict[str, tuple[object, Origin]] = {}
        self._lists: dict[str, list[tuple[str, Origin]]] = {}
        self.warnings: list[str] = []

    def override(self, layer: Layer) -> None:
        """Lay a layer of the user's own over the values: it replaces, and adds to lists."""
        for name, (value, origin) in layer.values.items():
            self._set(name, value, origin)

    def repository(self, layer: Layer) -> None:
        """Lay a repository's file over the values: all of it if trusted, else what is tighter."""
        for name, (value, origin) in layer.values.items():
            if value == "bypass":
                self._ignore(name, origin, "only the flag --unsafe switches the gate off")
            elif self._trusted or name in COLLECTED | DATA or self._is_tighter(name, value):
                self._set(name, value, origin)
            elif name not in self._scalars or value != self._scalars[name][0]:
                self._ignore(name, origin, "a repository may only tighten until it is trusted (hybridcode trust)")

    def managed(self, layer: Layer) -> None:
        """Lay the administrator's file over everything; what somebody set tighter stays."""
        for name, (value, origin) in layer.values.items():
            if name == _ALLOW:
                self._lists[name] = []
            elif name in self._scalars and self._scalars[name][1].layer != "default":
                current, _ = self._scalars[name]
                if is_tighter(name, current, value):
                    continue
            self._set(name, value, origin)

    def values(self) -> dict[str, object]:
        """The result by dotted name."""
        lists: dict[str, object] = {name: tuple(item for item, _ in items) for name, items in self._lists.items()}
        return {name: value for name, (value, _) in self._scalars.items()} | lists

    def rule_lists(self) -> dict[Verdict, list[tuple[str, Origin]]]:
        """The rules of [approval], each with the layer it comes from."""
        return {verdict: list(self._lists[f"approval.{verdict}"]) for verdict in ("allow", "ask", "deny")}

    def origins(self) -> dict[str, Origin]:
        """Where each value comes from; a list's origin is that of its first item."""
        found = {name: origin for name, (_, origin) in self._scalars.items()}
        for name, items in self._lists.items():
            found[name] = items[0][1] if items else Origin("default")
            found |= {f"{name}[{index}]": origin for index, (_, origin) in enumerate(items)}
        return {name: found[name] for name in sorted(found)}

    def _set(self, name: str, value: object, origin: Origin) -> None:
        if name in (_ENDPOINT, _ENDPOINTS):
            self._forget_endpoints(origin)
        if not KEYS[name].is_list:
            self._scalars[name] = (value, origin)
            return
        new = [(item, origin) for item in msgspec.convert(value, type=tuple[str, ...])]
        known = {item for item, _ in new}
        self._lists[name] = new + [old for old in self._lists.get(name, []) if old[0] not in known]

    def _forget_endpoints(self, origin: Origin) -> None:
        """A layer that names servers means these alone: what a weaker one had beside its own serves something else."""
        self._lists[_ENDPOINTS] = [item for item in self._lists.get(_ENDPOINTS, []) if item[1].layer == origin.layer]

    def _is_tighter(self, name: str, value: object) -> bool:
        return name in self._scalars and is_tighter(name, value, self._scalars[name][0])

    def _ignore(self, name: str, origin: Origin, reason: str) -> None:
        self.warnings.append(f"{origin.file}: {name} is ignored: {reason}")


def _from_repository(repository: RepositoryConfig, name: str, layer: LayerName) -> Layer:
    return parse_file(repository.files.get(name, b""), layer=layer, path=repository.folder / name)


def _policies(repository: RepositoryConfig, *, user: Path, managed: Path) -> tuple[WrittenRule, ...]:
    root = repository.workspace
    return (
        *read_policy(user, layer="user", workspace=root),
        *_repository_policy(repository),
        *read_policy(managed, layer="managed", workspace=root),
    )


def _repository_policy(repository: RepositoryConfig) -> tuple[WrittenRule, ...]:
    data, path = repository.files.get(POLICY_FILE, b""), repository.folder / POLICY_FILE
    return parse_policy(data, layer="repository", path=path, workspace=repository.workspace)


def _why_ignored(rule: WrittenRule) -> str:
    is_foreign = rule.origin.layer == "repository"
    why = "a repository may only tighten until it is trusted (hybridcode trust)" if is_foreign else _OTHERS
    return f"{rule.source}: {', '.join(rule.match)} is ignored: {why}"


def _without_bypass(layer: Layer) -> Layer:
    value, origin = layer.values.get("approval.mode", (None, None))
    if value == "bypass":
        raise ConfigError(f"{origin}: approval.mode cannot be bypass", "Only the flag --unsafe switches the gate off.")
    return layer
