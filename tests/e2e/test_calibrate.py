import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridcode.config.routing import parse_routing
from hybridcode.gate.sandbox import probe
from tests.support.chat_server import Answer, ChatServer, Exchange, say
from tests.support.history import CHECK, answer_to, history, knowing
from tests.support.processes import QUICK_TO_FAIL, Done, Program
from tests.support.repos import git

NAMED = ("--test-cmd", CHECK)
LOCAL = ("--model", "local", *NAMED)
sandboxed = pytest.mark.skipif(probe().kind not in ("bwrap", "landlock"), reason="no scratch copies here")


def everything(_: str) -> bool:
    return True


def author(knows: Callable[[str], bool]) -> Answer:
    """A server's model that is right for the goals it knows."""

    def answer(exchange: Exchange) -> None:
        prompt = exchange.body["messages"][-1]["content"]
        say(answer_to(prompt, knows), usage=(len(prompt) // 3, 20))(exchange)

    return answer


@pytest.fixture
def frontier() -> str:
    return QUICK_TO_FAIL


@pytest.fixture
def answer() -> Answer:
    return author(everything)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return history(tmp_path / "shop")


def calibrate(program: Program, repo: Path, *more: str, stdin: str = "") -> Done:
    return program.run("calibrate", *more, cwd=repo, stdin=stdin)


def test_a_dry_run_lists_cases_and_the_worst_price_and_does_nothing(program: Program, repo: Path, server: ChatServer):
    done = calibrate(program, repo, "--dry-run", "--json", "--max-cases", "2", *NAMED)
    assert done.code == 0, done.err
    assert [case["title"] for case in done.json["cases"]] == [
        "shop: broken on the way",
        "Count the items",
        "cart: a cart has a total",
        "shop: sum at once",
        "shop: the rate is five",
    ]
    assert {case["check"] for case in done.json["cases"]} == {CHECK}
    assert [each["why"] for each in done.json["left_out"]][:2] == [
        "only comments, blanks or nothing differ",
        "it changes only docs",
    ]
    local, frontier = done.json["worst"]
    assert (local["model"], local["trials"], local["usd"]) == ("local-loop", 2, 0.0)
    assert (frontier["model"], frontier["requests"], frontier["usd"]) == ("openai/loop", 2, None)
    assert frontier["output_tokens"] == 2 * 4_096
    assert server.asked == []
    assert not (program.home / "state").exists()
    text = calibrate(program, repo, "--dry-run", *NAMED, "--set", "models.frontier.input_usd_per_mtok=2.0")
    assert "small edits in python, 4 lines  Count the items" in text.out
    assert "5 cases, 3 left out" in text.err
    assert "tokens out, unknown\n" in text.err


def test_without_a_named_check_or_a_yes_to_the_price_nothing_is_asked(program: Program, repo: Path, server: ChatServer):
    unnamed = calibrate(program, repo)
    assert unnamed.code == 2
    assert "There is no test command that you named" in unnamed.err
    assert not (program.home / "state").exists()
    if probe().kind in ("bwrap", "landlock"):
        nobody = calibrate(program, repo, *NAMED, "--max-cases", "1")
        assert nobody.code == 2, nobody.err
        assert "openai/loop, not a remote model: 1 trial, at most 1 request," in nobody.err
        assert "Nobody agreed to the price" in nobody.err
    assert server.asked == []


def test_somewhere_without_a_history_is_no_place_for_it(program: Program, tmp_path: Path):
    (tmp_path / "bare").mkdir()
    done = calibrate(program, tmp_path / "bare", *NAMED)
    assert done.code == 2
    assert "is not a git repository" in done.err


@sandboxed
def test_the_table_and_routing_toml_at_a_persons_word(program: Program, repo: Path, server: ChatServer):
    server.answer = author(knowing("a cart has a total"))
    done = calibrate(program, repo, *LOCAL, "--max-cases", "2", "--enough", "0.2", "--json")
    assert done.code == 0, done.err
    assert len(server.asked) == 2
    found = [(row["work"]["kind"], row["model"], row["passed"], row["n"]) for row in done.json["table"]]
    assert found == [("small_edit", "local-loop", 0, 1), ("create", "local-loop", 1, 1)], done.json["trials"]
    assert [each["first"] for each in done.json["advice"]] == [None, "local"]
    assert done.json["routing"]["written"] is False
    assert not (repo / ".hybridcode").exists()
    assert git(repo, "status", "--porcelain") == ""

    again = calibrate(program, repo, *LOCAL, "--max-cases", "2", "--enough", "0.2", "--write")
    assert again.code == 0, again.err
    assert len(server.asked) == 2, "nothing is asked twice"
    assert "no trial is left to be made" in again.err
    assert '+first = "local"' in again.err
    assert "it is followed from now on" in again.err
    assert "1 of 1  20-100 %" in again.out
    path = repo / ".hybridcode" / "routing.toml"
    (route,) = parse_routing(path.read_bytes(), path=path).route
    assert (route.kind, route.language, route.first, route.passed, route.tried) == ("create", "python", "local", 1, 1)
    assert git(repo, "status", "--porcelain", "-uall") == "?? .hybridcode/routing.toml\n"
    shown = program.run("config", "show", "--origin", cwd=repo)
    why = "local writes first: routing.toml: new files in python: the local model passed 1 of 1 (20-100 %)"
    assert why in shown.out
    path.write_text(path.read_text().replace('first = "local"', 'first = "frontier"'))
    shown = program.run("config", "show", "--origin", cwd=repo)
    assert "writes first" not in shown.out
    assert "routing.toml is not followed" in shown.err


@sandboxed
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_calibration_says_that_it_can_go_on(
    program: Program, repo: Path, server: ChatServer, number: signal.Signals, code: int
):
    asked, gone = threading.Event(), threading.Event()

    def hang(exchange: Exchange) -> None:
        asked.set()
        gone.wait(60)

    server.answer = hang
    line = [sys.executable, "-m", "hybridcode", "calibrate", *LOCAL, "--max-cases", "1"]
    quiet = subprocess.DEVNULL
    running = subprocess.Popen(
        line, cwd=repo, env=program.environment(), stdin=quiet, stdout=quiet, stderr=subprocess.PIPE, text=True
    )
    try:
        assert asked.wait(60)
        running.send_signal(number)
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
        gone.set()
    assert running.returncode == code, said
    assert "what is done is kept; run it again to go on" in said
    assert "Traceback" not in said
    assert not list((program.home / "cache").glob("hybridcode/scratch/*"))


@sandboxed
def test_a_killed_calibration_goes_on_where_it_was(program: Program, repo: Path, server: ChatServer):
    asked, gone = threading.Event(), threading.Event()

    def hang(exchange: Exchange) -> None:
        if len(server.asked) == 2:
            asked.set()
            gone.wait(60)
        else:
            author(everything)(exchange)

    server.answer = hang
    line = [sys.executable, "-m", "hybridcode", "calibrate", *LOCAL, "--max-cases", "2"]
    quiet = subprocess.DEVNULL
    running = subprocess.Popen(line, cwd=repo, env=program.environment(), stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        assert asked.wait(60)
    finally:
        running.kill()
        running.wait()
        gone.set()
    done = calibrate(program, repo, *LOCAL, "--max-cases", "2", "--json")
    assert done.code == 0, done.err
    prompts = [body["messages"][-1]["content"] for body in server.asked]
    assert len(prompts) == 3, "one before the kill, one lost with it, and that one again"
    assert prompts[0] not in prompts[1:]
    assert prompts[1] == prompts[2]
    assert [trial["ends"] for trial in done.json["trials"]] == [["passed"]] * 2
    assert program.run("audit", "verify", cwd=repo).code == 0
    assert not list((program.home / "cache").glob("hybridcode/scratch/*-*"))
