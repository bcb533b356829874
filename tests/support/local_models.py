"""The local model in its real child process, for tests of what may go wrong with it.

Invariant: what is here asks /proc, and never the code under test, which processes are left.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hybridcode.config.settings import LocalSettings
from hybridcode.domain.model import ModelRequest
from hybridcode.models.hosted import HostedModel
from hybridcode.models.local import LlamaCppModel
from tests.support.requests_to_models import request, whole

LONG_PROMPT = "alpha beta gamma delta. " * 280
"""Takes a good part of a second to read."""


@asynccontextmanager
async def local_model(path: Path | str, *, n_ctx: int = 512, **settings: Any) -> AsyncGenerator[LlamaCppModel]:
    """A model of a file; closed at the end, within seconds, and nothing of it is left."""
    model = LlamaCppModel(LocalSettings(path=str(path), n_ctx=n_ctx, **settings))
    try:
        yield model
    finally:
        async with asyncio.timeout(8):
            await model.close()
        await nothing_left()


def long_request() -> ModelRequest:
    """Its answer goes on for a second or more."""
    return request("Write.", max_output_tokens=3_500, temperature=5.0)


async def answers(model: HostedModel) -> str:
    """What the model says to a short request, which the shipped model always answers."""
    text, _, end = await whole(model.stream(request("Say hello.", max_output_tokens=8)))
    assert end.usage.output_tokens > 0
    return text


def state_of(pid: int) -> str:
    """One letter as ps shows it, "" if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def children(parent: int | None = None) -> list[int]:
    """Processes whose parent is this one, those that ended and were not reaped included."""
    wanted = os.getpid() if parent is None else parent
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _parent(entry) == wanted]


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


async def nothing_left(seconds: float = 3.0) -> None:
    """Wait until this process has no child, dead or alive."""
    limit = time.monotonic() + seconds
    while left := children():
        assert time.monotonic() < limit, {pid: state_of(pid) for pid in left}
        await asyncio.sleep(0.02)
