"""A model that could not be made, where another one stands ready to take its place.

Invariant: nothing is sent; each request fails with the reason, so that the fallback takes over as it does elsewhere.
"""

from collections.abc import AsyncGenerator

from hybridcode.domain.errors import ModelError
from hybridcode.domain.model import Chunk, ModelInfo, ModelRequest


class AbsentModel:
    """Fails every request."""

    def __init__(self, info: ModelInfo, error: ModelError) -> None:
        self._info, self._error = info, error

    @property
    def info(self) -> ModelInfo:
        """What is known of the model that would be there."""
        return self._info

    def route(self) -> "AbsentModel":
        """Raises the reason, a ModelError: so no request is put on record as sent."""
        raise self._error

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        """Raises the reason, a ModelError."""
        raise self._error
        yield  # makes it a stream

    async def close(self) -> None:
        """Nothing to give back."""
