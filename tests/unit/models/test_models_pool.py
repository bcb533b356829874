import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from hybridcode.domain.errors import (
    ConfigError,
    ContextOverflow,
    EgressForbidden,
    ModelCrashed,
    ModelError,
    ModelTransient,
    ModelUnauthorised,
    ModelUnavailable,
)
from hybridcode.domain.events import ModelAnswered, ModelAsked, NoticeGiven
from hybridcode.domain.model import Chunk, ModelInfo, ModelRequest, TextDelta
from hybridcode.domain.ports import Model
from hybridcode.models.faulty import Cut, Fail, FaultyModel, Hang
from hybridcode.models.pool import Pool
from hybridcode.models.problems import RetryLater, TryElsewhere
from hybridcode.models.recorded import RecordedModel
from hybridcode.models.scripted import ScriptedModel
from hybridcode.models.sender import Sender, SendPolicy
from hybridcode.models.streams import close_stream
from tests.support.requests_to_models import MemoryRecorder, only, request, whole

DOWN = ModelUnavailable("nothing answers", "start it")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def server(name: str, *, n_ctx: int | None = None, is_remote: bool = False, capacity: int = 1) -> ScriptedModel:
    info = ModelInfo("coder", "local", host=f"{name}:1", n_ctx=n_ctx, is_remote=is_remote, capacity=capacity)
    return ScriptedModel(info, lambda _: f"{name} says something longer than one piece")


def failing(name: str, *errors: ModelError) -> FaultyModel:
    return FaultyModel(server(name), {n: Fail(error) for n, error in enumerate(errors, 1)})


def host_of(model: Model) -> str | None:
    return model.info.host


async def begun(model: Model) -> AsyncIterator[Chunk]:
    """A stream that gave its first piece and goes on when somebody asks."""
    stream = model.stream(request())
    assert isinstance(await anext(stream), TextDelta)
    return stream


async def test_a_request_goes_to_the_least_busy_and_the_first_of_equals() -> None:
    pool = Pool([server("a"), server("b"), server("c")])
    streams = [await begun(pool.route()) for _ in range(4)]
    assert host_of(pool.route()) == "b:1"
    await close_stream(streams[2])
    assert host_of(pool.route()) == "c:1"
    for stream in streams:
        await close_stream(stream)
    assert host_of(pool.route()) == "a:1"


async def test_a_server_with_more_slots_gets_more() -> None:
    pool = Pool([server("a"), server("b", capacity=3)])
    assert pool.info.capacity == 4
    hosts: list[str | None] = []
    streams: list[AsyncIterator[Chunk]] = []
    for _ in range(4):
        seat = pool.route()
        hosts.append(host_of(seat))
        streams.append(await begun(seat))
    assert hosts == ["a:1", "b:1", "b:1", "b:1"]


@pytest.mark.parametrize("error", [DOWN, ModelTransient("busy"), ModelCrashed("died")])
async def test_a_server_that_fails_before_it_answers_is_passed_over(error: ModelError) -> None:
    pool = Pool([failing("a", error), server("b")])
    text, _, end = await whole(pool.stream(request()))
    assert text.startswith("b says")
    assert end.finish == "stop"
    assert pool.info.capacity == 1


@pytest.mark.parametrize("error", [ModelUnauthorised("no"), ContextOverflow("too long"), ModelError("odd")])
async def test_a_refusal_is_not_asked_elsewhere(error: ModelError) -> None:
    pool = Pool([failing("a", error), server("b")])
    with pytest.raises(type(error)):
        await whole(pool.stream(request()))
    assert host_of(pool.route()) == "a:1"


async def test_a_server_that_breaks_off_raises_and_is_passed_over_next_time() -> None:
    pool = Pool([FaultyModel(server("a"), {1: Cut(1)}), server("b")])
    with pytest.raises(ModelTransient, match="cut after 1"):
        await whole(pool.stream(request()))
    assert (await whole(pool.stream(request())))[0].startswith("b says")


async def test_a_dead_server_is_asked_again_after_a_growing_pause() -> None:
    clock = Clock()
    pool = Pool([failing("a", *[DOWN] * 9), server("b")], clock=clock)
    for pause in (2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0):
        await whole(pool.stream(request()))
        clock.now += pause - 0.01
        assert host_of(pool.route()) == "b:1"
        clock.now += 0.02
        assert host_of(pool.route()) == "a:1"
    assert (await whole(pool.stream(request())))[0].startswith("a says")


