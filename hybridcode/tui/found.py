"""What a first start finds on this machine: names of keys that are set, models, room for them.

Invariant: keys are named and never read out; nothing is loaded, downloaded or asked, but for one server on this machine
at a person's own key.
"""

import asyncio
import os
from importlib.resources import files
from pathlib import Path

import msgspec

from hybridcode.config.first import likely_test_commands
from hybridcode.config.settings import LocalSettings
from hybridcode.domain.errors import ConfigError, ModelUnavailable
from hybridcode.models.addresses import host_of, is_loopback
from hybridcode.models.catalogue import frontier_catalogue
from hybridcode.models.fit import available_memory
from hybridcode.models.openai_compatible import ServerModel
from hybridcode.models.shelf import ModelFile, Shelf

PROBE_S = 10.0
"""Seconds that a server may take to say what it is."""


class Found(msgspec.Struct, frozen=True):
    """What is here."""

    keys: frozenset[str]
    """Variables that hold a key of a provider we know."""
    models: tuple[ModelFile, ...]
    memory: int | None
    """Bytes that can be used; None where nobody says."""
    tiny: str
    """The shipped model, for trying."""
    commands: tuple[str, ...]
    """Test commands that go with the files at the root."""
    trouble: str = ""
    """Why the models of this machine cannot be listed."""


def look_around(workspace: Path) -> Found:
    """Look at this machine."""
    known = {entry.key for entry in frontier_catalogue()}
    models, trouble = tuple[ModelFile, ...](), ""
    try:
        models = Shelf().models()
    except ConfigError as error:
        trouble = error.advice
    return Found(
        keys=frozenset(name for name in known if os.environ.get(name)),
        models=models,
        memory=available_memory(),
        tiny=str(files("hybridcode") / "assets" / "tiny.gguf"),
        commands=likely_test_commands(workspace),
        trouble=trouble,
    )


async def ask_server(url: str) -> str:
    """Which model a server on this machine serves, in a sentence.

    Raises:
        ConfigError: the address is no address, or not certainly this machine: that one is not asked.
        ModelError: it does not answer, or serves nothing.
    """
    host = host_of(url, setting="base_url")
    if not is_loopback(host):
        raise ConfigError(f"{host} is not this machine, so it is not asked here", "The first task asks it.")
    model = ServerModel(LocalSettings(base_url=url, timeout_s=PROBE_S))
    try:
        async with asyncio.timeout(PROBE_S):
            ready = await model.start()
    except TimeoutError as error:
        raise ModelUnavailable(f"{host} did not answer in {PROBE_S:g} s.", "Is the server running?") from error
    finally:
        await model.close()
    window = f", {ready.n_ctx:,} tokens of context" if ready.n_ctx else ""
    return f"{host} serves {ready.name}{window}"
