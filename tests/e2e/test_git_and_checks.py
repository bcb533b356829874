import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chat_server import Answer, ChatServer, Exchange, say, serving
from tests.support.commits import shown, status
from tests.support.processes import Program, with_one_server
from tests.support.repos import git, git_repository

FILES = {
    "shop.py": "RATE = 3\n",
    "check.py": "import shop\nassert shop.RATE == 5\n",
    "Makefile": "test:\n\tpython3 check.py\n",
    ".gitignore": "__pycache__/\n",
}
PLAN = json.dumps({"s": [{"t": ["shop.py#RATE"], "g": "Set RATE to 5."}]})
ASK = json.dumps({"q": [{"q": "Which rate?", "o": ["five"]}]})


def by_role(plan: str) -> Answer:
    def answer(exchange: Exchange) -> None:
        system, user = (message["content"] for message in exchange.body["messages"][:2])
        if system.startswith("You plan"):
            say(PLAN if "# The person answers" in user else plan)(exchange)
        elif system.startswith("You write the message"):
            say("Set the rate to five")(exchange)
        else:
            say("good" if system.startswith("You judge") else "```python\nRATE = 5\n```", usage=(400, 20))(exchange)

    return answer


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving() as chat:
        chat.answer = by_role(PLAN)
        yield chat


@pytest.fixture
def program(tmp_path: Path, server: ChatServer) -> Program:
    return with_one_server(tmp_path / "home", server.base_url, frontier="timeout_s = 20\nmax_retries = 0")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = git_repository(tmp_path / "shop", FILES)
    git(root, "config", "user.name", "Test Author")
    git(root, "config", "user.email", "author@localhost")
    return root


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
    server.answer = by_role(ASK)
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
