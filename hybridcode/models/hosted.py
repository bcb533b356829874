"""A model in a child process as the rest of the program knows it: started when needed, and again after a crash.

Invariant: at most one child at a time, and none after `close`; every call ends with Finished or a ModelError, whatever
happens to the child.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Literal

import msgspec

from hybridcode.domain.errors import ModelCrashed, ModelError
from hybridcode.domain.model import Chunk, ModelInfo, ModelRequest, ReasoningDelta, TextDelta
from hybridcode.models.framing import LOADING, Ask, Cancel, Done, Piece, Problem, Ready
from hybridcode.models.host import CANCEL_GRACE_S, Answers, ChildCommand, ChildProcess, Died
from hybridcode.models.problems import error_of

MAX_CRASHES = 2
"""After this many deaths in a row without an answer in between the child is not started again."""

HostState = Literal["not started", "loading", "ready", "ended"]
"""Of a child process; `ended`: it is gone, and the next request starts it again."""


class HostedModel:
    """A Model whose work is done by a child process."""

    def __init__(self, info: ModelInfo, command: ChildCommand) -> None:
        self._info, self._command = info, command
        self._child: ChildProcess | None = None
        self._starting: asyncio.Task[ChildProcess] | None = None
        self._abandoned: set[asyncio.Task[None]] = set()
        self._last_id = LOADING
        self._crashes = 0
        self._is_closed = False

    @property
    def info(self) -> ModelInfo:
        """What is known of the model; more once it is loaded."""
        return self._info

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of how it was loaded; () before that."""
        return () if self._child is None else self._child.ready.notes

    @property
    def pid(self) -> int | None:
        """Process id of the running child."""
        return None if self._child is None or self._child.is_gone else self._child.pid

    @property
    def state(self) -> HostState:
        """Where its child process stands."""
        if self._starting is not None:
            return "loading"
        if self._child is None:
            return "not started"
        return "ended" if self._child.is_gone else "ready"

    def route(self) -> "HostedModel":
        """Itself."""
        return self

    async def start(self) -> Ready:
        """Start the child and load the model, unless that is done. Being cancelled does not stop the loading.

        Raises:
            ModelError: when it cannot be loaded, or died too often.
        """
        return (await self._running_child()).ready

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        """Answer piece by piece; closing the iterator cancels.

        Raises:
            ModelError: as the child says, or ModelCrashed when it dies.
        """
        await self.settled()
        child = await self._running_child()
        self._last_id += 1
        ask_id, has_ended = self._last_id, False
        child.send(Ask(ask_id, request))
        answers = child.open(ask_id)
        try:
            while not has_ended:
                message = await answers.get()
                has_ended = not isinstance(message, Piece)
                yield self._chunk(message)
        finally:
            if has_ended:
                child.forget(ask_id)
            else:
                self._abandon(child, ask_id, answers)

    async def settled(self) -> None:
        """Wait until every answer that was left has really ended."""
        while self._abandoned:
            await asyncio.wait(self._abandoned)

    async def close(self) -> None:
        """Stop the child; may be called twice."""
        self._is_closed = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        child, self._child = self._child, None
        if child is not None:
            await child.stop()
        await self.settled()

    async def _running_child(self) -> ChildProcess:
        if self._is_closed:
            raise _closed()
        if self._child is not None and not self._child.is_gone:
            return self._child
        if self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(self._start())
            self._starting.add_done_callback(self._started)
        starting = self._starting
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            if starting.cancelled():  # by `close`, and not whoever waits here
                raise _closed() from None
            raise

    async def _start(self) -> ChildProcess:
        if self._child is not None and self._child.has_crashed:
            self._crashes += 1
        self._child = None
        if self._crashes >= MAX_CRASHES:
            raise ModelCrashed(
                f"The model's process died {self._crashes} times in a row and is not started again.",
                "See `hybridcode doctor`; a smaller n_ctx or fewer gpu_layers may help.",
            )
        try:
            self._child = await ChildProcess.start(self._command)
        except ModelCrashed:
            self._crashes += 1
            raise
        ready = self._child.ready
        self._info = msgspec.structs.replace(
            self._info,
            name=ready.name or self._info.name,
            n_ctx=ready.n_ctx or self._info.n_ctx,
            capacity=ready.slots,
        )
        return self._child

    def _started(self, task: asyncio.Task[ChildProcess]) -> None:
        self._starting = None
        if not task.cancelled():
            task.exception()  # whoever waits gets it; perhaps nobody waits any more

    def _chunk(self, message: Piece | Done | Problem | Died) -> Chunk:
        match message:
            case Piece(text=text, reasoning=reasoning):
                return ReasoningDelta(text) if reasoning else TextDelta(text)
            case Done(end=end):
                self._crashes = 0
                return end
            case Problem():
                raise error_of(message)
            case Died(error=error):
                raise error

    def _abandon(self, child: ChildProcess, ask_id: int, answers: Answers) -> None:
        """Cancel in the background, so that whoever cancels does not wait; the next call waits for it."""
        task = asyncio.get_running_loop().create_task(_cancel(child, ask_id, answers))
        self._abandoned.add(task)
        task.add_done_callback(self._abandoned.discard)


def _closed() -> ModelError:
    return ModelError("The model was closed.", "Start a new session.")


async def _cancel(child: ChildProcess, ask_id: int, answers: Answers) -> None:
    child.send(Cancel(ask_id))
    try:
        async with asyncio.timeout(CANCEL_GRACE_S):
            while isinstance(await answers.get(), Piece):
                pass
    except TimeoutError:
        await child.kill()
    finally:
        child.forget(ask_id)
