"""Several servers with the same model as one model: N servers are the way past one machine.

Invariant: a request goes to the server that is least busy for its slots, among equals to the one that failed least
since it last answered, then to the first; a server that failed is left alone for a growing pause, and nothing is asked
of it in between.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from hybridcode.domain.errors import ConfigError, ModelCrashed, ModelError, ModelTransient, ModelUnavailable
from hybridcode.domain.model import Chunk, ModelInfo, ModelRequest
from hybridcode.domain.ports import Model
from hybridcode.models.hosted import HostState
from hybridcode.models.problems import RetryLater, TryElsewhere
from hybridcode.models.streams import close_stream

FIRST_PAUSE_S = 2.0
"""Seconds that a server is left alone after its first failure: longer than a sender waits before its first retry.
Doubled with each further failure."""
MAX_PAUSE_S = 60.0
"""Longest such pause."""


@runtime_checkable
class _Startable(Protocol):
    async def start(self) -> object: ...


@runtime_checkable
class _Stated(Protocol):
    @property
    def state(self) -> HostState: ...


class _Member:
    """One server and how it fares."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.busy = 0
        self.failures = 0
        self.error: ModelError | None = None
        self.resumes_at = 0.0

    @property
    def name(self) -> str:
        return self.model.info.host or self.model.info.name

    def succeed(self) -> None:
        self.failures, self.error, self.resumes_at = 0, None, 0.0

    def fail(self, error: ModelError, now: float) -> None:
        asked = (error.retry_after_s or 0.0) if isinstance(error, RetryLater) else 0.0
        pause = max(asked, FIRST_PAUSE_S * 2.0 ** min(self.failures, 16))
        self.failures += 1
        self.error, self.resumes_at = error, now + min(MAX_PAUSE_S, pause)


class Pool:
    """A Model that is several.

    Raises (when made):
        ConfigError: when it has no members.
    """

    def __init__(self, members: Sequence[Model], *, clock: Callable[[], float] = time.monotonic) -> None:
        if not members:
            raise ConfigError("A pool has no servers.", "Set [models.local] base_url or pool.")
        self._members = [_Member(model) for model in members]
        self._clock = clock

    @property
    def info(self) -> ModelInfo:
        """All of them together: every host, the smallest context, room for as many requests as the living have."""
        infos = [member.model.info for member in self._members]
        contexts = [info.n_ctx for info in infos if info.n_ctx is not None]
        return msgspec.structs.replace(
            infos[0],
            host=", ".join(info.host for info in infos if info.host) or None,
            is_remote=any(info.is_remote for info in infos),
            is_scripted=any(info.is_scripted for info in infos),
            n_ctx=min(contexts, default=None),
            capacity=sum(member.model.info.capacity for member in self._living()) or 1,
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of how the members were loaded."""
        found = (getattr(member.model, "notes", ()) for member in self._members)
        return tuple(dict.fromkeys(note for notes in found for note in notes))

    @property
    def state(self) -> HostState:
        """Where the member stands that is furthest along."""
        found = {member.model.state for member in self._members if isinstance(member.model, _Stated)}
        order: tuple[HostState, ...] = ("ready", "loading", "ended")
        for state in order:
            if state in found:
                return state
        return "not started"

    def route(self) -> Model:
        """The member that the next request goes to.

        Raises:
            ModelTransient, ModelUnavailable: when all are in a pause, with the reason of each.
        """
        living = self._living()
        if not living:
            raise self._all_failed()

        def rank(member: _Member) -> tuple[float, int]:
            return member.busy / member.model.info.capacity, member.failures

        return _Seat(self, min(living, key=rank))

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        """Answer by one member, or the next one if that fails before it says anything.

        Raises:
            ModelError: as the member says, or when none is left.
        """
        while True:
            stream = self.route().stream(request)
            try:
                async for chunk in stream:
                    yield chunk
                return
            except TryElsewhere:
                continue
            finally:
                await close_stream(stream)

    async def start(self) -> None:
        """Start all members side by side; one that cannot start is left alone for a while.

        Raises:
            ModelError: when none could be started.
        """
        await asyncio.gather(*(self._start(member) for member in self._members))
        if not self._living():
            raise self._all_failed()

    async def close(self) -> None:
        """Close all members; may be called twice."""
        await asyncio.gather(*(member.model.close() for member in self._members))

    async def answer(self, member: _Member, request: ModelRequest) -> AsyncGenerator[Chunk]:
        """One try at one member.

        Raises:
            TryElsewhere: when it failed before its first piece, and another member may be asked.
            ModelError: when it failed later, or refused the request, or no other member is left.
        """
        member.busy += 1
        has_begun, stream = False, member.model.stream(request)
        try:
            async for chunk in stream:
                has_begun = True
                member.succeed()
                yield chunk
        except (ModelUnavailable, ModelTransient, ModelCrashed) as error:
            member.fail(error, self._clock())
            if has_begun:
                raise
            if not self._living():
                raise self._all_failed() from error
            raise TryElsewhere(f"{member.name}: {error.message}", error.hint, place=member.name) from error
        finally:
            member.busy -= 1
            await close_stream(stream)

    async def _start(self, member: _Member) -> None:
        if not isinstance(member.model, _Startable):
            return
        try:
            await member.model.start()
        except ModelError as error:
            member.fail(error, self._clock())

    def _living(self) -> list[_Member]:
        now = self._clock()
        return [member for member in self._members if member.resumes_at <= now]

    def _all_failed(self) -> ModelError:
        now = self._clock()
        reasons = [
            f"{member.name} ({member.error.message if member.error else 'unknown'}; "
            f"asked again in {max(0.0, member.resumes_at - now):.0f} s)"
            for member in self._members
        ]
        may_recover = any(isinstance(member.error, ModelTransient) for member in self._members)
        kind = ModelTransient if may_recover else ModelUnavailable
        count = len(self._members)
        return kind(
            f"None of the {count} servers answers: {'; '.join(reasons)}.",
            "Start one of them, or correct [models.local] base_url and pool.",
        )


class _Seat:
    """A member of a pool, for one try."""

    def __init__(self, pool: Pool, member: _Member) -> None:
        self._pool, self._member = pool, member

    @property
    def info(self) -> ModelInfo:
        """The member's."""
        return self._member.model.info

    def route(self) -> Model:
        """Itself."""
        return self

    def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        """Answer by this member, as `Pool.answer` says."""
        return self._pool.answer(self._member, request)

    async def close(self) -> None:
        """Nothing: the pool owns its members."""
