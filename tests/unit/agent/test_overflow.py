from pathlib import Path
from typing import Any

import pytest

from hybridcode.domain.errors import ContextOverflow
from hybridcode.domain.events import ModelAsked, NoticeGiven, WindowAssembled
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan
from hybridcode.models.faulty import Fail, FaultyModel
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.models import Models
from tests.support.repos import git_repository
from tests.support.sessions import FRONTIER, LOCAL, Scene, edit, fence, planning

MANY = {
    f"part_{n}.py": "".join(f"def use_{n}_{k}(total):\n    return total + {k}\n\n" for k in range(40)) for n in range(9)
}


STEP = edit("1", "a.py#TOTAL", reads=tuple(MANY)[:5])


def overflow(over: int | None = None) -> Fail:
    error = ContextOverflow("The prompt has 9,000 tokens; the context holds 8,000.")
    error.over = over
    return Fail(error)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", {"a.py": "TOTAL = 1\n", **MANY})


def scene(workspace: Path, *, drafts: dict[int, Fail] | None = None, plans: dict[int, Fail] | None = None) -> Scene:
    frontier = FaultyModel(ScriptedModel(FRONTIER, planning(Plan((STEP,)))), plans or {})
    local = FaultyModel(ScriptedModel(LOCAL, {"draft": [fence("TOTAL = 2")]}), drafts or {})
    return Scene(workspace, models=Models(frontier, local), settings={"routing.draft": "off"})


def events(it: Scene, kind: type[Any]) -> list[Any]:
    assert it.session is not None
    return [e.event for e in it.session.state.envelopes if isinstance(e.event, kind)]


@pytest.mark.parametrize("over", [None, 250])
async def test_a_window_that_does_not_fit_is_assembled_anew_with_less(workspace: Path, over: int | None):
    it = scene(workspace, drafts={1: overflow(over), 2: overflow(over)})
    assert (await it.run("change TOTAL and its use")).code == ExitCode.DONE
    windows = events(it, WindowAssembled)
    used = [window.used for window in windows]
    assert len(used) == 3
    assert used[0] > used[1] > used[2]
    if over is not None:
        assert used[0] - used[1] >= over
    assert len([notice for notice in events(it, NoticeGiven) if "made smaller" in notice.text]) == 2
    assert (workspace / "a.py").read_text() == "TOTAL = 2\n"


async def test_where_nothing_is_left_to_leave_out_the_overflow_is_said(workspace: Path):
    it = scene(workspace, drafts={n: overflow(3_000) for n in range(1, 20)})
    result = await it.run("change TOTAL and its use")
    assert result.code != ExitCode.DONE
    assert len(events(it, WindowAssembled)) < 8


async def test_the_planners_outline_gets_smaller_too(workspace: Path):
    it = scene(workspace, plans={1: overflow(900)})
    assert (await it.run("change TOTAL and its use")).code == ExitCode.DONE
    sizes = [event.prompt_bytes for event in events(it, ModelAsked) if event.role == "plan"]
    assert len(sizes) == 2
    assert sizes[0] - sizes[1] >= 900 * 3


async def test_the_planner_never_sends_the_same_prompt_again(tmp_path: Path):
    small = git_repository(tmp_path / "small", {"a.py": "TOTAL = 1\n"})
    it = scene(small, plans={n: overflow() for n in range(1, 30)})
    assert (await it.run("change TOTAL")).code != ExitCode.DONE
    digests = [event.prompt_sha256 for event in events(it, ModelAsked) if event.role == "plan"]
    assert len(digests) == len(set(digests))
