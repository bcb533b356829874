import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from hybridcode.config.settings import LocalSettings
from hybridcode.domain.errors import (
    ContextOverflow,
    ModelCrashed,
    ModelError,
    ModelTransient,
    ModelUnauthorised,
    ModelUnavailable,
)
from hybridcode.domain.events import ModelAnswered
from hybridcode.domain.model import TextDelta
from hybridcode.models.openai_compatible import ServerModel
from hybridcode.models.problems import RetryLater
from hybridcode.models.sender import Sender, SendPolicy
from tests.support.chat_server import Answer, ChatServer, Exchange, cut, fail, hang, say, serving
from tests.support.requests_to_models import MemoryRecorder, only, request, whole

pytestmark = pytest.mark.asyncio(loop_scope="module")
"""One loop for the module, so that one child can serve most tests."""


@pytest.fixture(scope="module")
def running() -> Iterator[ChatServer]:
    with serving() as chat:
        yield chat


@pytest.fixture
def server(running: ChatServer) -> ChatServer:
    running.answer = say("hello")
    running.asked.clear()
    running.headers.clear()
    return running


def no_stream(exchange: Exchange) -> None:
    exchange.send_json(200, {"hello": "world"})


def garbage(text: str) -> Answer:
    def answer(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.send_raw(text)

    return answer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(running: ChatServer) -> AsyncIterator[ServerModel]:
    model = ServerModel(LocalSettings(base_url=running.base_url, timeout_s=5))
    yield model
    await model.close()


@pytest_asyncio.fixture(loop_scope="module")
async def doomed(server: ChatServer) -> AsyncIterator[ServerModel]:
    model = ServerModel(LocalSettings(base_url=server.base_url, timeout_s=5))
    yield model
    await model.close()


async def test_an_answer_comes_in_pieces_with_its_numbers(model: ServerModel, server: ChatServer) -> None:
    server.answer = say("Hel", "lo ✓", reasoning="hmm")
    text, reasoning, end = await whole(model.stream(request(stop=("END",), seed=7)))
    assert (text, reasoning, end.finish, end.cost_usd) == ("Hello ✓", "hmm", "stop", 0.0)
    assert (end.usage.input_tokens, end.usage.output_tokens, end.usage.cached_tokens) == (100, 20, 60)
    assert (end.usage.input_bytes, end.usage.output_bytes) == (request().prompt_bytes, len("Hello ✓".encode()))
    assert end.timing.total_s >= (end.timing.first_token_s or 9) > 0
    body = server.asked[0]
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say hello."}]
    assert (body["model"], body["max_tokens"], body["stop"], body["seed"]) == ("first-model", 64, ["END"], 7)
    assert model.info.name == "first-model"


async def test_one_child_answers_call_after_call_and_side_by_side(model: ServerModel, server: ChatServer) -> None:
    await model.start()
    pid = model.pid
    answers = await asyncio.gather(*(whole(model.stream(request())) for _ in range(3)))
    assert [text for text, _, _ in answers] == ["hello"] * 3
    assert model.pid == pid


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (fail(401, "bad key"), ModelUnauthorised, "bad key"),
        (fail(403, "not yours"), ModelUnauthorised, "not yours"),
        (fail(404, "no such model"), ModelUnavailable, "no such model"),
        (fail(400, "temperature is odd"), ModelError, "temperature is odd"),
        (fail(400, "the request exceeds the available context size"), ContextOverflow, "too long"),
        (fail(429, "slow down"), ModelTransient, "slow down"),
        (fail(500, "oops"), ModelTransient, "oops"),
        (fail(503, "Loading model"), ModelTransient, "Loading model"),
        (fail(307, "go", location="http://192.0.2.1/"), ModelUnavailable, "redirects"),
        (cut, ModelTransient, "cut the stream"),
        (no_stream, ModelTransient, "cut the stream"),
    ],
)
async def test_what_goes_wrong_has_its_class(
    model: ServerModel, server: ChatServer, answer: Answer, error: type[ModelError], words: str
) -> None:
    server.answer = answer
    with pytest.raises(error, match=words) as caught:
        await whole(model.stream(request()))
    assert type(caught.value) in (error, RetryLater)
    server.answer = say("again")
    assert (await whole(model.stream(request())))[0] == "again"


async def test_garbage_and_errors_in_the_stream(model: ServerModel, server: ChatServer) -> None:
    server.answer = garbage("data: {not json}\n\n")
    with pytest.raises(ModelError, match="does not answer like"):
        await whole(model.stream(request()))
    server.answer = garbage('data: {"error": {"message": "out of memory"}}\n\n')
    with pytest.raises(ModelTransient, match="out of memory"):
        await whole(model.stream(request()))
    server.answer = garbage(
        ': comment\n\ndata: {"choices":\ndata: [{"delta": {"content": "x"}, "finish_reason": "stop"}]}\n\n'
    )
    assert (await whole(model.stream(request())))[0] == "x"


async def test_the_wait_that_was_asked_for_is_passed_on(model: ServerModel, server: ChatServer) -> None:
    server.answer = fail(429, "slow down", retry_after="7")
    with pytest.raises(RetryLater) as caught:
        await whole(model.stream(request()))
    assert caught.value.retry_after_s == 7.0


@pytest.mark.parametrize(("reason", "finish"), [("length", "length"), ("content_filter", "refused"), ("eos", "stop")])
async def test_how_an_answer_ends(model: ServerModel, server: ChatServer, reason: str, finish: str) -> None:
    server.answer = say("some", finish=reason)
    assert (await whole(model.stream(request())))[2].finish == finish


