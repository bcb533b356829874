import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.chat_server import Answer, ChatServer
from tests.support.processes import Program
from tests.support.role_server import by_role

FILES = {
    "shop.py": "RATE = 3\n\n\ndef total(items):\n    return sum(items)\n",
    "check.py": "import shop\nassert shop.RATE == 5\n",
}
PLAN = {"steps": [{"id": "rate", "goal": "Set RATE to 5.", "touches": ["shop.py#RATE"]}], "check": "python3 check.py"}
CHECK = ("--test-cmd", "python3 check.py")


@pytest.fixture
def answer() -> Answer:
    return by_role(plan=PLAN)


@pytest.fixture
def files() -> Mapping[str, str]:
    return FILES


def run(program: Program, repo: Path, *more: str):
    return program.run("run", "set the rate to five", "--output-format", "json", *more, cwd=repo)


def test_without_yes_it_exits_4_with_the_id_and_resumes(program: Program, repo: Path, server: ChatServer):
    done = run(program, repo, *CHECK)
    assert done.code == 4
    (pending,) = done.json["pending_approvals"]
    shown = program.run("approvals", "show", pending["id"], cwd=repo)
    assert "+RATE = 5" in shown.err
    assert program.run("approvals", "approve", pending["id"], cwd=repo).code == 0
    done = program.run("sessions", "resume", "--output-format", "json", *CHECK, cwd=repo)
    assert (done.code, done.json["files"]) == (0, ["shop.py"]), done.err


def test_stream_json_is_the_journal_line_by_line(program: Program, repo: Path):
    done = program.run("run", "set it", "--yes", *CHECK, "--output-format", "stream-json", cwd=repo)
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["seq"] for line in lines[:-1]] == list(range(1, len(lines)))
    assert lines[-1]["type"] == "result"
    stored = program.run("audit", "show", "--lines", cwd=repo)
    assert stored.out.splitlines() == done.out.splitlines()[:-1]


def test_the_prompt_may_come_from_stdin(program: Program, repo: Path):
    done = program.run("run", "-", "--yes", *CHECK, cwd=repo, stdin="set the rate to five\n")
    assert done.code == 0, done.err


def test_a_folder_that_is_not_a_repository_works_and_says_so(program: Program, tmp_path: Path):
    folder = tmp_path / "plain"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    done = run(program, folder, "--yes", *CHECK)
    assert done.code == 0, done.err
    assert any("not a git repository" in notice["text"] for notice in done.json["notices"])


def test_a_dirty_tree_works_says_so_and_keeps_what_was_there(program: Program, repo: Path):
    (repo / "shop.py").write_text(FILES["shop.py"] + "\n# mine\n")
    (repo / "data.bin").write_bytes(bytes(range(256)) * 40)
    done = run(program, repo, "--yes", *CHECK)
    assert done.code == 0, done.err
    assert (repo / "shop.py").read_text() == FILES["shop.py"].replace("3", "5") + "\n# mine\n"
    assert any("uncommitted" in notice["text"] for notice in done.json["notices"])


def test_a_read_only_file_is_not_overwritten(program: Program, repo: Path):
    (repo / "shop.py").chmod(0o444)
    done = run(program, repo, "--yes", *CHECK)
    assert done.code != 0
    assert (repo / "shop.py").read_text() == FILES["shop.py"]


def test_policy_check_prints_the_verdict_and_starts_nothing(program: Program, repo: Path):
    for line, verdict in (("git status", "allow"), ("npm install", "ask"), ("rm -rf /", "deny")):
        done = program.run("policy", "check", "--command", line, "--json", cwd=repo)
        assert done.json["verdict"] == verdict, line


def test_bad_usage_is_exit_2_with_advice(program: Program, repo: Path):
    for arguments in (("run",), ("run", "x", "--set", "nonsense=1"), ("run", "x", "--local-model", "gone.gguf")):
        done = program.run(*arguments, cwd=repo)
        assert done.code == 2, arguments
        assert done.err.strip()


def test_small_commands_print_json(program: Program, repo: Path):
    assert run(program, repo, "--yes", *CHECK).code == 0
    for arguments in (
        ("sessions", "list"),
        ("sessions", "show"),
        ("approvals", "list"),
        ("egress",),
        ("cost",),
        ("audit", "verify"),
        ("config", "show"),
        ("context", "--query", "rate"),
        ("trust", "--show"),
    ):
        done = program.run(*arguments, "--json", cwd=repo)
        assert done.code == 0, (arguments, done.err)
        json.loads(done.out)


