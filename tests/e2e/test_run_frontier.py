from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.chat_server import Answer, ChatServer, cut, fail, say
from tests.support.processes import QUICK_TO_FAIL, Program
from tests.support.role_server import by_role

CHECK = ("--test-cmd", "python3 check.py")


@pytest.fixture
def frontier() -> str:
    return QUICK_TO_FAIL


def run(program: Program, repo: Path, *more: str):
    return program.run("run", "set the rate to five", "--output-format", "json", *more, cwd=repo)


def test_a_task_through_a_frontier_and_a_local_server(
    program: Program, repo: Path, server: ChatServer, files: Mapping[str, str]
):
    done = run(program, repo, "--yes", "--plan-first", *CHECK)
    assert done.code == 0, done.err + done.out
    assert (repo / "shop.py").read_text() == files["shop.py"].replace("3", "5")
    ledger = done.json["ledger"]
    assert (ledger["frontier"]["calls"], ledger["local"]["calls"]) == (1, 1)
    assert ledger["frontier"]["input_tokens"] == 400
    assert ledger["frontier"]["usd"] is None
    assert 0 < ledger["local_output_share"] < 1
    assert done.json["egress"]["remote_calls"] == 0
    assert "key-for-tests" not in done.out + done.err
    state = b"".join(path.read_bytes() for path in (program.home / "state").rglob("*") if path.is_file())
    assert b"key-for-tests" not in state


def test_text_output_tells_the_story_and_says_the_cost_is_unknown(program: Program, repo: Path):
    done = program.run("run", "set it", "--yes", "--plan-first", *CHECK, cwd=repo)
    assert done.code == 0, done.err
    assert "+RATE = 5" in done.err
    assert "cost unknown" in done.out
    assert "hybridcode undo" in done.out


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (fail(401, "bad key"), 7, "bad key"),
        (fail(429, "slow down"), 75, "slow down"),
        (fail(500, "it broke"), 75, "it broke"),
        (cut, 75, "cut"),
        (say("I like turtles."), 7, "not a JSON object"),
        (by_role(plan='{"steps":[{"id":"1","goal":"x","touches":["gone.py#f"]}]}'), 7, "there is no file gone.py"),
    ],
    ids=["401", "429", "500", "cut stream", "garbage", "plan names a missing file"],
)
def test_a_frontier_that_fails_is_said_and_changes_nothing(
    program: Program, repo: Path, server: ChatServer, answer: Answer, code: int, words: str, files: Mapping[str, str]
):
    server.answer = answer
    done = run(program, repo, "--yes")
    assert done.code == code, done.err + done.out
    assert words in done.out
    assert (repo / "shop.py").read_text() == files["shop.py"]


def test_a_frontier_that_is_not_there(program: Program, repo: Path):
    done = run(program, repo, "--yes", "--set", "models.frontier.api_base=http://127.0.0.1:9/v1")
    assert done.code in (7, 75)
    assert "127.0.0.1:9" in done.out


def test_a_missing_key_is_named(program: Program, repo: Path):
    program.env.pop("LOOP_KEY")
    done = run(program, repo, "--yes")
    assert done.code == 7
    assert "LOOP_KEY" in done.out + done.err


@pytest.mark.parametrize(
    "content", [None, b"", b"GGUF", b"not a model at all" * 100], ids=["missing", "empty", "cut", "text"]
)
def test_a_bad_gguf_goes_to_the_next_rung(program: Program, repo: Path, tmp_path: Path, content: bytes | None):
    path = tmp_path / "model.gguf"
    if content is not None:
        path.write_bytes(content)
    settings = ("--set", f"models.local.path={path}", "--set", "models.local.base_url=")
    done = run(program, repo, "--yes", *CHECK, *settings)
    assert done.code == 0, done.out + done.err
    (step,) = done.json["steps"]
    assert step["writer"] == "frontier"
    assert any("model.gguf" in notice["text"] for notice in done.json["notices"])
