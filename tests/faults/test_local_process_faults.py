"""Whatever becomes of the model's process, a request ends in an answer or an error, and nothing of it is left."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hybridcode.config.settings import LocalSettings
from hybridcode.domain.errors import ModelCrashed, ModelError, ModelTransient, ModelUnavailable
from hybridcode.domain.model import ModelInfo, TextDelta
from hybridcode.models.framing import LoadGguf, LoadServer
from hybridcode.models.host import ChildCommand
from hybridcode.models.hosted import HostedModel
from hybridcode.models.local import LlamaCppModel
from hybridcode.models.sender import Sender, SendPolicy
from hybridcode.models.streams import close_stream
from tests.support.gguf_files import endless, tiny_file
from tests.support.local_models import (
    LONG_PROMPT,
    answers,
    children,
    local_model,
    long_request,
    nothing_left,
    state_of,
)
from tests.support.requests_to_models import MemoryRecorder, request, whole

pytestmark = [
    pytest.mark.llama,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
    pytest.mark.timeout(60),
]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "endless.gguf"
    path.write_bytes(endless(tiny_file().read_bytes()))
    return path


@pytest.fixture
async def model(path: Path) -> AsyncIterator[LlamaCppModel]:
    async with local_model(path, n_ctx=4096, timeout_s=2.0) as model:
        yield model


def pid_of(model: HostedModel) -> int:
    assert model.pid is not None
    return model.pid


async def first_child() -> int:
    for _ in range(2_000):
        if found := children():
            return found[0]
        await asyncio.sleep(0.005)
    raise AssertionError("no child was started")


async def in_the_middle(model: HostedModel, phase: str, number: int) -> None:
    """Send a signal to the child while it is in a phase of a request, and take in how that ends."""
    match phase:
        case "idle":
            await model.start()
            os.kill(pid_of(model), number)
            if number == signal.SIGKILL:
                await nothing_left()
                await asyncio.sleep(0.1)
            await answers(model)
        case "loading":
            starting = asyncio.create_task(model.start())
            os.kill(await first_child(), number)
            await starting
        case "prefill":
            await model.start()
            asking = asyncio.create_task(whole(model.stream(request(LONG_PROMPT, max_output_tokens=4))))
            await asyncio.sleep(0.1)
            os.kill(pid_of(model), number)
            await asking
        case _:
            stream = model.stream(long_request())
            assert isinstance(await anext(stream), TextDelta)
            os.kill(pid_of(model), number)
            async for _ in stream:
                pass


@pytest.mark.parametrize("phase", ["loading", "prefill", "answer"])
async def test_a_child_that_is_killed_is_an_error_and_the_next_request_is_answered(
    model: LlamaCppModel, phase: str
) -> None:
    with pytest.raises(ModelCrashed, match="SIGKILL") as caught:
        await in_the_middle(model, phase, signal.SIGKILL)
    assert caught.value.hint
    assert model.pid is None
    await nothing_left()
    assert await answers(model)


async def test_a_child_that_dies_between_two_requests_is_replaced_silently(model: LlamaCppModel) -> None:
    await in_the_middle(model, "idle", signal.SIGKILL)
    assert len(children()) == 1


@pytest.mark.parametrize("phase", ["idle", "prefill", "answer"])
async def test_a_child_that_is_stopped_is_killed_after_the_configured_time(model: LlamaCppModel, phase: str) -> None:
    started = time.monotonic()
    with pytest.raises(ModelCrashed, match="no sign of life for 2 s"):
        await in_the_middle(model, phase, signal.SIGSTOP)
    assert 1.9 < time.monotonic() - started < 12
    assert model.pid is None
    await nothing_left()
    assert await answers(model)


async def test_a_child_that_is_stopped_while_it_starts_is_killed_too(path: Path) -> None:
    load = LoadGguf(LocalSettings(path=str(path), n_ctx=512))
    model = HostedModel(
        ModelInfo("m", "local"), ChildCommand("hybridcode.models.local_host", load, first_sign_s=1.5, loading_s=30)
    )
    with pytest.raises(ModelCrashed, match=r"no sign of life for 1\.5 s"):
        await in_the_middle(model, "loading", signal.SIGSTOP)
    await nothing_left()
    await model.close()


async def test_loading_that_never_ends_is_given_up() -> None:
    model = rude(loading_s=2.0, RUDE_SLEEP="60")
    with pytest.raises(ModelCrashed, match="did not load its model within 2 s"):
        await model.start()
    await nothing_left()
    await model.close()


async def test_a_slow_child_that_lives_is_waited_for() -> None:
    model = rude(timeout_s=2.0)
    assert (await whole(model.stream(request("block:3.5 say:late"))))[0] == "late"
    await model.close()


async def test_the_sender_gives_a_stopped_child_up_and_the_retry_has_a_new_one(path: Path) -> None:
    async with local_model(path) as model:
        await model.start()
        first = pid_of(model)
        os.kill(first, signal.SIGSTOP)
        policy = SendPolicy(max_input_tokens=None, max_retries=1, timeout_s=4.0)
        sender = Sender(model, MemoryRecorder(), policy=policy, sleep=lambda _: asyncio.sleep(0))
        assert (await sender.ask(request("hi", max_output_tokens=8))).text
        assert pid_of(model) != first
        assert not state_of(first)
        os.kill(pid_of(model), signal.SIGSTOP)
        once = Sender(model, MemoryRecorder(), policy=SendPolicy(max_input_tokens=None, max_retries=0, timeout_s=1.0))
        with pytest.raises(ModelTransient, match="no progress for 1 s"):
            await once.ask(request("hi", max_output_tokens=8))


async def test_a_stopped_child_does_not_keep_a_session_from_closing(path: Path) -> None:
    async with local_model(path) as model:
        await model.start()
        os.kill(pid_of(model), signal.SIGSTOP)
        started = time.monotonic()
    assert time.monotonic() - started < 4


async def test_three_deaths_are_one_too_many(model: LlamaCppModel) -> None:
    for _ in range(2):
        with pytest.raises(ModelCrashed, match="SIGKILL"):
            await in_the_middle(model, "answer", signal.SIGKILL)
    with pytest.raises(ModelCrashed, match="2 times in a row") as caught:
        await answers(model)
    assert "doctor" in caught.value.hint
    assert not children()


async def test_closing_at_any_moment_of_loading_leaves_nothing(path: Path) -> None:
    for moment in range(8):
        async with local_model(path) as model:
            starting = asyncio.create_task(model.start())
            await asyncio.sleep(moment * 0.06)
            started = time.monotonic()
            await model.close()
            assert time.monotonic() - started < 3
            ended = await asyncio.gather(starting, return_exceptions=True)
            assert not isinstance(ended[0], BaseException) or isinstance(ended[0], ModelError)
        assert not children()


async def test_cancelling_in_prefill_and_in_the_answer_is_soon_over(model: LlamaCppModel) -> None:
    await answers(model)
    pid = model.pid
    for asked, pause in ((request(LONG_PROMPT, max_output_tokens=4), 0.1), (long_request(), 0.3)):
        stream = model.stream(asked)
        receiving = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(pause)
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)
        started = time.monotonic()
        await close_stream(stream)
        await answers(model)
        assert time.monotonic() - started < 1.5
        assert model.pid == pid


def rude(*, timeout_s: float = 300.0, loading_s: float = 60.0, **environment: str) -> HostedModel:
    load = LoadServer(LocalSettings(timeout_s=timeout_s))
    command = ChildCommand("tests.support.rude_child", load, environment, loading_s=loading_s)
    return HostedModel(ModelInfo("rude", "local"), command)


async def test_a_process_that_the_child_let_go_does_not_hold_anybody_up() -> None:
    model = rude()
    stream = model.stream(request("spawn_free:now"))
    piece = await anext(stream)
    assert isinstance(piece, TextDelta)
    try:
        os.kill(pid_of(model), signal.SIGKILL)
        async with asyncio.timeout(5):
            with pytest.raises(ModelCrashed, match="SIGKILL"):
                await anext(stream)
            await model.close()
        await nothing_left()
    finally:
        os.kill(int(piece.text), signal.SIGKILL)


@pytest.mark.parametrize("order", ["garbage:1", "garbage:100000"])
async def test_a_child_that_writes_what_is_no_frame_is_ended_and_replaced(order: str) -> None:
    model = rude()
    with pytest.raises(ModelCrashed, match="no message"):
        await whole(model.stream(request(order)))
    assert (await whole(model.stream(request("say:again"))))[0] == "again"
    await model.close()
    await nothing_left()


async def test_a_frame_that_is_begun_and_never_ended_is_silence() -> None:
    model = rude(timeout_s=2.0)
    with pytest.raises(ModelCrashed, match="no sign of life"):
        await whole(model.stream(request("begin:one")))
    await model.close()
    await nothing_left()


async def test_a_child_that_floods_its_output_still_answers() -> None:
    model = rude()
    assert (await whole(model.stream(request("shout:100 say:done"))))[0] == "done"
    with pytest.raises(ModelCrashed) as caught:
        await whole(model.stream(request("shout:3 complain:last signal:SIGABRT")))
    assert "last" in caught.value.message
    assert len(caught.value.message) < 3_000
    await model.close()
    await nothing_left()


async def test_half_a_character_in_an_answer_does_not_lose_the_rest() -> None:
    model = rude()
    assert (await whole(model.stream(request("half:now say:!"))))[0] == "half ? a character!"
    await model.close()


async def test_a_request_that_cannot_be_written_down_is_an_error_and_the_child_lives() -> None:
    model = rude()
    await model.start()
    pid = model.pid
    for words in ("half \ud800", "x" * 68_000_000):
        with pytest.raises(ModelError, match="cannot be told"):
            await whole(model.stream(request(words)))
    assert (await whole(model.stream(request("say:x"))))[0] == "x"
    assert model.pid == pid
    await model.close()


PREAMBLE = """
import asyncio, json, os, resource, signal, sys
from hybridcode.config.settings import LocalSettings
from hybridcode.domain.errors import ModelError
from hybridcode.models.local import LlamaCppModel
from tests.support.local_models import answers, children

