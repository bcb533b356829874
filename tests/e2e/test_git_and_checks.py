from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.chat_server import ChatServer, Exchange
from tests.support.commits import shown, status
from tests.support.processes import Program
from tests.support.repos import git
from tests.support.role_server import by_role

FILES = {
    "shop.py": "RATE = 3\n",
    "check.py": "import shop\nassert shop.RATE == 5\n",
    "Makefile": "test:\n\tpython3 check.py\n",
    ".gitignore": "__pycache__/\n",
}
ASK = {"q": [{"q": "Which rate?", "o": ["five"]}]}


@pytest.fixture
def files() -> Mapping[str, str]:
    return FILES


def asking_back(exchange: Exchange) -> None:
    is_answered = "# The person answers" in exchange.body["messages"][1]["content"]
    (by_role() if is_answered else by_role(plan=ASK))(exchange)


def run(program: Program, repo: Path, *more: str):
    return program.run("run", *more, "--output-format", "json", cwd=repo)


def test_a_headless_run_commits_and_an_undo_reverts_in_a_new_commit(program: Program, repo: Path):
    done = run(program, repo, "set the rate", "--yes", "--set", "git.commit=session", "--test-cmd", "python3 check.py")
    assert done.code == 0, done.err + done.out
    (made,) = done.json["commits"]
    assert (made["commit"], made["branch"]) == (git(repo, "rev-parse", "HEAD").strip(), "main")
    assert (shown(repo), status(repo)) == ({"shop.py": "M"}, [])
    undone = program.run("undo", "--commit", "--json", cwd=repo)
    assert undone.code == 0, undone.err
    assert undone.json["reverted_by"] == git(repo, "rev-parse", "HEAD").strip()
    assert git(repo, "rev-parse", "HEAD^").strip() == made["commit"]
    assert (git(repo, "show", "HEAD:shop.py"), status(repo)) == ("RATE = 3\n", [])


def test_a_detected_check_is_named_with_the_flag_and_not_run(program: Program, repo: Path):
    done = run(program, repo, "set the rate", "--yes")
    assert done.json["verification"]["checks"] == []
    assert any("--test-cmd 'make test'" in notice["hint"] for notice in done.json["notices"])


def test_questions_end_with_4_and_the_next_prompt_answers_them(program: Program, repo: Path, server: ChatServer):
    server.answer = asking_back
    done = run(program, repo, "set the rate", "--yes")
    assert (done.code, done.json["exit_reason"]) == (4, "approval_pending")
    assert "Which rate?" in done.json["message"]
    done = run(program, repo, "five", "--yes", "-r", done.json["session_id"])
    assert (done.code, done.json["files"]) == (0, ["shop.py"]), done.err


def test_init_offers_what_the_files_tell(program: Program, repo: Path):
    done = program.run("init", cwd=repo, stdin="\n-\n\n")
    assert done.code == 0, done.err
    assert "make test  (Makefile has the target test)" in done.err
    assert 'test_cmd = "make test"' in (repo / ".hybridcode/config.toml").read_text()
