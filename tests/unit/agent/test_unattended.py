from pathlib import Path

import pytest

from hybridcode.domain.action import Approve
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan
from hybridcode.gate.approvers import Scripted
from tests.support.repos import git_repository
from tests.support.sessions import Scene, edit, fence, planning, requests_of

FILES = {"shop.py": "RATE = 3\n", ".github/workflows/ci.yml": "on: push\n"}
HEADING = "# Nobody is here to approve changes of\n"


def stage(tmp_path: Path, files: dict[str, str], **settings: object) -> Scene:
    workspace = git_repository(tmp_path / "shop", files)
    plan = planning(Plan((edit("rate", "shop.py#RATE"),)))
    return Scene(workspace, plan, {"draft": [fence("RATE = 5")]}, settings=settings)


async def told(it: Scene) -> str:
    assert (await it.run()).code == ExitCode.DONE
    assert it.session is not None
    return requests_of(it.session, "plan")[0][-1].content


async def test_a_planner_that_nobody_attends_is_told_what_only_a_person_may_change(tmp_path: Path):
    text = await told(stage(tmp_path, FILES))
    assert f"{HEADING}.github/workflows/ci.yml\nA step there would wait" in text
    assert text.index(HEADING) < text.index("# Task\n")


async def test_many_such_files_are_counted(tmp_path: Path):
    text = await told(stage(tmp_path, FILES | {f".github/workflows/w{n}.yml": "on: push\n" for n in range(9)}))
    assert "w0.yml" in text and "w4.yml and 4 more\n" in text


@pytest.mark.parametrize("how", ["a person", "unsafe", "no such file"])
async def test_else_it_is_told_nothing(tmp_path: Path, how: str):
    files = {"shop.py": FILES["shop.py"]} if how == "no such file" else FILES
    it = stage(tmp_path, files, **({"approval.mode": "bypass"} if how == "unsafe" else {}))
    if how == "a person":
        it.make_approver = lambda approvals, sandbox: Scripted([lambda one: Approve(one.digest, "script")])
    assert HEADING not in await told(it)
