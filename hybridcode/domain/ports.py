"""Protocols between rooms that must not know each other.

Invariant: every Protocol here has at least two implementations in the product.
"""

from collections.abc import AsyncIterator
from typing import Protocol

from hybridcode.domain.action import Decision, Proposal
from hybridcode.domain.events import Event
from hybridcode.domain.model import Chunk, ModelInfo, ModelRequest


class Model(Protocol):
    """Something that answers requests: a child process, a server, a script."""

    @property
    def info(self) -> ModelInfo:
        """What is known of it without asking it anything."""
        ...

    def route(self) -> "Model":
        """What a request goes to now: the model itself, or one of several servers; ask anew for each try.

        The receipt of a request names what this returns. Raises ModelError when no server can be asked.
        """
        ...

    def stream(self, request: ModelRequest) -> AsyncIterator[Chunk]:
        """Answer piece by piece; closing the iterator cancels. Raises ModelError."""
        ...

    async def close(self) -> None:
        """Give back processes and sockets; may be called twice."""
        ...


class Approver(Protocol):
    """Somebody or something that answers an `ask`."""

    async def decide(self, proposal: Proposal) -> Decision:
        """Answer for exactly this proposal. May wait for as long as a person takes."""
        ...


class Recorder(Protocol):
    """Where facts go before (and after) something happens: durable when `record` returns."""

    def record(self, event: Event) -> None:
        """Append one event."""
        ...

    def put_blob(self, data: bytes) -> str:
        """Store bytes under their SHA-256 and return it."""
        ...


class Watcher(Protocol):
    """A droppable channel for what is only worth showing while it happens."""

    def text(self, *, step: str | None, call_id: str, text: str, reasoning: bool) -> None:
        """A model wrote this piece."""
        ...

    def output(self, *, proposal: str, text: str) -> None:
        """A running command printed this piece."""
        ...

    def progress(self, *, what: str, fraction: float | None) -> None:
        """Something over a second is going on (a model loads, a tree is indexed)."""
        ...