def test_the_same_tree_gives_the_same_context(program: Program, repo: Path, tmp_path: Path):
    other = tmp_path / "elsewhere" / "shop"
    other.parent.mkdir()
    subprocess.run(["cp", "-r", str(repo), str(other)], check=True)
    hashes = {program.run("context", "--query", "rate", "--hash", cwd=folder).out for folder in (repo, other)}
    assert len(hashes) == 1


def test_a_run_that_cannot_begin_still_prints_its_result(program: Program, repo: Path):
    (repo / ".hybridcode").mkdir()
    (repo / ".hybridcode" / "config.toml").write_text("this is = = not toml")
    done = run(program, repo, "--yes")
    assert done.code == 2
    assert done.json["exit_reason"] == "usage"
    assert done.json["ledger"]["frontier"]["calls"] == 0


@pytest.mark.parametrize("lines_read", [0, 1, 4])
@pytest.mark.parametrize("output", ["stream-json", "text"])
def test_a_reader_that_goes_away_does_not_stop_the_run(program: Program, repo: Path, output: str, lines_read: int):
    running = program.start("run", "set it", "--yes", *CHECK, "--output-format", output, cwd=repo)
    assert running.stdout is not None
    assert running.stderr is not None
    for _ in range(lines_read):
        (running.stdout if output == "stream-json" else running.stderr).readline()
    running.stdout.close()
    running.stderr.close()
    assert running.wait(60) == 0
    assert (repo / "shop.py").read_text() == FILES["shop.py"].replace("3", "5")


def test_a_reader_that_goes_away_does_not_make_a_failure_a_success(program: Program, repo: Path, server: ChatServer):
    server.answer = by_role(plan="nothing that is a plan")
    running = program.start("run", "set it", "--yes", *CHECK, "--output-format", "json", cwd=repo)
    assert running.stdout is not None
    running.stdout.close()
    assert running.wait(60) == 7


def test_unknown_ids_are_usage_errors(program: Program, repo: Path):
    assert run(program, repo, "--yes", *CHECK).code == 0
    for arguments in (
        ("cost", "nope"),
        ("egress", "nope"),
        ("audit", "show", "nope"),
        ("undo", "nope"),
        ("approvals", "show", "nope"),
        ("sessions", "resume", "nope"),
        ("run", "x", "-r", "nope"),
    ):
        assert program.run(*arguments, cwd=repo).code == 2, arguments
    assert len(program.run("sessions", "list", "--json", cwd=repo).json) == 1


def test_escape_sequences_of_a_plan_never_reach_the_terminal(program: Program, repo: Path, server: ChatServer):
    step = {"id": "rate", "goal": "Set RATE \x1b]0;pwned\x07 to 5.", "touches": ["shop.py#RATE"]}
    server.answer = by_role(plan={"steps": [step]})
    done = program.run("run", "set it", "--yes", *CHECK, cwd=repo)
    assert done.code == 0, done.err
    assert "\x1b]0" not in done.err + done.out
    assert "\x07" not in done.err + done.out


UNBOXED = """
import os, struct, sys
from hybridcode.gate import sandbox_calls, sandbox_kernel
lines = [(0x20, 0, 0, 0), (0x15, 0, 1, 444), (0x06, 0, 0, 0x50026), (0x06, 0, 0, 0x7FFF0000)]  # no Landlock
sandbox_kernel.filter_calls(b"".join(struct.pack("=HBBI", *line) for line in lines))
sandbox_kernel.filter_calls(sandbox_calls.program(os.uname().machine, network=True))  # no namespaces
from hybridcode.launcher import main
main()
"""
"""A machine that has no sandbox, as many containers are."""


@pytest.mark.skipif(sys.platform != "linux" or os.uname().machine not in ("x86_64", "aarch64"), reason="Linux filters")
def test_where_there_is_no_sandbox_yes_runs_only_what_a_person_named(program: Program, repo: Path):
    task = ("run", "set the rate to five", "--output-format", "json", "--yes")
    unboxed = [sys.executable, "-c", UNBOXED]
    told = program.run_command([*unboxed, "doctor"], cwd=repo)
    assert "container keeps it away" in told.out + told.err
    named = program.run_command([*unboxed, *task, *CHECK], cwd=repo)
    assert named.code == 0, named.err
    stored = program.run("audit", "show", cwd=repo).out
    assert '"sandbox":"none"' in stored
    (repo / "shop.py").write_text(FILES["shop.py"])
    unnamed = program.run_command([*unboxed, *task], cwd=repo)
    assert unnamed.code == 5, unnamed.err + unnamed.out
    assert "--no-sandbox" in unnamed.err + unnamed.out
    (repo / "shop.py").write_text(FILES["shop.py"])
    waved = program.run_command([*unboxed, *task, "--no-sandbox"], cwd=repo)
    assert waved.code == 0, waved.err
