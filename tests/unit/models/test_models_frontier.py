from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from hybridcode.config.settings import FrontierSettings
from hybridcode.domain.errors import (
    ContextOverflow,
    ModelError,
    ModelTransient,
    ModelUnauthorised,
    ModelUnavailable,
)
from hybridcode.domain.model import TextDelta
from hybridcode.models.frontier import FrontierModel
from hybridcode.models.problems import RetryLater
from hybridcode.models.streams import close_stream
from tests.support.chat_server import Answer, ChatServer, cut, fail, hang, say, serving
from tests.support.requests_to_models import request, whole

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "sk-test-0123456789abcdef"


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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(running: ChatServer) -> AsyncIterator[FrontierModel]:
    settings = FrontierSettings(
        model="openai/some-model",
        api_base=running.base_url,
        api_key_env="MY_KEY",
        timeout_s=2,
        input_usd_per_mtok=2.0,
        output_usd_per_mtok=10.0,
    )
    model = FrontierModel(settings, {"MY_KEY": KEY, "OPENAI_API_KEY": "sk-wrong"})
    yield model
    await model.close()


async def test_an_answer_with_its_numbers_and_price(model: FrontierModel, server: ChatServer) -> None:
    server.answer = say("Hel", "lo ✓")
    text, _, end = await whole(model.stream(request(stop=("END",))))
    assert (text, end.finish) == ("Hello ✓", "stop")
    assert (end.usage.input_tokens, end.usage.output_tokens, end.usage.cached_tokens) == (100, 20, 60)
    assert round(end.cost_usd or 0, 9) == (100 * 2 + 20 * 10) / 1e6
    body = server.asked[0]
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say hello."}]
    assert (body["model"], body["max_tokens"], body["stop"], body["stream"]) == ("some-model", 64, ["END"], True)
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert len(server.asked) == 1


async def test_thinking_stands_apart(model: FrontierModel, server: ChatServer) -> None:
    server.answer = say("four", reasoning="two and two")
    text, reasoning, _ = await whole(model.stream(request()))
    assert (text, reasoning) == ("four", "two and two")


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (fail(401, "bad key"), ModelUnauthorised, "bad key"),
        (fail(403, "not yours"), ModelUnauthorised, "not yours"),
        (fail(404, "no such model"), ModelUnavailable, "no such model"),
        (fail(400, "odd parameter"), ModelError, "odd parameter"),
        (fail(400, "This model's maximum context length is 8192 tokens"), ContextOverflow, "too long"),
        (fail(429, "slow down"), ModelTransient, "slow down"),
        (fail(500, "oops"), ModelTransient, "oops"),
        (cut, ModelTransient, "cut the stream"),
        (hang, ModelTransient, "imed out|imeout"),
    ],
)
async def test_what_goes_wrong_has_its_class_and_leaves_once(
    model: FrontierModel, server: ChatServer, answer: Answer, error: type[ModelError], words: str
) -> None:
    server.answer = answer
    with pytest.raises(error, match=words) as caught:
        await whole(model.stream(request()))
    assert type(caught.value) in (error, RetryLater)
    assert KEY not in caught.value.message
    assert len(server.asked) == 1


async def test_a_key_that_is_repeated_is_not_shown(model: FrontierModel, server: ChatServer) -> None:
    server.answer = fail(401, f"Incorrect API key provided: {KEY}.")
    with pytest.raises(ModelUnauthorised, match=r"\[key\]") as caught:
        await whole(model.stream(request()))
    assert KEY not in caught.value.message


async def test_the_wait_that_was_asked_for_is_passed_on(model: FrontierModel, server: ChatServer) -> None:
    server.answer = fail(429, "slow down", retry_after="7")
    with pytest.raises(RetryLater) as caught:
        await whole(model.stream(request()))
    assert caught.value.retry_after_s == 7.0


@pytest.mark.parametrize(("reason", "finish"), [("length", "length"), ("content_filter", "refused")])
async def test_how_an_answer_ends(model: FrontierModel, server: ChatServer, reason: str, finish: str) -> None:
    server.answer = say("some", finish=reason)
    assert (await whole(model.stream(request())))[2].finish == finish


async def test_cancelling_keeps_the_costly_child(model: FrontierModel, server: ChatServer) -> None:
    server.answer = hang
    stream = model.stream(request())
    assert await anext(stream) == TextDelta("wait")
    await close_stream(stream)
    pid = model.pid
    server.answer = say("next")
    assert (await whole(model.stream(request())))[0] == "next"
    assert model.pid == pid


async def test_a_redirect_to_another_host_is_not_followed(model: FrontierModel, server: ChatServer) -> None:
    with serving() as elsewhere:
        moved = elsewhere.base_url.replace("127.0.0.1", "127.0.0.2") + "/chat/completions"
        named = elsewhere.base_url.replace("127.0.0.1", "localhost") + "/chat/completions"
        for target in (moved, named):
            server.answer = lambda exchange, target=target: exchange.send_json(307, {}, location=target)
            with pytest.raises(ModelError):
                await whole(model.stream(request()))
        assert not elsewhere.visits
    server.answer = say("still here")
    assert (await whole(model.stream(request())))[0] == "still here"
