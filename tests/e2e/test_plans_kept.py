import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chat_server import Answer, ChatServer, Exchange, say, serving
from tests.support.processes import Done, Program, with_one_server
from tests.support.repos import git_repository

FILES = {"shop.py": "RATE = 3\nNAME = 'shop'\n", "check.py": "import shop\nassert shop.RATE == 5\n"}
PLAN = json.dumps({"s": [{"t": ["shop.py#RATE"], "g": "Set RATE to 5."}, {"t": ["shop.py#NAME"], "g": "Name it."}]})


def by_role(roles: list[str]) -> Answer:
    def answer(exchange: Exchange) -> None:
        system = exchange.body["messages"][0]["content"]
        roles.append("plan" if system.startswith("You plan") else "other")
        text = "good" if system.startswith("You judge") else "```python\nRATE = 5\n```"
        say(PLAN if system.startswith("You plan") else text, usage=(400, 20))(exchange)

    return answer


@pytest.fixture
def roles() -> list[str]:
    return []


@pytest.fixture
def server(roles: list[str]) -> Iterator[ChatServer]:
    with serving() as chat:
        chat.answer = by_role(roles)
        yield chat


@pytest.fixture
def program(tmp_path: Path, server: ChatServer) -> Program:
    return with_one_server(tmp_path / "home", server.base_url, frontier="timeout_s = 20\nmax_retries = 0")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", FILES)


def run(program: Program, repo: Path, *more: str) -> Done:
    return program.run("run", *more, cwd=repo)


def test_a_plan_is_saved_edited_and_followed_without_asking_for_another(
    program: Program, repo: Path, roles: list[str], tmp_path: Path
):
    plan = tmp_path / "plan.toml"
    done = run(program, repo, "set the rate", "--plan-only", "--save-plan", str(plan), "--test-cmd", "python3 check.py")
    assert done.code == 0, done.err
    assert f"hybridcode run --plan {plan} follows it" in done.err
    assert (repo / "shop.py").read_text() == FILES["shop.py"]
    kept = tomllib.loads(plan.read_text())
    assert (kept["task"], [step["id"] for step in kept["steps"]]) == ("set the rate", ["1", "2"])
    plan.write_text(plan.read_text().partition('[[steps]]\nid = "2"')[0])
    roles.clear()
    done = run(program, repo, "--plan", str(plan), "--yes", "--test-cmd", "python3 check.py", "--output-format", "json")
    assert done.code == 0, done.err + done.out
    assert (done.json["task"], [step["id"] for step in done.json["steps"]]) == ("set the rate", ["1"])
    assert (repo / "shop.py").read_text() == FILES["shop.py"].replace("3", "5")
    assert "plan" not in roles


def test_a_plan_whose_places_are_gone_is_refused_with_a_reason_for_each_step(
    program: Program, repo: Path, roles: list[str], tmp_path: Path
):
    plan = tmp_path / "plan.json"
    assert run(program, repo, "set the rate", "--dry-run", "--save-plan", str(plan)).code == 0
    (repo / "shop.py").write_text("NAME = 'shop'\n")
    steps = json.loads(plan.read_text())
    steps["steps"][1]["touches"] = ["gone.py"]
    plan.write_text(json.dumps(steps))
    roles.clear()
    done = run(program, repo, "--plan", str(plan), "--yes", "--output-format", "json")
    assert (done.code, roles) == (2, [])
    assert "step 1: " in done.json["message"] and "RATE" in done.json["message"]
    assert "step 2: there is no file gone.py" in done.json["message"]


def test_a_file_that_is_there_already_is_refused_before_anything_is_asked(
    program: Program, repo: Path, roles: list[str], tmp_path: Path
):
    (tmp_path / "plan.toml").write_text("mine\n")
    done = run(program, repo, "set the rate", "--plan-only", "--save-plan", str(tmp_path / "plan.toml"))
    assert (done.code, roles) == (2, [])
    assert "is there already" in done.err
    assert (tmp_path / "plan.toml").read_text() == "mine\n"
