import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

import hybridcode
from hybridcode.config.settings import LocalSettings
from hybridcode.domain.errors import ContextOverflow, ModelTransient, ModelUnavailable
from hybridcode.domain.events import ModelAnswered
from hybridcode.domain.model import Finished, TextDelta
from hybridcode.models.openai_compatible import ServerModel
from hybridcode.models.pool import Pool
from hybridcode.models.sender import Sender, SendPolicy
from tests.support.requests_to_models import MemoryRecorder, only, request, whole

_NEEDED = ("fastapi", "uvicorn", "sse_starlette", "starlette_context", "pydantic_settings", "yaml")
_MISSING = [name for name in _NEEDED if importlib.util.find_spec(name) is None]

pytestmark = [
    pytest.mark.llama,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(bool(_MISSING), reason=f"llama_cpp.server needs {', '.join(_MISSING)}: see the group dev"),
]

TINY = Path(hybridcode.__file__).parent / "assets" / "tiny.gguf"
N_CTX = 512
TALK = request("Say something.", max_output_tokens=64)
ENDLESS = request("word " * 100, max_output_tokens=290)
"""The model goes on repeating the word."""


class Server:
    """llama-cpp-python's own server with the tiny model, in a process of its own."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}/v1"
        options = {"model": TINY, "n_ctx": N_CTX, "n_threads": 1, "host": "127.0.0.1", "port": port}
        arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "llama_cpp.server", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        for _ in range(600):
            assert self.process.poll() is None, "the server ended while starting"
            try:
                urllib.request.urlopen(f"{self.base_url}/models", timeout=1).close()
                return
            except (urllib.error.URLError, TimeoutError):
                time.sleep(0.1)
        raise AssertionError("the server did not start")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def model(self) -> ServerModel:
        return ServerModel(LocalSettings(base_url=self.base_url, timeout_s=20))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.kill()


@pytest_asyncio.fixture(loop_scope="module")
async def model(server: Server) -> AsyncIterator[ServerModel]:
    model = server.model()
    yield model
    await model.close()


async def test_it_answers_in_pieces_and_says_which_model_it_is(model: ServerModel) -> None:
    pieces = [chunk async for chunk in model.stream(ENDLESS)]
    assert len(pieces) > 2
    assert all(isinstance(piece, TextDelta) for piece in pieces[:-1])
    assert isinstance(pieces[-1], Finished)
    assert model.info.name == str(TINY)


async def test_it_does_not_say_its_context_so_the_configured_one_stays(model: ServerModel) -> None:
    assert (await model.start()).notes == ()
    assert model.info.n_ctx == LocalSettings().n_ctx


async def test_it_stops_when_nobody_reads_on(model: ServerModel) -> None:
    stream = model.stream(ENDLESS)
    assert isinstance(await anext(stream), TextDelta)
    started = time.monotonic()
    await stream.aclose()
    assert time.monotonic() - started < 0.2
    assert isinstance([chunk async for chunk in model.stream(TALK)][-1], Finished)


async def test_a_prompt_that_is_too_long_is_an_overflow_in_the_end(model: ServerModel) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    recorder = MemoryRecorder()
    sender = Sender(model, recorder, policy=SendPolicy(timeout_s=20), sleep=sleep)
    with pytest.raises(ContextOverflow, match="maximum context length is 512 tokens"):
        await sender.ask(request("word " * 1_000))
    assert pauses == [1.0]
    assert [event.error.partition(":")[0] for event in only(recorder.events, ModelAnswered)] == [
        "RetryLater",
        "ContextOverflow",
    ]
    assert (await sender.ask(TALK)).text


async def test_a_server_that_is_killed_in_the_middle_is_a_typed_error_and_another_takes_over(server: Server) -> None:
    doomed = Server()
    pool = Pool([doomed.model(), server.model()])
    await pool.start()
    stream = pool.stream(ENDLESS)
    assert isinstance(await anext(stream), TextDelta)
    doomed.kill()
    with pytest.raises(ModelTransient, match=r"broke the connection off|cut the stream"):
        while True:
            await anext(stream)
    assert (await whole(pool.stream(TALK)))[0]
    lonely = doomed.model()
    with pytest.raises(ModelUnavailable):
        await whole(lonely.stream(TALK))
    await lonely.close()
    await pool.close()
    with pytest.raises(ProcessLookupError):
        os.kill(doomed.process.pid, 0)
