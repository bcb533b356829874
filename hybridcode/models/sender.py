"""The one sender: every request to a model goes through here, and leaves a record before it leaves.

Invariant: ModelAsked is durable before a request reaches the model, and each ModelAsked is followed by exactly one
ModelAnswered, whatever happens in between.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import msgspec

from hybridcode.domain.canonical import canonical_json
from hybridcode.domain.errors import ModelCrashed, ModelError, ModelTransient, ModelUnauthorised, ModelUnavailable
from hybridcode.domain.events import ModelAnswered, ModelAsked, NoticeGiven
from hybridcode.domain.model import Chunk, Finished, ModelRequest, ReasoningDelta, Reply, TextDelta, Timing, Usage
from hybridcode.domain.ports import Model, Recorder
from hybridcode.domain.replaced import ModelReplaced
from hybridcode.domain.secrets import redact
from hybridcode.models.egress import Sending, SendPolicy, check
from hybridcode.models.problems import RetryLater, TryElsewhere
from hybridcode.models.redact import Cleaned, clean_request
from hybridcode.models.streams import close_stream

__all__ = ["SendPolicy", "Sender"]

MAX_PAUSE_S = 30.0
"""Longest pause between two tries, whatever the other side asks for."""
MAX_BYTES_PER_TOKEN = 64
"""An answer longer than this many bytes for each token it may have is cut off: the model ignores its limit."""

_OUT_OF_ORDER = (ModelUnavailable, ModelUnauthorised, ModelTransient, ModelCrashed)
"""What says that a model cannot be asked, and nothing about the request."""

OnChunk = Callable[[Chunk], None]


def _ignore(_: Chunk) -> None:
    return None


class Sender:
    """One model behind the policy of this run, and perhaps another one that takes its place."""

    def __init__(
        self,
        model: Model,
        recorder: Recorder,
        *,
        policy: SendPolicy,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model, self._is_replaced = model, False
        self._fallback: Sender | None = None
        self._recorder, self._policy = recorder, policy
        self._sleep, self._clock = sleep, clock
        self._told = set[str]()

    @property
    def model(self) -> Model:
        """Whoever is asked now: the fallback's, once it has taken over."""
        return self._fallback.model if self._fallback is not None and self._is_replaced else self._model

    def backed_by(self, fallback: "Sender") -> None:
        """Let another model take over, for good, once this one cannot be asked; its own policy says what it may see."""
        self._fallback = fallback

    async def ask(
        self, request: ModelRequest, *, on_chunk: OnChunk = _ignore, attempts: Iterator[int] | None = None
    ) -> Reply:
        """Send a request, again after transient failures and once after a crash, and return the whole answer.

        `on_chunk` sees every piece as it comes; after a retry the answer begins anew. `attempts` numbers the tries.

        Raises:
            ModelError: when the model, and its fallback, cannot answer; a ModelTransient only after all tries.
            ContextOverflow, EgressForbidden: when the request may not be sent.
            LimitReached: when the run's budget is used up.
        """
        numbers, fallback = attempts or itertools.count(1), self._fallback
        if fallback is None:
            return await self._ask(request, on_chunk, numbers)
        if not self._is_replaced:
            try:
                return await self._ask(request, on_chunk, numbers)
            except _OUT_OF_ORDER as error:
                self._give_way(fallback, error)
        return await fallback.ask(request, on_chunk=on_chunk, attempts=numbers)

    def _give_way(self, fallback: "Sender", error: ModelError) -> None:
        if self._is_replaced:
            return  # another request found out first
        self._is_replaced = True
        mine, other = self._model.info, fallback.model.info
        self._recorder.record(ModelReplaced(mine.name, other.name, other.is_remote, error.message))
        place = f" at {other.host}, a remote model," if other.is_remote else ""
        text = f"{other.name}{place} takes the place of {mine.name} for the rest of this task: {error.message}"
        self._recorder.record(NoticeGiven("warning", text, error.hint))

    async def _ask(self, request: ModelRequest, on_chunk: OnChunk, attempts: Iterator[int]) -> Reply:
        cleaned = self._cleaned(request)
        retries, restarts, failed = 0, 0, set[str]()
        while True:
            check(request, self._model.info, self._policy)
            self._policy.check_budget(cleaned.request, self._model.info)
            try:
                reply = await self._try(cleaned, next(attempts), on_chunk)
                self._tell_notes()
                return reply
            except TryElsewhere as error:
                if error.place in failed:
                    retries += 1
                if retries > self._policy.max_retries:
                    raise
                failed.add(error.place)
                failure, advice = error, "trying another server"
            except ModelCrashed as error:
                if restarts:
                    raise
                restarts += 1
                failure, advice = error, "starting it again"
            except ModelError as error:
                if not error.is_transient or retries >= self._policy.max_retries or self._is_too_long(error):
                    raise
                retries += 1
                failure, advice = error, f"trying again in {pause_before_retry(error, retries):g} s"
            pause = pause_before_retry(failure, retries) if failure.is_transient else 0.0
            self._recorder.record(NoticeGiven("warning", f"{self._model.info.name}: {failure.message}", advice))
            await self._sleep(pause)

    def _is_too_long(self, error: ModelError) -> bool:
        """The other side wants a longer pause than is made, and somebody else can be asked meanwhile."""
        asked = error.retry_after_s if isinstance(error, RetryLater) else None
        return self._fallback is not None and asked is not None and asked > MAX_PAUSE_S

    def _tell_notes(self) -> None:
        """What a person should know of how the model was loaded, once."""
        notes: tuple[str, ...] = getattr(self._model, "notes", ())
        for note in notes:
            if note not in self._told:
                self._told.add(note)
                self._recorder.record(NoticeGiven("info", f"{self._model.info.name}: {note}"))

    def _cleaned(self, request: ModelRequest) -> Cleaned:
        """What of a request may be journalled and sent."""
        redactor = self._policy.redactor() if self._policy.redactor is not None else None
        withheld = self._policy.withheld() if self._model.info.is_remote else None
        return clean_request(request, redactor, withheld)

    async def _try(self, cleaned: Cleaned, attempt: int, on_chunk: OnChunk) -> Reply:
        model, request = self._model.route(), cleaned.request
        info = model.info
        asked = ModelAsked(
            call_id=request.call_id,
            role=request.role,
            model=info.name,
            backend=info.backend,
            host=info.host,
            is_remote=info.is_remote,
            prompt_sha256=self._recorder.put_blob(canonical_json(request.messages)),
            prompt_bytes=request.prompt_bytes,
            step=request.step,
            attempt=attempt,
            files=request.files,
            redactions=sum(cleaned.kinds.values()),
            redacted=dict(cleaned.kinds),
            withheld=cleaned.withheld,
            via=info.via,
        )
        if info.is_remote:
            await self._policy.consent(_sending(asked))
        self._recorder.record(asked)
        call = _Call(request, started=self._clock())
        try:
            end = await self._receive(call, model, on_chunk)
        except ModelError as error:
            self._record_failure(call, f"{type(error).__name__}: {error.message}")
            raise
        except asyncio.CancelledError:
            self._record_failure(call, "")
            raise
        except BaseException as error:
            self._record_failure(call, type(error).__name__)
            raise
        self._record_answer(call, end)
        return Reply(call.text, end.finish, end.usage, end.timing, end.cost_usd, info.name)

    async def _receive(self, call: "_Call", model: Model, on_chunk: OnChunk) -> Finished:
        stream = model.stream(call.request)
        try:
            while True:
                chunk = await self._next(stream)
                on_chunk(chunk)
                match chunk:
                    case Finished():
                        return call.completed(chunk, self._clock())
                    case TextDelta(text=text):
                        call.add(text)
                    case ReasoningDelta():
                        pass
                if call.is_runaway:
                    return call.completed(Finished("length", Usage(), Timing()), self._clock())
        finally:
            await close_stream(stream)

    async def _next(self, stream: AsyncIterator[Chunk]) -> Chunk:
        try:
            async with asyncio.timeout(self._policy.timeout_s):
                return await anext(stream)
        except TimeoutError as error:
            raise ModelTransient(
                f"{self._model.info.name} made no progress for {self._policy.timeout_s:g} s.", "Raise timeout_s."
            ) from error
        except StopAsyncIteration as error:
            raise ModelTransient(f"{self._model.info.name} cut the stream before the end of the answer.") from error

    def _record_answer(self, call: "_Call", end: Finished, error: str = "") -> None:
        self._recorder.record(
            ModelAnswered(
                call_id=call.request.call_id,
                answer_sha256=self._recorder.put_blob(call.text.encode("utf-8", "replace")),
                finish=end.finish,
                usage=end.usage,
                timing=end.timing,
                cost_usd=end.cost_usd,
                error=error,
            )
        )

    def _record_failure(self, call: "_Call", error: str) -> None:
        end = call.completed(Finished("cancelled", Usage(), Timing()), self._clock())
        self._record_answer(call, end, redact(error)[0])


