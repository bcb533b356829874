from pathlib import Path
from typing import Any

import pytest

from hybridcode.domain.events import ModelAsked, StepEnded
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Step
from tests.support.repos import git_repository
from tests.support.sessions import Scene, edit, fence, planning

FILES = {"shop.py": "RATE = 5\nTAX = 1\n", "check.py": "import shop\nassert shop.RATE == 5\n"}
CHECK = "python3 check.py"
SAME = fence("RATE = 5")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", FILES)


def scene(workspace: Path, step: Step, *answers: str, **more: object) -> Scene:
    frontier = {**planning(Plan((step,))), "judge": ["good"]}
    settings = {"approval.allow": (f"Bash({CHECK})",), "routing.first": "frontier", **more}
    return Scene(workspace, frontier, {"draft": list(answers)}, settings=settings)


def events(it: Scene, kind: type) -> list[Any]:
    assert it.session is not None
    return [envelope.event for envelope in it.session.state.envelopes if isinstance(envelope.event, kind)]


async def test_lines_that_are_right_already_are_done_once_the_check_passes(workspace: Path):
    it = scene(workspace, edit("rate", "shop.py#RATE", check=CHECK), SAME)
    assert (await it.run()).code == ExitCode.DONE
    assert events(it, StepEnded) == [StepEnded("rate", "done", "nothing to change")]
    assert it.read("shop.py") == FILES["shop.py"]


async def test_without_a_check_the_model_must_say_so_twice(workspace: Path):
    it = scene(workspace, edit("rate", "shop.py#RATE"), SAME, SAME)
    assert (await it.run()).code == ExitCode.DONE
    assert events(it, StepEnded)[0].why == "nothing to change"
    assert len([event for event in events(it, ModelAsked) if event.role == "draft"]) == 2


async def test_a_failing_check_is_told_and_the_next_draft_changes_something(workspace: Path):
    (workspace / "check.py").write_text("import shop\nassert shop.RATE == 6\n")
    it = scene(workspace, edit("rate", "shop.py#RATE", check=CHECK), SAME, fence("RATE = 6"))
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == "RATE = 6\nTAX = 1\n"


async def test_a_region_that_stays_does_not_hold_back_the_others(workspace: Path):
    it = scene(workspace, edit("both", "shop.py#RATE", "shop.py#TAX"), SAME, fence("TAX = 2"))
    assert (await it.run()).code == ExitCode.DONE
    assert it.read("shop.py") == "RATE = 5\nTAX = 2\n"
