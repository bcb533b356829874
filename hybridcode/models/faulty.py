"""A model that fails on purpose, around one that works: for rehearsing what happens then.

Invariant: calls without a fault are passed on unchanged.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping

import msgspec

from hybridcode.domain.errors import ModelError, ModelTransient
from hybridcode.domain.model import Chunk, Finished, ModelInfo, ModelRequest, TextDelta
from hybridcode.domain.ports import Model
from hybridcode.models.streams import close_stream


class Fail(msgspec.Struct, frozen=True):
    """Raise at once."""

    error: ModelError


class Cut(msgspec.Struct, frozen=True):
    """Break off after this many pieces, as a lost connection does."""

    after: int


class Hang(msgspec.Struct, frozen=True):
    """Say nothing more after this many pieces, until cancelled."""

    after: int = 0


class Garbage(msgspec.Struct, frozen=True):
    """Answer something else, with the end of the real answer."""

    text: str


Fault = Fail | Cut | Hang | Garbage


class FaultyModel:
    """Puts faults into chosen calls of another model."""

    def __init__(self, inner: Model, faults: Mapping[int, Fault]) -> None:
        self._inner, self._faults = inner, faults
        self.calls = 0
        """Calls so far; the keys of `faults` count from 1."""

    @property
    def info(self) -> ModelInfo:
        """What is known of the inner model."""
        return self._inner.info

    def route(self) -> "FaultyModel":
        """Itself: faults are counted by call, whoever answers."""
        return self

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        """Answer, or fail as it was planned for this call."""
        self.calls += 1
        fault = self._faults.get(self.calls)
        if isinstance(fault, Fail):
            raise fault.error
        if isinstance(fault, Garbage):
            yield TextDelta(fault.text)
        pieces, stream = 0, self._inner.stream(request)
        try:
            async for chunk in stream:
                await _disturb(fault, pieces)
                if not isinstance(fault, Garbage) or isinstance(chunk, Finished):
                    yield chunk
                pieces += 1
        finally:
            await close_stream(stream)

    async def close(self) -> None:
        """Close the inner model."""
        await self._inner.close()


async def _disturb(fault: Fault | None, pieces: int) -> None:
    match fault:
        case Cut(after=after) if pieces >= after:
            raise ModelTransient(f"The stream was cut after {pieces} pieces, on purpose.")
        case Hang(after=after) if pieces >= after:
            await asyncio.Event().wait()
        case _:
            pass
