from pathlib import Path

import msgspec
import pytest

from hybridcode.domain.model import ModelInfo
from hybridcode.domain.plan import Plan
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.models import Models
from tests.support.repos import git_repository
from tests.support.sessions import FRONTIER, LOCAL, Scene, as_json, edit, fence, requests_of

LONG = "".join(f"def f{n}():\n    value = {n}\n    return value * {n} + offset_{n}\n\n\n" for n in range(170))
ASKS = '{"read":["long.py#L1-850"]}'
PLAN = as_json(Plan((edit("1", "notes.md"),)))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", {"long.py": LONG, "notes.md": "# Notes\n"})


async def shown(workspace: Path, info: ModelInfo, *, is_local: bool) -> str:
    """What the planner is told that asked to see a file of more than 2,000 and less than 4,000 tokens."""
    plan = {"plan": [ASKS, PLAN]}
    frontier = ScriptedModel(FRONTIER, {"judge": ["good"], **({} if is_local else plan)})
    local = ScriptedModel(info, {"draft": [fence("# Notes\n\nYes.", "")], **(plan if is_local else {})})
    role = "local" if is_local else "frontier"
    it = Scene(workspace, models=Models(frontier, local), settings={"roles.plan": role, "routing.draft": "off"})
    outcome = await it.run("Say yes in the notes.")
    assert outcome.code == 0, outcome.message
    assert it.session is not None
    return requests_of(it.session, "plan")[-1][-1].content


@pytest.mark.parametrize(
    ("n_ctx", "is_local", "is_whole"),
    [(None, True, True), (64_000, True, True), (9_000, True, False), (None, False, False)],
)
async def test_the_local_planner_may_see_twice_as_much_where_it_has_room(
    workspace: Path, n_ctx: int | None, is_local: bool, is_whole: bool
) -> None:
    told = await shown(workspace, msgspec.structs.replace(LOCAL, n_ctx=n_ctx), is_local=is_local)
    assert told.startswith("# You asked to see")
    assert ("did not fit" not in told) is is_whole
