"""A local model that fails loses no step: the next rung is taken, and a run without one ends with its exit code."""

import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hybridcode.config.settings import LocalSettings
from hybridcode.domain.events import ModelAnswered, NoticeGiven, RungTaken
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.model import Chunk, ModelInfo, ModelRequest, TextDelta
from hybridcode.domain.plan import Plan
from hybridcode.domain.ports import Model
from hybridcode.models.local import LlamaCppModel
from hybridcode.models.scripted import ScriptedModel
from hybridcode.models.streams import close_stream
from hybridcode.session.models import Models
from tests.support.gguf_files import endless, tiny_file, with_number, with_template, with_weights
from tests.support.local_models import nothing_left
from tests.support.repos import git_repository
from tests.support.sessions import FRONTIER, Scene, edit, fence, planning

pytestmark = [
    pytest.mark.llama,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
    pytest.mark.timeout(60),
]

TINY = tiny_file().read_bytes()
SHOP = "RATE = 3\n\n\ndef total(items):\n    return sum(items)\n"
STEPS = (edit("rate", "shop.py#RATE"), edit("more", "tax.py#TAX"))


class Doomed:
    """The local model, whose process gets a signal after the first piece of each of its first answers."""

    def __init__(self, model: LlamaCppModel, number: int, *, times: int) -> None:
        self._model, self._number, self._left = model, number, times

    @property
    def info(self) -> ModelInfo:
        return self._model.info

    def route(self) -> Model:
        return self

    async def stream(self, request: ModelRequest) -> AsyncIterator[Chunk]:
        stream = self._model.stream(request)
        try:
            async for chunk in stream:
                if self._left and isinstance(chunk, TextDelta):
                    self._left -= 1
                    assert self._model.pid is not None
                    os.kill(self._model.pid, self._number)
                yield chunk
        finally:
            await close_stream(stream)

    async def close(self) -> None:
        await self._model.close()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", {"shop.py": SHOP, "tax.py": "TAX = 1\n"})


def scene(workspace: Path, path: Path, *, number: int = 0, times: int = 0, **settings: object) -> Scene:
    local = LlamaCppModel(LocalSettings(path=str(path), n_ctx=4096, max_output_tokens=2_000, temperature=5.0))
    drafts = {"draft": [fence("RATE = 5"), fence("TAX = 2")], "hint": ["Set it."] * 2}
    frontier = ScriptedModel(FRONTIER, {**planning(Plan(STEPS)), **drafts})
    models = Models(frontier, Doomed(local, number, times=times))
    more = {"models.local.max_output_tokens": 2_000, "models.local.temperature": 5.0, "approval.mode": "acceptEdits"}
    return Scene(workspace, models=models, settings={**more, **settings})


def events(scene: Scene, kind: type[Any]) -> list[Any]:
    assert scene.session is not None
    return [envelope.event for envelope in scene.session.state.envelopes if isinstance(envelope.event, kind)]


def done_by_the_frontier(scene: Scene) -> None:
    assert (scene.read("shop.py"), scene.read("tax.py")) == (SHOP.replace("3", "5"), "TAX = 2\n")


async def test_a_child_killed_in_each_draft_leaves_its_steps_to_the_frontier(tmp_path: Path, workspace: Path) -> None:
    path = tmp_path / "endless.gguf"
    path.write_bytes(endless(TINY))
    it = scene(workspace, path, number=signal.SIGKILL, times=9)
    outcome = await it.run()
    assert outcome.code == ExitCode.DONE, outcome.message
    done_by_the_frontier(it)
    assert [(rung.step, rung.rung) for rung in events(it, RungTaken)] == [
        ("rate", "local"),
        ("rate", "frontier"),
        ("more", "local"),
        ("more", "frontier"),
    ]
    assert [notice.text for notice in events(it, NoticeGiven) if "SIGKILL" in notice.text]
    await nothing_left()


@pytest.mark.slow
async def test_a_child_stopped_in_a_draft_is_given_up_and_asked_again(tmp_path: Path, workspace: Path) -> None:
    path = tmp_path / "endless.gguf"
    path.write_bytes(endless(TINY))
    it = scene(workspace, path, number=signal.SIGSTOP, times=1, **{"models.local.timeout_s": 3.0})
    outcome = await it.run()
    assert outcome.code == ExitCode.DONE, outcome.message
    done_by_the_frontier(it)
    assert any("no progress for 3 s" in answer.error for answer in events(it, ModelAnswered))
    await nothing_left()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        TINY[: len(TINY) // 2],
        with_weights(TINY, byte=0xFF),
        with_number(TINY, "qwen2.block_count", 0),
        with_template(TINY, "{{ raise_exception('no') }}"),
    ],
    ids=["empty", "cut", "of_nan", "that_aborts", "that_raises"],
)
async def test_a_bad_file_leaves_every_step_to_the_frontier(tmp_path: Path, workspace: Path, data: bytes) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(data)
    it = scene(workspace, path)
    outcome = await it.run()
    assert outcome.code == ExitCode.DONE, outcome.message
    done_by_the_frontier(it)
    assert [rung.rung for rung in events(it, RungTaken)] == ["local", "frontier"] * 2
    assert [notice.level for notice in events(it, NoticeGiven)].count("error") == 2
    await nothing_left()


async def test_without_a_frontier_to_write_the_run_says_that_the_model_is_unavailable(
    tmp_path: Path, workspace: Path
) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(TINY[:-1000])
    it = scene(workspace, path, **{"routing.frontier_tries": 0, "routing.frontier_hints": 0})
    outcome = await it.run()
    assert outcome.code == ExitCode.MODEL_UNAVAILABLE
    assert "bad.gguf" in outcome.message
    assert it.read("shop.py") == SHOP
    await nothing_left()
