"""All layers folded into Settings, with the origin of each value.

Invariant: adding a file to an untrusted repository, or a variable under managed config, never allows more than before.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from hybridcode.config.keys import build, find
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
from hybridcode.config.naming import require_known
from hybridcode.config.paths import user_config_dir
from hybridcode.config.profiles import PROFILE_VARIABLE, profile_layers, require_names
from hybridcode.config.routing import NO_TABLE, RoutingTable, routing_of
from hybridcode.config.rules import POLICY_FILE, WrittenRule, in_force, listed_rules, parse_policy, read_policy
from hybridcode.config.settings import Settings, UiSettings
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
    profile: str = ""

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
    profile: str = ""
    """The profile that was chosen; empty: none."""
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
    profile: str = "",
) -> Loaded:
    """Read every layer of `workspace` and fold them, weakest first.

    Args:
        flags: values of the command line by dotted name.
        env: variables to look into; the process's own if None.
        config_file: a file given with `--config`: part of the command line, below its flags.
        user_config: the user's config.toml; the XDG one if None; policy.toml lies beside it and `managed_config`.
        trust_store: folder of the trust store; the XDG one if None.
        trust_now: trust the repository's files for this call only (`--trust`).
        profile: what `--profile` names; else HYBRIDCODE_PROFILE chooses one.

    Raises:
        ConfigError: a file, variable or flag holds something that cannot be used.
    """
    return read(
        Sources(workspace, flags or {}, env, config_file, user_config, managed_config, trust_store, trust_now, profile)
    )


def read(sources: Sources) -> Loaded:
    """Read and fold every layer, as `load` does. Raises ConfigError."""
    env = os.environ if sources.env is None else sources.env
    managed_config, user_file = sources.managed_config, sources.user_file
    repository = read_repository(sources.workspace)
    trusted = sources.trust_now or is_trusted(repository, store=sources.trust_store)
    files = _files(sources, repository)
    merge, managed = _Merge(trusted), files.managed
    merge.override(defaults())
    merge.lay(files.user)
    merge.lay(files.repository)
    merge.lay(files.local)
    if not sources.profile:
        merge.lay_all(files.of_profile(env.get(PROFILE_VARIABLE, "")))
    merge.override(_without_bypass(from_environment(env)))
    merge.lay_all(files.of_profile(sources.profile))
    merge.lay(files.named)
    merge.override(from_flags(sources.flags))
    merge.managed(managed)
    written = (
        *listed_rules(merge.rule_lists()),
        *_policies(repository, user=user_file.with_name(POLICY_FILE), managed=managed_config.with_name(POLICY_FILE)),
    )
    only_managed = _ALLOW in managed.values
    rules = in_force(written, is_trusted=trusted, only_managed=only_managed)
    ignored = tuple(rule for rule in written if rule not in rules)
    settings = build(merge.values())
    require_known(settings)
    routing, complaints = routing_of(repository, is_trusted=trusted)
    return Loaded(
        settings=settings,
        sources=sources,
        origin=merge.origins(),
        warnings=(*unknown_variables(env), *merge.warnings, *map(_why_ignored, ignored), *complaints),
        repository=repository,
        is_trusted=trusted,
        rules=rules,
        ignored_rules=ignored,
        routing=routing,
        profile=sources.profile or env.get(PROFILE_VARIABLE, ""),
        only_managed_allow=only_managed,
    )


class _Files(msgspec.Struct, frozen=True):
    """Every file as a layer; one that does not exist is an empty layer."""

    user: Layer
    repository: Layer
    local: Layer
    named: Layer
    """The one given with --config."""
    managed: Layer

    def of_profile(self, name: str) -> list[Layer]:
        """The layers of a profile, weakest first. Raises ConfigError, as `profile_layers`."""
        files = (self.user, self.repository, self.local, self.named, self.managed)
        require_names(files)
        return [_without_bypass(layer) for layer in profile_layers(name, files)] if name else []


def _files(sources: Sources, repository: RepositoryConfig) -> _Files:
    named = sources.config_file
    return _Files(
        user=_without_bypass(from_file(sources.user_file, "user")),
        repository=_from_repository(repository, "config.toml", "repository"),
        local=_from_repository(repository, "config.local.toml", "local"),
        named=_without_bypass(from_file(named, "command line", required=True)) if named is not None else Layer({}),
        managed=_without_bypass(from_file(sources.managed_config, "managed")),
    )


class _Merge:
    """The values so far, while layers of rising strength are laid over them."""

    def __init__(self, trusted: bool) -> None:
        self._trusted = trusted
        self._scalars: dict[str, tuple[object, Origin]] = {}
        self._lists: dict[str, list[tuple[str, Origin]]] = {}
        self.warnings: list[str] = []

    def lay(self, layer: Layer) -> None:
        """Lay a file over the values: what a repository's may say, and all of any other."""
        for name, (value, origin) in layer.values.items():
            one = Layer({name: (value, origin)})
            if origin.layer in ("repository", "local"):
                self.repository(one)
            else:
                self.override(one)

    def lay_all(self, layers: Sequence[Layer]) -> None:
        """Lay several, weakest first."""
        for layer in layers:
            self.lay(layer)

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
        if not find(name, source=str(origin)).is_list:
            self._scalars[name] = (value, origin)
            return
        new = [(item, origin) for item in msgspec.convert(value, type=tuple[str, ...])]
        known = {item for item, _ in new}
        self._lists[name] = new + [old for old in self._lists.get(name, []) if old[0] not in known]

    def _forget_endpoints(self, origin: Origin) -> None:
        """A layer that names servers means these alone: what a weaker one had beside its own serves something else."""
        self._lists[_ENDPOINTS] = [item for item in self._lists.get(_ENDPOINTS, []) if _is_same(item[1], origin)]

    def _is_tighter(self, name: str, value: object) -> bool:
        return name in self._scalars and is_tighter(name, value, self._scalars[name][0])

    def _ignore(self, name: str, origin: Origin, reason: str) -> None:
        self.warnings.append(f"{origin.file}: {name} is ignored: {reason}")


def _is_same(one: Origin, other: Origin) -> bool:
    return (one.layer, one.profile) == (other.layer, other.profile)


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


def works_alike(one: Loaded, other: Loaded) -> bool:
    """True when a session would work the same with either: they differ in how things are shown at most."""
    plain = UiSettings()
    return msgspec.structs.replace(one.settings, ui=plain) == msgspec.structs.replace(other.settings, ui=plain) and (
        one.rules,
        one.is_trusted,
        one.repository.digest,
    ) == (other.rules, other.is_trusted, other.repository.digest)
