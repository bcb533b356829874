import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hybridcode.config.settings import LocalSettings
from hybridcode.domain.errors import ModelCrashed, ModelError, ModelUnavailable
from hybridcode.domain.model import ModelInfo, TextDelta
from hybridcode.models.framing import LoadServer
from hybridcode.models.host import ChildCommand
from hybridcode.models.hosted import HostedModel
from hybridcode.models.streams import close_stream
from tests.support.requests_to_models import request, whole


def rude(**environment: str) -> HostedModel:
    command = ChildCommand("tests.support.rude_child", LoadServer(LocalSettings()), environment)
    return HostedModel(ModelInfo("rude", "local"), command)


@pytest.fixture
async def model() -> AsyncIterator[HostedModel]:
    model = rude()
    yield model
    await model.close()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def ends(pid: int) -> None:
    for _ in range(200):
        if not is_running(pid):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"process {pid} is still running")


async def test_a_child_that_is_killed_mid_answer_is_an_error_and_starts_again(model: HostedModel) -> None:
    stream = model.stream(request("say:hello block:30"))
    assert await anext(stream) == TextDelta("hello")
    pid = model.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ModelCrashed, match="SIGKILL"):
        await anext(stream)
    assert not is_running(pid)
    assert (await whole(model.stream(request("say:again"))))[0] == "again"
    assert model.pid != pid


async def test_the_signal_and_the_last_words_are_in_the_message(model: HostedModel) -> None:
    with pytest.raises(ModelCrashed, match="SIGSEGV") as caught:
        await whole(model.stream(request("complain:GGML_ASSERT_failed signal:SIGSEGV")))
    assert "GGML_ASSERT_failed" in caught.value.message
    assert "n_ctx" in caught.value.hint


async def test_a_child_that_exits_says_with_which_code(model: HostedModel) -> None:
    with pytest.raises(ModelCrashed, match="exited with code 3"):
        await whole(model.stream(request("exit:3")))


async def test_two_deaths_in_a_row_are_enough(model: HostedModel) -> None:
    for _ in range(2):
        with pytest.raises(ModelCrashed, match="SIGABRT"):
            await whole(model.stream(request("signal:SIGABRT")))
    with pytest.raises(ModelCrashed, match="2 times in a row"):
        await whole(model.stream(request("say:x")))
    assert model.pid is None


async def test_an_answer_in_between_forgives_a_death(model: HostedModel) -> None:
    for _ in range(3):
        with pytest.raises(ModelCrashed, match="SIGABRT"):
            await whole(model.stream(request("signal:SIGABRT")))
        assert (await whole(model.stream(request("say:x"))))[0] == "x"


async def test_all_calls_of_a_child_that_dies_are_told_and_counted_once(model: HostedModel) -> None:
    calls = [asyncio.create_task(whole(model.stream(request("say:x block:0.2 signal:SIGABRT")))) for _ in range(3)]
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(error) for error in ended] == [ModelCrashed] * 3
    assert (await whole(model.stream(request("say:x"))))[0] == "x"


async def test_a_death_while_loading_has_the_last_words() -> None:
    model = rude(RUDE_AT_LOAD="die")
    with pytest.raises(ModelCrashed, match="SIGABRT") as caught:
        await model.start()
    assert "the weights are cursed" in caught.value.message
    await model.close()


async def test_a_refusal_to_load_is_an_error_each_time_and_no_crash() -> None:
    model = rude(RUDE_AT_LOAD="refuse")
    for _ in range(3):
        with pytest.raises(ModelUnavailable, match="not today") as caught:
            await whole(model.stream(request("say:x")))
        assert caught.value.hint == "try tomorrow"
        assert model.pid is None
    await model.close()


async def test_what_libraries_print_does_not_reach_the_frames(model: HostedModel) -> None:
    assert (await whole(model.stream(request("print:hello say:ok"))))[0] == "ok"


async def test_an_exception_in_the_child_is_an_error_and_the_child_lives(model: HostedModel) -> None:
    with pytest.raises(ModelCrashed, match="ValueError in the model's process: oops"):
        await whole(model.stream(request("raise:oops")))
    pid = model.pid
    assert (await whole(model.stream(request("say:x"))))[0] == "x"
    assert model.pid == pid


async def test_pieces_leave_at_most_thirty_times_a_second(model: HostedModel) -> None:
    await model.start()
    started, pieces = time.monotonic(), 0
    async for chunk in model.stream(request("flood:200")):
        pieces += isinstance(chunk, TextDelta)
    assert 2 <= pieces <= 31 * (time.monotonic() - started) + 2


async def test_a_cancelled_start_goes_on_loading() -> None:
    model = rude(RUDE_SLEEP="0.3")
    starting = asyncio.create_task(model.start())
    await asyncio.sleep(0.1)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert (await model.start()).name == "rude"
    await model.close()


async def test_close_while_loading_leaves_nothing_behind() -> None:
    model = rude(RUDE_SLEEP="30")
    starting = asyncio.create_task(model.start())
    await asyncio.sleep(0.4)
    await model.close()
    with pytest.raises(ModelError, match="closed"):
        await starting
    assert model.pid is None


async def test_what_the_child_started_is_killed_with_it(model: HostedModel) -> None:
    stream = model.stream(request("spawn:now"))
    piece = await anext(stream)
    assert isinstance(piece, TextDelta)
    grandchild, child = int(piece.text), model.pid
    assert child is not None
    os.kill(child, signal.SIGSTOP)
    await close_stream(stream)
    await model.close()
    await ends(grandchild)
    assert not is_running(child)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG and /proc are Linux's")
async def test_a_child_ends_with_its_parent_even_in_native_code(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import asyncio, os, signal\n"
        "from tests.faults.test_models_crash import rude\n"
        "from tests.support.requests_to_models import request\n"
        "async def main():\n"
        "    model = rude()\n"
        "    stream = model.stream(request('say:x block:60'))\n"
        "    await anext(stream)\n"
        "    print(model.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    done = await asyncio.to_thread(subprocess.run, [sys.executable, script], capture_output=True, text=True, timeout=20)
    assert done.returncode == -signal.SIGKILL
    await ends(int(done.stdout))