async def test_a_server_that_is_back_starts_with_a_short_pause_again() -> None:
    clock = Clock()
    pool = Pool([FaultyModel(server("a"), {1: Fail(DOWN), 2: Fail(DOWN), 4: Fail(DOWN)}), server("b")], clock=clock)
    for _ in range(4):
        await whole(pool.stream(request()))
        clock.now += 10
    clock.now -= 7.9
    assert host_of(pool.route()) == "a:1"


async def test_the_wait_that_a_server_asks_for_is_kept() -> None:
    clock = Clock()
    pool = Pool([failing("a", RetryLater("slow down", retry_after_s=7.0)), server("b")], clock=clock)
    await whole(pool.stream(request()))
    clock.now += 6.9
    assert host_of(pool.route()) == "b:1"
    clock.now += 0.2
    assert host_of(pool.route()) == "a:1"


async def test_when_none_answers_each_is_named_with_its_reason() -> None:
    pool = Pool([failing("a", DOWN), failing("b", ModelUnavailable("no model loaded"))], clock=Clock())
    with pytest.raises(
        ModelUnavailable, match=r"None of the 2 servers answers: a:1 \(nothing answers; asked again in 2"
    ):
        await whole(pool.stream(request()))
    with pytest.raises(ModelUnavailable, match=r"b:1 \(no model loaded"):
        pool.route()


async def test_when_one_of_the_dead_may_recover_the_error_is_transient() -> None:
    pool = Pool([failing("a", DOWN), failing("b", ModelTransient("Loading model"))], clock=Clock())
    with pytest.raises(ModelTransient, match="Loading model"):
        await whole(pool.stream(request()))


async def test_cancelling_frees_the_place() -> None:
    pool = Pool([FaultyModel(server("a"), {1: Hang(1)}), server("b")])
    task = asyncio.create_task(whole(pool.stream(request())))
    await asyncio.sleep(0.02)
    assert host_of(pool.route()) == "b:1"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert host_of(pool.route()) == "a:1"


async def test_what_is_known_of_a_pool_is_the_tightest_of_its_members() -> None:
    pool = Pool([server("a", n_ctx=8192), server("b", n_ctx=4096, is_remote=True), server("c")])
    info = pool.info
    assert (info.n_ctx, info.is_remote, info.host, info.name) == (4096, True, "a:1, b:1, c:1", "coder")
    with pytest.raises(ConfigError):
        Pool([])


class Desk:
    def __init__(self, pool: Pool, clock: Clock, policy: SendPolicy | None = None) -> None:
        self.recorder = MemoryRecorder()
        self.sender = Sender(pool, self.recorder, policy=policy or SendPolicy(), sleep=clock.sleep, clock=clock)

    def hosts(self) -> list[tuple[str | None, int]]:
        return [(event.host, event.attempt) for event in only(self.recorder.events, ModelAsked)]


async def test_each_server_that_is_asked_has_its_own_receipt() -> None:
    clock = Clock()
    pool = Pool(
        [failing("a", DOWN), failing("b", DOWN), failing("c", DOWN), failing("d", DOWN), server("e")], clock=clock
    )
    desk = Desk(pool, clock, SendPolicy(max_retries=0))
    assert (await desk.sender.ask(request())).text.startswith("e says")
    assert desk.hosts() == [("a:1", 1), ("b:1", 2), ("c:1", 3), ("d:1", 4), ("e:1", 5)]
    answers = only(desk.recorder.events, ModelAnswered)
    assert [answer.error.partition(":")[0] for answer in answers] == ["TryElsewhere"] * 4 + [""]
    notices = only(desk.recorder.events, NoticeGiven)
    assert {notice.hint for notice in notices} == {"trying another server"}
    assert clock.now == 100.0


async def test_a_server_that_breaks_off_is_followed_by_another_after_the_usual_pause() -> None:
    clock = Clock()
    pool = Pool([FaultyModel(server("a"), {1: Cut(1)}), server("b")], clock=clock)
    desk = Desk(pool, clock)
    pieces: list[Chunk] = []
    assert (await desk.sender.ask(request(), on_chunk=pieces.append)).text.startswith("b says")
    assert desk.hosts() == [("a:1", 1), ("b:1", 2)]
    assert clock.now == 101.0


