import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.chat_server import Answer, ChatServer
from tests.support.processes import Done, Program
from tests.support.role_server import by_role, was_asked_for_a_plan

FILES = {"shop.py": "RATE = 3\nNAME = 'shop'\n", "check.py": "import shop\nassert shop.RATE == 5\n"}
PLAN = {"s": [{"t": ["shop.py#RATE"], "g": "Set RATE to 5."}, {"t": ["shop.py#NAME"], "g": "Name it."}]}


@pytest.fixture
def files() -> Mapping[str, str]:
    return FILES


@pytest.fixture
def answer() -> Answer:
    return by_role(plan=PLAN)


def run(program: Program, repo: Path, *more: str) -> Done:
    return program.run("run", *more, cwd=repo)


def test_a_plan_is_saved_edited_and_followed_without_asking_for_another(
    program: Program, repo: Path, server: ChatServer, tmp_path: Path
):
    plan = tmp_path / "plan.toml"
    done = run(program, repo, "set the rate", "--plan-only", "--save-plan", str(plan), "--test-cmd", "python3 check.py")
    assert done.code == 0, done.err
    assert f"hybridcode run --plan {plan} follows it" in done.err
    assert (repo / "shop.py").read_text() == FILES["shop.py"]
    kept = tomllib.loads(plan.read_text())
    assert (kept["task"], [step["id"] for step in kept["steps"]]) == ("set the rate", ["1", "2"])
    plan.write_text(plan.read_text().partition('[[steps]]\nid = "2"')[0])
    server.asked.clear()
    done = run(program, repo, "--plan", str(plan), "--yes", "--test-cmd", "python3 check.py", "--output-format", "json")
    assert done.code == 0, done.err + done.out
    assert (done.json["task"], [step["id"] for step in done.json["steps"]]) == ("set the rate", ["1"])
    assert (repo / "shop.py").read_text() == FILES["shop.py"].replace("3", "5")
    assert server.asked and not was_asked_for_a_plan(server)


def test_a_plan_whose_places_are_gone_is_refused_with_a_reason_for_each_step(
    program: Program, repo: Path, server: ChatServer, tmp_path: Path
):
    plan = tmp_path / "plan.json"
    assert run(program, repo, "set the rate", "--dry-run", "--save-plan", str(plan)).code == 0
    (repo / "shop.py").write_text("NAME = 'shop'\n")
    steps = json.loads(plan.read_text())
    steps["steps"][1]["touches"] = ["gone.py"]
    plan.write_text(json.dumps(steps))
    server.asked.clear()
    done = run(program, repo, "--plan", str(plan), "--yes", "--output-format", "json")
    assert (done.code, server.asked) == (2, [])
    assert "step 1: " in done.json["message"] and "RATE" in done.json["message"]
    assert "step 2: there is no file gone.py" in done.json["message"]


def test_a_file_that_is_there_already_is_refused_before_anything_is_asked(
    program: Program, repo: Path, server: ChatServer, tmp_path: Path
):
    (tmp_path / "plan.toml").write_text("mine\n")
    done = run(program, repo, "set the rate", "--plan-only", "--save-plan", str(tmp_path / "plan.toml"))
    assert (done.code, server.asked) == (2, [])
    assert "is there already" in done.err
    assert (tmp_path / "plan.toml").read_text() == "mine\n"