async def test_nothing_listens_there() -> None:
    model = ServerModel(LocalSettings(base_url="http://127.0.0.1:9/v1", name="m", timeout_s=5))
    with pytest.raises(ModelUnavailable, match="Nothing answers") as caught:
        await whole(model.stream(request()))
    assert "llama-server" in caught.value.hint
    await model.close()


async def test_the_key_and_only_the_key_reaches_the_server(server: ChatServer) -> None:
    settings = LocalSettings(base_url=server.base_url, name="m", api_key_env="MY_KEY")
    model = ServerModel(settings, {"MY_KEY": "abc", "OPENAI_API_KEY": "other", "HTTP_PROXY": "http://127.0.0.1:9"})
    await whole(model.stream(request()))
    await model.close()
    assert server.headers[0]["authorization"] == "Bearer abc"
    assert "other" not in str(server.headers)


async def test_closing_the_stream_cancels_quickly_and_keeps_the_child(model: ServerModel, server: ChatServer) -> None:
    server.answer = hang
    stream = model.stream(request())
    assert await anext(stream) == TextDelta("wait")
    started = time.monotonic()
    await stream.aclose()
    assert time.monotonic() - started < 0.2
    pid = model.pid
    server.answer = say("next")
    assert (await whole(model.stream(request())))[0] == "next"
    assert model.pid == pid


async def test_a_cancelled_task_leaves_a_usable_model(model: ServerModel, server: ChatServer) -> None:
    server.answer = hang
    task = asyncio.create_task(whole(model.stream(request())))
    await asyncio.sleep(0.5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    server.answer = say("next")
    assert (await whole(model.stream(request())))[0] == "next"


async def test_a_child_that_does_not_obey_is_killed_and_replaced(doomed: ServerModel, server: ChatServer) -> None:
    server.answer = hang
    stream = doomed.stream(request())
    await anext(stream)
    pid = doomed.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    await stream.aclose()
    server.answer = say("next")
    started = time.monotonic()
    assert (await whole(doomed.stream(request())))[0] == "next"
    assert 0.5 < time.monotonic() - started < 5
    assert doomed.pid != pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_close_ends_the_child_twice_and_for_good(doomed: ServerModel) -> None:
    await doomed.start()
    pid = doomed.pid
    assert pid is not None
    await doomed.close()
    await doomed.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(ModelError, match="closed"):
        await whole(doomed.stream(request()))


async def test_close_during_an_answer_ends_it(doomed: ServerModel, server: ChatServer) -> None:
    server.answer = hang
    stream = doomed.stream(request())
    await anext(stream)
    await doomed.close()
    with pytest.raises(ModelCrashed):
        await anext(stream)


async def test_a_server_sees_within_a_fifth_of_a_second_that_nobody_reads_on(
    model: ServerModel, server: ChatServer
) -> None:
    gone: list[float | None] = []
    seen = threading.Event()

    def watch(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.send_chunk(role="assistant", content="wait")
        gone.append(exchange.wait_until_gone())
        seen.set()

    server.answer = watch
    stream = model.stream(request())
    assert await anext(stream) == TextDelta("wait")
    closed = time.monotonic()
    await stream.aclose()
    assert await asyncio.to_thread(seen.wait, 5)
    assert gone[0] is not None
    assert gone[0] - closed < 0.2


async def test_a_silent_server_is_given_up_before_the_caller_does(server: ChatServer) -> None:
    server.answer = lambda exchange: exchange.hang()
    model = ServerModel(LocalSettings(base_url=server.base_url, name="m", timeout_s=1))
    await model.start()
    started = time.monotonic()
    with pytest.raises(ModelTransient, match="did not answer in time"):
        await whole(model.stream(request()))
    assert time.monotonic() - started < 1
    await model.close()


async def test_a_sender_retries_a_server_that_broke_off_or_fell_silent(server: ChatServer) -> None:
    answers = iter([cut, hang, say("at last")])
    server.answer = lambda exchange: next(answers)(exchange)
    model, pauses = ServerModel(LocalSettings(base_url=server.base_url, name="m", timeout_s=1)), list[float]()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    await model.start()
    recorder = MemoryRecorder()
    sender = Sender(model, recorder, policy=SendPolicy(timeout_s=1), sleep=sleep)
    assert (await sender.ask(request())).text == "at last"
    assert pauses == [1.0, 2.0]
    errors = [event.error for event in only(recorder.events, ModelAnswered)]
    assert ["cut the stream" in errors[0], "in time" in errors[1], errors[2]] == [True, True, ""]
    await model.close()


async def test_after_an_empty_stream_the_next_request_learns_the_reason(model: ServerModel, server: ChatServer) -> None:
    def answer(exchange: Exchange) -> None:
        if exchange.body["stream"]:
            exchange.begin_stream()
        else:
            fail(400, "This model's maximum context length is 512 tokens.")(exchange)

    server.answer = answer
    with pytest.raises(ModelTransient, match="cut the stream"):
        await whole(model.stream(request()))
    with pytest.raises(ContextOverflow, match="512 tokens"):
        await whole(model.stream(request()))
    server.answer = say("streamed again")
    assert (await whole(model.stream(request())))[0] == "streamed again"
    assert [body["stream"] for body in server.asked] == [True, False, True]


async def test_an_answer_in_one_piece_is_an_answer(model: ServerModel, server: ChatServer) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "whole"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 9, "completion_tokens": 1}
    server.answer = lambda exchange: exchange.send_json(200, {"choices": [choice], "usage": usage})
    text, _, end = await whole(model.stream(request()))
    assert (text, end.finish, end.usage.input_tokens) == ("whole", "stop", 9)