async def test_a_pool_that_is_all_dead_is_retried_like_one_server() -> None:
    clock = Clock()
    pool = Pool([failing("a", ModelTransient("Loading")), failing("b", ModelTransient("Loading"))], clock=clock)
    desk = Desk(pool, clock)
    assert (await desk.sender.ask(request())).text.startswith("a says")
    assert [host for host, _ in desk.hosts()] == ["a:1", "b:1", "a:1"]
    assert clock.now == 103.0


async def test_offline_forbids_a_pool_with_a_server_elsewhere() -> None:
    clock = Clock()
    desk = Desk(Pool([server("a"), server("b", is_remote=True)], clock=clock), clock, SendPolicy(offline=True))
    with pytest.raises(EgressForbidden):
        await desk.sender.ask(request())
    assert desk.hosts() == []


async def test_a_recorded_pool_answers_again_in_the_same_way() -> None:
    clock = Clock()
    desk = Desk(Pool([failing("a", DOWN), server("b")], clock=clock), clock)
    said = (await desk.sender.ask(request())).text
    again = RecordedModel.of(desk.recorder.envelopes(), desk.recorder.blobs.__getitem__, backend="local")
    with pytest.raises(TryElsewhere):
        await whole(again.stream(request()))
    assert (await whole(again.stream(request())))[0] == said


async def test_members_start_and_close_together() -> None:
    class Started(ScriptedModel):
        def __init__(self, name: str, error: ModelError | None = None) -> None:
            super().__init__(ModelInfo("coder", "local", host=name), lambda _: name)
            self.error, self.calls = error, list[str]()

        async def start(self) -> None:
            self.calls.append("start")
            if self.error is not None:
                raise self.error

        async def close(self) -> None:
            self.calls.append("close")

    members = [Started("a", DOWN), Started("b")]
    pool = Pool(members)
    await pool.start()
    assert host_of(pool.route()) == "b"
    await pool.close()
    await pool.close()
    assert members[0].calls == ["start", "close", "close"]
    with pytest.raises(ModelUnavailable, match="nothing answers"):
        await Pool([Started("a", DOWN)]).start()


async def test_the_same_requests_meet_the_same_servers() -> None:
    async def hosts() -> list[str]:
        pool = Pool([server("a"), failing("b", DOWN), server("c"), server("d", capacity=2)], clock=Clock())
        streams = [pool.stream(request()) for _ in range(7)]
        pieces = [await anext(stream) for stream in streams]
        for stream in streams:
            await stream.aclose()
        return [piece.text[0] for piece in pieces if isinstance(piece, TextDelta)]

    first = await hosts()
    assert first == await hosts()
    assert first == ["a", "c", "d", "d", "a", "c", "d"]


async def test_closing_a_pools_stream_closes_the_members() -> None:
    closed: list[str] = []

    class Watched(ScriptedModel):
        async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
            try:
                async for chunk in super().stream(request):
                    yield chunk
            finally:
                closed.append("a")

    pool = Pool([Watched(ModelInfo("coder", "local", host="a"), lambda _: "x" * 100)])
    stream = pool.stream(request())
    await anext(stream)
    await close_stream(stream)
    assert closed == ["a"]


class Slow(FaultyModel):
    """A server that takes longer to fail than any pause is long."""

    def __init__(self, name: str, clock: Clock) -> None:
        super().__init__(server(name), {n: Fail(RetryLater("no answer in time")) for n in range(1, 200)})
        self._clock = clock

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        self._clock.now += 300.0
        async for chunk in super().stream(request):
            yield chunk


async def test_servers_that_all_hang_are_given_up_after_the_usual_tries() -> None:
    clock = Clock()
    members = [Slow("a", clock), Slow("b", clock), Slow("c", clock)]
    recorder, policy = MemoryRecorder(), SendPolicy(max_retries=2)
    sender = Sender(Pool(members, clock=clock), recorder, policy=policy, sleep=clock.sleep, clock=clock)
    with pytest.raises(ModelError, match="no answer in time"):
        await sender.ask(request())
    assert len(only(recorder.events, ModelAsked)) == len(members) + policy.max_retries + 1