async def outcome(model):
    try:
        return ["answer", await answers(model)]
    except ModelError as error:
        return [type(error).__name__, error.message, error.hint]

async def main():
    model = LlamaCppModel(LocalSettings(path=sys.argv[1], n_ctx=512))
"""


async def in_a_script(tmp_path: Path, model_path: Path, body: str, *, code: int = 0) -> list[Any]:
    """Run a parent of its own, whose limits may be lowered; each line it prints is a JSON value."""
    script = tmp_path / "parent.py"
    script.write_text(PREAMBLE + textwrap.indent(textwrap.dedent(body), "    ") + "\nasyncio.run(main())\n")
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, script, model_path],
        capture_output=True,
        text=True,
        timeout=40,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == code, done.stderr[-3_000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


async def test_a_limit_of_memory_is_an_error_or_an_answer(tmp_path: Path) -> None:
    body = """
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    for mib in (60, 250, 500, 4000):
        model = LlamaCppModel(LocalSettings(path=sys.argv[1], n_ctx=512))
        resource.setrlimit(resource.RLIMIT_AS, (mib << 20, hard))
        result = await outcome(model)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
        await model.close()
        print(json.dumps([*result, children()]), flush=True)
    """
    ended = await in_a_script(tmp_path, tiny_file(), body)
    errors = {ModelUnavailable.__name__, ModelCrashed.__name__, ModelError.__name__}
    assert {end[0] for end in ended[:-1]} <= errors | {"answer"}
    assert ended[0][0] in errors
    assert ended[-1][0] == "answer"
    assert all(end[-1] == [] for end in ended)


async def test_no_process_can_be_started(tmp_path: Path) -> None:
    body = """
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
    if os.geteuid() == 0:
        os.setuid(65534)
    print(json.dumps(await outcome(model)))
    print(json.dumps(children()))
    await model.close()
    """
    error, left = await in_a_script(tmp_path, tiny_file(), body)
    assert error[0] == ModelUnavailable.__name__, error
    assert "cannot be started" in error[1]
    assert "ulimit" in error[2]
    assert left == []


async def test_no_file_can_be_opened_and_later_again(tmp_path: Path) -> None:
    body = """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    open_now = len(os.listdir("/proc/self/fd"))
    for more in range(0, 9, 2):
        model = LlamaCppModel(LocalSettings(path=sys.argv[1], n_ctx=512))
        resource.setrlimit(resource.RLIMIT_NOFILE, (open_now - 1 + more, hard))
        result = await outcome(model)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if not children():  # a child that runs has the limit still
            result = [result[0], *await outcome(model)]
        await model.close()
        print(json.dumps([result, children()]))
    """
    ended = await in_a_script(tmp_path, tiny_file(), body)
    assert {result[0] for result, _ in ended} <= {ModelUnavailable.__name__, ModelCrashed.__name__, "answer"}
    assert ended[0][0][:2] == [ModelUnavailable.__name__, "answer"]
    assert all(left == [] for _, left in ended)


async def test_a_parent_that_dies_while_loading_leaves_nothing(tmp_path: Path) -> None:
    body = """
    starting = asyncio.create_task(model.start())
    while not children():
        await asyncio.sleep(0.005)
    await asyncio.sleep(float(os.environ["PAUSE"]))
    print(json.dumps(children()), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    """
    for pause in ("0", "0.15", "0.3"):
        os.environ["PAUSE"] = pause
        ((pid,),) = await in_a_script(tmp_path, tiny_file(), body, code=-signal.SIGKILL)
        limit = time.monotonic() + 5
        while state_of(int(pid)) not in ("", "Z"):
            assert time.monotonic() < limit
            await asyncio.sleep(0.02)
