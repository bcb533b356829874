"""What a remote planner may not see reaches it neither through a local draft of the plan nor after a failure."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from hybridcode.domain.events import NoticeGiven, PlanMade, PlannerChosen
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.model import ModelRequest
from hybridcode.domain.plan import Plan, Step
from hybridcode.gate.sandbox import probe
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.models import Models
from tests.support.repos import git_repository
from tests.support.sessions import FRONTIER, LOCAL, Scene, as_json, edit, fence

REMOTE = msgspec.structs.replace(FRONTIER, is_remote=True, host="models.example:443")
FILES = {
    "a.py": "A = 1\n",
    "long.py": "".join(f"def f{n}():\n    return {n}\n\n\n" for n in range(400)),
    "secret/ward.py": "def beds():\n    return 'Canary 12'\n",
    "check.py": "import sys\nsys.path.append('secret')\nimport ward\nassert ward.beds() == 3\n",
}
CHECK = "python3 check.py"
DENIED = {"egress.deny_paths": ("secret/",), "approval.allow": (f"Bash(={CHECK})",)}
DRAFT = Plan((edit("1", "a.py#A"), edit("2", "secret/ward.py#beds", needs=("1",))))
TASK = "Decide what A is and how many beds there are."


def scene(workspace: Path, frontier: dict[str, list[str]], local: dict[str, list[str]], **settings: object) -> Scene:
    git_repository(workspace, FILES)
    models = Models(ScriptedModel(REMOTE, frontier), ScriptedModel(LOCAL, local))
    return Scene(workspace, settings={**DENIED, **settings}, models=models)


def sent(it: Scene) -> list[ModelRequest]:
    assert it.models is not None
    assert isinstance(it.models.frontier, ScriptedModel)
    return it.models.frontier.requests


def text_of(requests: list[ModelRequest]) -> str:
    return "\n".join(message.content for request in requests for message in request.messages)


def events(it: Scene, kind: type) -> list[Any]:
    assert it.session is not None
    return [one.event for one in it.session.state.envelopes if isinstance(one.event, kind)]


async def test_a_draft_is_made_from_what_the_frontier_may_see(tmp_path: Path):
    kept = as_json(Plan((edit("1", "a.py#A"),)))
    local = {"plan": ['{"read":["secret/ward.py"]}', as_json(DRAFT), kept], "draft": [fence("A = 2")]}
    it = scene(tmp_path / "ward", {"plan": ['{"ok":true}'], "judge": ["good"]}, local)
    assert (await it.run(TASK)).code == ExitCode.DONE
    assert "ward.py" not in text_of(sent(it))
    (made,) = events(it, PlanMade)
    assert [step.touches for step in made.plan.steps] == [("a.py#A",)]
    assert any("there is no file secret/ward.py" in one.text for one in events(it, NoticeGiven))


async def test_a_small_tasks_plan_that_saw_more_is_no_draft(tmp_path: Path):
    steps = tuple(Step(str(n), "as Canary 12 says", touches=("a.py#A",)) for n in range(4))
    whole = as_json(Plan((edit("1", "a.py#A"),)))
    local = {"plan": [as_json(Plan(steps))], "draft": [fence("A = 2")]}
    it = scene(tmp_path / "ward", {"plan": [whole], "judge": ["good"]}, local, **{"routing.first": "local"})
    assert (await it.run(TASK)).code == ExitCode.DONE
    assert "Canary" not in text_of(sent(it))
    assert events(it, PlannerChosen)[-1].why.endswith("made from files that may not be shown, so it is not told")


@pytest.mark.skipif(probe().kind == "none", reason="this machine has no sandbox")
async def test_after_a_failure_in_a_denied_file_there_is_no_other_plan(tmp_path: Path):
    plan = as_json(Plan((edit("1", "secret/ward.py#beds"),)))
    drafts = [fence(f"def beds():\n    return 'Canary {n}'") for n in range(3)]
    alone = {"routing.first": "local", "routing.frontier_hints": 0, "routing.frontier_tries": 0}
    local = {"plan": [plan], "draft": drafts}
    it = scene(tmp_path / "ward", {"plan": [plan]}, local, **alone, **{"verify.test_cmd": CHECK})
    assert (await it.run(TASK)).code == ExitCode.VERIFICATION_FAILED
    assert sent(it) == []
    assert any("there is no other plan" in one.text for one in events(it, NoticeGiven))