def _sending(asked: ModelAsked) -> Sending:
    return Sending(
        host=asked.host or "",
        model=asked.model,
        role=asked.role,
        prompt_sha256=asked.prompt_sha256,
        prompt_bytes=asked.prompt_bytes,
        step=asked.step,
        files=asked.files,
        redacted=asked.redacted,
        withheld=asked.withheld,
        via=asked.via,
    )


class _Call:
    """What came back of one try so far."""

    def __init__(self, request: ModelRequest, *, started: float) -> None:
        self.request = request
        self._started = started
        self._parts: list[str] = []
        self._bytes = 0

    @property
    def text(self) -> str:
        return "".join(self._parts)

    @property
    def is_runaway(self) -> bool:
        return self._bytes > self.request.max_output_tokens * MAX_BYTES_PER_TOKEN

    def add(self, text: str) -> None:
        self._parts.append(text)
        self._bytes += len(text.encode("utf-8", "replace"))

    def completed(self, end: Finished, now: float) -> Finished:
        """The end with what only this side knows: bytes both ways, and the time where the model tells none."""
        usage = msgspec.structs.replace(end.usage, input_bytes=self.request.prompt_bytes, output_bytes=self._bytes)
        timing = end.timing if end.timing.total_s else Timing(total_s=now - self._started)
        return msgspec.structs.replace(end, usage=usage, timing=timing)


def pause_before_retry(error: ModelError, retry: int) -> float:
    """Seconds to wait before retry number `retry`: what the other side asked for, else 1, 2, 4...; at most 30."""
    asked = error.retry_after_s if isinstance(error, RetryLater) else None
    return min(MAX_PAUSE_S, 2.0 ** (retry - 1) if asked is None else asked)
