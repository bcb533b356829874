from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

import hybridcode
from hybridcode.config.settings import LocalSettings
from hybridcode.domain.errors import ContextOverflow
from hybridcode.domain.model import Chunk, Finished, ModelInfo, ModelRequest, ReasoningDelta, TextDelta
from hybridcode.domain.ports import Model
from hybridcode.models.local import LlamaCppModel
from hybridcode.models.openai_compatible import ServerModel
from hybridcode.models.pool import Pool
from hybridcode.models.recorded import RecordedModel
from hybridcode.models.scripted import ScriptedModel
from hybridcode.models.sender import Sender, SendPolicy
from hybridcode.models.streams import close_stream
from tests.support.chat_server import ChatServer, Exchange, fail, say, serving
from tests.support.requests_to_models import MemoryRecorder, request, whole

TINY = Path(hybridcode.__file__).parent / "assets" / "tiny.gguf"
SHORT = request("Say hello to the whole long list of people, one after the other.")
LONG = request("word " * 3_000)
INFO = ModelInfo("script", "local")


def _answer(asked: ModelRequest) -> str:
    if asked.prompt_bytes > 10_000:
        raise ContextOverflow("The prompt is too long.")
    return "hello to all of them, one after the other, and goodbye"


def _serve(chat: ChatServer) -> None:
    def answer(exchange: Exchange) -> None:
        size = sum(len(message["content"]) for message in exchange.body["messages"])
        words = "request (3012 tokens) exceeds the available context size (512 tokens), try increasing it"
        (fail(400, words) if size > 10_000 else say("hello ", "to ", "all"))(exchange)

    chat.answer = answer


async def _server(stack: AsyncExitStack) -> Model:
    chat = stack.enter_context(serving())
    _serve(chat)
    return ServerModel(LocalSettings(base_url=chat.base_url, name="m", timeout_s=10))


async def _llama(stack: AsyncExitStack) -> Model:
    return LlamaCppModel(LocalSettings(path=str(TINY), n_ctx=512, threads=1))


async def _scripted(stack: AsyncExitStack) -> Model:
    return ScriptedModel(INFO, _answer)


async def _recorded(stack: AsyncExitStack) -> Model:
    recorder = MemoryRecorder()
    sender = Sender(ScriptedModel(INFO, _answer), recorder, policy=SendPolicy())
    for _ in range(4):
        await sender.ask(SHORT)
    with pytest.raises(ContextOverflow):
        await sender.ask(LONG)
    return RecordedModel.of(recorder.envelopes(), recorder.blobs.__getitem__, backend="local")


async def _pool(stack: AsyncExitStack) -> Model:
    return Pool([await _server(stack), await _server(stack)])


MAKERS = {"llama.cpp": _llama, "http": _server, "scripted": _scripted, "recorded": _recorded, "pool": _pool}
KINDS = [pytest.param(kind, marks=[pytest.mark.llama] * (kind == "llama.cpp")) for kind in MAKERS]


@dataclass
class Bench:
    model: Model

    async def chunks(self, asked: ModelRequest = SHORT) -> list[Chunk]:
        return [chunk async for chunk in self.model.stream(asked)]


@pytest.fixture(params=KINDS)
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        model = await MAKERS[request.param](stack)
        yield Bench(model)
        await model.close()


async def test_a_stream_is_deltas_and_then_exactly_one_end(bench: Bench) -> None:
    *deltas, end = await bench.chunks()
    assert deltas
    assert all(isinstance(delta, TextDelta | ReasoningDelta) for delta in deltas)
    assert isinstance(end, Finished)
    assert end.finish in ("stop", "length")


async def test_usage_is_filled(bench: Bench) -> None:
    text, _, end = await whole(bench.model.stream(SHORT))
    assert end.usage.input_tokens > 0
    assert end.usage.output_tokens > 0
    assert (end.usage.input_bytes, end.usage.output_bytes) == (SHORT.prompt_bytes, len(text.encode()))


async def test_closing_in_the_middle_cancels_and_the_next_request_works(bench: Bench) -> None:
    stream = bench.model.stream(SHORT)
    assert isinstance(await anext(stream), TextDelta)
    await close_stream(stream)
    assert isinstance((await bench.chunks())[-1], Finished)


async def test_a_stream_that_was_never_read_leaves_nothing_behind(bench: Bench) -> None:
    await close_stream(bench.model.stream(SHORT))
    assert isinstance((await bench.chunks())[-1], Finished)


async def test_a_prompt_that_is_too_long_is_an_overflow_and_the_next_request_works(bench: Bench) -> None:
    with pytest.raises(ContextOverflow):
        await bench.chunks(LONG)
    assert isinstance((await bench.chunks())[-1], Finished)


async def test_where_a_request_goes_is_known_before(bench: Bench) -> None:
    target = bench.model.route()
    assert target.info.backend == "local"
    assert target.route() is target
    assert isinstance([chunk async for chunk in target.stream(SHORT)][-1], Finished)


async def test_close_may_be_called_twice(bench: Bench) -> None:
    await bench.chunks()
    await bench.model.close()
    await bench.model.close()
