"""Calibrations with scripted models, for scenario tests."""

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import msgspec
import pytest

from hybridcode.config.load import Loaded
from hybridcode.domain.model import Chunk, Finished, ModelInfo, ModelRequest
from hybridcode.domain.trials import TrialEnded
from hybridcode.gate.sandbox import probe
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.calibration.calibrating import Calibration, named_check, open_calibration
from hybridcode.session.calibration.collecting import Choice, Collected, collect
from hybridcode.session.calibration.contenders import contenders_of
from hybridcode.session.calibration.past import Rebuilder
from hybridcode.session.finding import open_existing
from hybridcode.session.models import Models
from hybridcode.session.session import SessionOptions
from tests.support.history import CHECK, Author, knowing
from tests.support.sessions import loaded_for

LOCAL = ModelInfo("small", "local")
FRONTIER = ModelInfo("large", "frontier")
HALF = knowing("the rate is five", "a cart has a total")
sandboxed = pytest.mark.skipif(probe().kind not in ("bwrap", "landlock"), reason="no scratch copies here")


def everything(_: str) -> bool:
    return True


def state_of(root: Path) -> dict[str, tuple[int, str]]:
    """Every file below a folder, git's own included: permission bits and content."""
    found: dict[str, tuple[int, str]] = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder) / name
            found[str(path.relative_to(root))] = (path.stat().st_mode, hashlib.sha256(path.read_bytes()).hexdigest())
    return found


class Priced:
    """A scripted model that wants money."""

    def __init__(self, inner: ScriptedModel, *, usd: float) -> None:
        self.inner, self.usd = inner, usd
        self.requests = inner.requests
        self.info = msgspec.structs.replace(inner.info, is_scripted=False)

    def route(self) -> "Priced":
        return self

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        async for chunk in self.inner.stream(request):
            yield msgspec.structs.replace(chunk, cost_usd=self.usd) if isinstance(chunk, Finished) else chunk

    async def close(self) -> None:
        await self.inner.close()


def stop_after(number: int, calibration: Calibration, event: asyncio.Event) -> None:
    """Set the event once so many trials are on record, in the middle of the next one."""
    trials = [e for e in calibration.session.state.envelopes if isinstance(e.event, TrialEnded)]
    if len(trials) >= number:
        event.set()


class Stage:
    """A calibration with scripted models."""

    def __init__(
        self, repo: Path, *, local: Callable[[str], bool] = HALF, choice: Choice | None = None, tries: int = 1
    ) -> None:
        self.repo, self.choice, self.tries = repo, choice or Choice(), tries
        self.local = Author(LOCAL, local).model()
        self.frontier: ScriptedModel | Priced = Author(FRONTIER, everything).model()
        self.said: list[str] = []

    def loaded(self) -> Loaded:
        return loaded_for(self.repo, verify__test_cmd=CHECK)

    def collected(self) -> Collected:
        loaded = self.loaded()
        journal = open_existing(self.repo, loaded.settings)
        found = collect(
            self.repo,
            Rebuilder(self.repo),
            journal=journal,
            choice=self.choice,
            check=named_check(loaded),
            max_file_bytes=1_000_000,
        )
        if journal is not None:
            journal.close()
        return found

    def open(self, loaded: Loaded | None = None) -> Calibration:
        loaded = loaded or self.loaded()
        models = Models(self.frontier, self.local)
        return open_calibration(
            SessionOptions(self.repo, loaded, make_models=lambda _: models),
            contenders_of(loaded.settings, models, ()),
            collected=self.collected(),
            rebuilder=Rebuilder(self.repo),
            choice=self.choice,
            samples=1,
            tries=self.tries,
            say=self.said.append,
        )

    async def run(self) -> Calibration:
        calibration = self.open()
        await calibration.prove()
        await calibration.measure()
        await calibration.session.close()
        return calibration
