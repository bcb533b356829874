"""Which models a session has, from its settings.

Invariant: building a model starts nothing; its child process starts on `start()` or at the first request.
"""

import asyncio
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import msgspec

from hybridcode.config.settings import LocalSettings, Settings
from hybridcode.domain.ports import Model
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
    """The two models; None where nothing is configured."""

    frontier: Model | None
    local: Model | None


def build_models(settings: Settings) -> Models:
    """The models that the settings name. A frontier that leaves this machine is left out when offline.

    Raises:
        ConfigError: when [models.local] name is no model of this machine, or a setting cannot be used.
    """
    frontier, local = settings.models.frontier, resolved(settings.models.local)
    deciding: Model | None = FrontierModel(frontier) if frontier.model else None
    if deciding is not None and settings.egress.mode == "offline" and deciding.info.is_remote:
        deciding = None
    return Models(deciding, _writing(local))


def _writing(settings: LocalSettings) -> Model | None:
    """The local model: a file, a server, or one of them and the servers of the pool."""
    members: list[Model] = []
    if settings.path:
        members.append(LlamaCppModel(settings))
    elif settings.base_url:
        members.append(ServerModel(settings))
    for url in dict.fromkeys(settings.pool):
        if settings.path or url != settings.base_url:
            members.append(ServerModel(msgspec.structs.replace(settings, base_url=url), setting="pool"))
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
    return [model for model in (models.frontier, models.local) if model is not None]
