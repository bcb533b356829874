"""Which models a session has, from its settings.

Invariant: building a model starts nothing; its child process starts on `start()` or at the first request.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import msgspec

from hybridcode.config.settings import FrontierSettings, LocalSettings, RoleSettings, Settings
from hybridcode.domain.errors import ModelUnauthorised
from hybridcode.domain.model import ModelInfo
from hybridcode.domain.ports import Model
from hybridcode.models.absent import AbsentModel
from hybridcode.models.frontier import FrontierModel
from hybridcode.models.local import LlamaCppModel
from hybridcode.models.openai_compatible import ServerModel
from hybridcode.models.pool import Pool
from hybridcode.models.shelf import resolved


@runtime_checkable
class Startable(Protocol):
    """A model with a process of its own that can be started ahead of time."""

    async def start(self) -> None:
        """Start it; raises ModelError."""
        ...


@dataclass(frozen=True)
class Models:
    """The two models, None where nothing is configured, and the further ones that a role or a fallback names."""

    frontier: Model | None
    local: Model | None
    named: Mapping[str, Model] = field(default_factory=dict[str, Model])
    """By the NAME of [models.NAME]; remote ones are left out when offline."""

    def of(self, name: str) -> Model | None:
        """The model that [roles] or a `fallback` means by a name."""
        match name:
            case "frontier":
                return self.frontier
            case "local":
                return self.local
            case _:
                return self.named.get(name)


def build_models(settings: Settings) -> Models:
    """The models that the settings name. Through litellm none is made that leaves this machine when offline, and of the
    further ones only those that somebody may be asked for.

    Raises:
        ConfigError: when a `name` is no model of this machine, or a setting cannot be used.
        ModelUnauthorised: a model without its key, and without a fallback.
    """
    wanted = named_by_roles(settings)
    found = {name: named_model(settings, name) for name in settings.models.named if name in wanted}
    return Models(
        _deciding(settings, settings.models.frontier),
        _writing(resolved(settings.models.local)),
        {name: model for name, model in found.items() if model is not None},
    )


def named_by_roles(settings: Settings) -> frozenset[str]:
    """The models that a role names, and those that take their place."""
    roles = (getattr(settings.roles, role) for role in RoleSettings.__struct_fields__)
    left, found = ["frontier", "local", *roles], set[str]()
    while left:
        name = left.pop()
        if name and name not in found:
            found.add(name)
            left.append(settings.models.of(name).fallback)
    return frozenset(found)


def named_model(settings: Settings, name: str) -> Model | None:
    """The model of [models.NAME]; None for a remote one when offline. Raises as `build_models`."""
    match settings.models.of(name):
        case FrontierSettings() as through:
            return _deciding(settings, through, table=name)
        case LocalSettings() as here:
            return _writing(resolved(here), table=name)


def _deciding(settings: Settings, frontier: FrontierSettings, *, table: str = "") -> Model | None:
    if not frontier.model:
        return None
    is_offline = settings.egress.mode == "offline"
    try:
        model: Model = FrontierModel(frontier, table=table)
    except ModelUnauthorised as error:
        if is_offline:
            return None
        if not frontier.fallback:
            raise
        model = AbsentModel(ModelInfo(frontier.model, "frontier", is_remote=True, table=table), error)
    return None if is_offline and model.info.is_remote else model


def _writing(settings: LocalSettings, *, table: str = "") -> Model | None:
    """A file, a server, or one of them and the servers of the pool."""
    try:
        return _served(settings, table)
    except ModelUnauthorised as error:
        if not settings.fallback:
            raise
        return AbsentModel(ModelInfo(settings.name or settings.base_url, "local", table=table), error)


def _served(settings: LocalSettings, table: str) -> Model | None:
    members: list[Model] = []
    if settings.path:
        members.append(LlamaCppModel(settings, table=table))
    elif settings.base_url:
        members.append(ServerModel(settings, table=table))
    for url in dict.fromkeys(settings.pool):
        if settings.path or url != settings.base_url:
            one = msgspec.structs.replace(settings, base_url=url)
            members.append(ServerModel(one, setting="pool", table=table))
    if len(members) > 1:
        return Pool(members)
    return members[0] if members else None


async def start_all(models: Models) -> None:
    """Start the processes of all models ahead of the first request; failures are left for that request to report."""
    starting = [model.start() for model in each(models) if isinstance(model, Startable)]
    await asyncio.gather(*starting, return_exceptions=True)


async def close_all(models: Models) -> None:
    """Give back all processes; may be called twice."""
    await asyncio.gather(*(model.close() for model in each(models)), return_exceptions=True)


def each(models: Models) -> list[Model]:
    """The models that there are."""
    return [model for model in (models.frontier, models.local, *models.named.values()) if model is not None]
