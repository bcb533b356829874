import json
import os
import re
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.support.chat_server import Answer, ChatServer
from tests.support.hostile import hostile_clone
from tests.support.processes import QUICK_TO_FAIL, Program
from tests.support.repos import git_repository, write_tree
from tests.support.role_server import by_role
from tests.support.screen import Screen
from tests.support.sessions import fence

PLAN = {"steps": [{"id": "x", "goal": "Set X to 2.", "touches": ["a.py#X"]}]}
through_litellm = pytest.mark.parametrize("frontier", [QUICK_TO_FAIL], ids=["litellm"])
KNOWN_PROGRAMS = re.compile(r"/(?:git|python[\d.]*|strace|ldconfig[\w.]*|bwrap|sh|gcc|cc1|uname|true|hybridcode)$")


@pytest.fixture
def answer() -> Answer:
    return by_role(plan=PLAN, draft=fence("X = 2"))


def test_trust_shows_what_would_change_and_which_file_ended_it(program: Program, tmp_path: Path):
    repo = git_repository(tmp_path / "shop", {".hybridcode/config.toml": '[approval]\nallow = ["Bash(make)"]\n'})
    shown = program.run("trust", "--show", cwd=repo)
    assert 'approval.allow: [] -> ["Bash(make)"]' in shown.out
    assert ".hybridcode/config.toml" in shown.out
    assert program.run("config", "show", "--json", cwd=repo).json["values"]["approval.allow"] == []
    assert program.run("trust", "--yes", cwd=repo).code == 0
    assert program.run("config", "show", "--json", cwd=repo).json["values"]["approval.allow"] == ["Bash(make)"]
    assert str(repo) in program.run("trust", "--list", cwd=repo).out
    (repo / ".hybridcode" / "config.toml").write_text('[approval]\nallow = ["Bash(make all)"]\n')
    (repo / ".hybridcode" / "routing.toml").write_text("")
    view = program.run("trust", "--show", "--json", cwd=repo).json
    assert (view["is_trusted"], view["was_trusted"]) == (False, True)
    assert (view["changed"], view["added"]) == (["config.toml"], ["routing.toml"])
    assert "changed since it was trusted" in program.run("trust", "--show", cwd=repo).out
    assert program.run("trust", "--revoke", "--json", cwd=repo).json["revoked"] is True
    assert program.run("trust", "--list", "--json", cwd=repo).json == []


def test_neither_ci_nor_a_closed_terminal_is_trust(program: Program, tmp_path: Path):
    repo = git_repository(tmp_path / "shop", {".hybridcode/config.toml": '[approval]\nallow = ["Bash(make)"]\n'})
    program.env |= {"CI": "true", "GITHUB_ACTIONS": "true"}
    asked = program.run("trust", cwd=repo)
    assert asked.code == 2
    assert "nothing is trusted" in asked.err
    assert program.run("config", "show", "--json", cwd=repo).json["values"]["approval.allow"] == []


def started(trace: Path) -> set[str]:
    text = "".join(file.read_text(errors="replace") for file in trace.parent.glob(f"{trace.name}*"))
    return set(re.findall(r'execve\("([^"]+)".*\) = 0$', text, re.MULTILINE))


@pytest.mark.slow
@through_litellm
@pytest.mark.parametrize("arguments", [("context", "--query", "x"), ("run", "set X", "--yes"), ("doctor",), ()])
def test_a_hostile_clone_executes_nothing(
    program: Program, tmp_path: Path, server: ChatServer, arguments: tuple[str, ...]
):
    marks = tmp_path / "marks"
    marks.mkdir()
    repo = hostile_clone(tmp_path / "from-afar", marks)
    program.env |= {"PATH": f":.:{os.environ['PATH']}:{repo}", "SHELL": str(repo / "git")}
    if not arguments:
        screen = Screen(program, cwd=repo)
        screen.wait(6)
        screen.close()
    else:
        strace = shutil.which("strace")
        trace = tmp_path / "trace"
        watch = [strace, "-f", "-qq", "-s", "400", "-e", "trace=execve", "-o", str(trace)] if strace else []
        done = program.run_command([*watch, *program.command(*arguments)], cwd=repo, timeout=110)
        assert "Traceback" not in done.err
        if strace:
            programs = started(trace)
            assert programs
            assert not [name for name in programs if not name.startswith("/") or str(tmp_path) in name], programs
            assert not [name for name in programs if not KNOWN_PROGRAMS.search(name)], programs
    assert list(marks.iterdir()) == []
    assert not [visit for visit in server.visits if "evil" in visit]
    subprocess.run(["git", "status"], cwd=repo, capture_output=True, check=False)
    assert list(marks.iterdir()), "this clone has lost its teeth"


@through_litellm
def test_the_session_itself_connects_nowhere_and_its_models_only_to_their_host(
    program: Program, tmp_path: Path, server: ChatServer
):
    repo = git_repository(tmp_path / "shop", {"a.py": "X = 1\n", ".env": "OPENAI_API_BASE=http://evil.example/v1\n"})
    code = (
        "import sys\n"
        "def refuse(event, arguments):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo', 'socket.sendto'):\n"
        "        raise RuntimeError(event)\n"
        "sys.addaudithook(refuse)\n"
        "sys.argv = ['hybridcode', 'run', 'set X', '--yes', '--no-sandbox', '--output-format', 'json']\n"
        "from hybridcode.launcher import main\n"
        "main()\n"
    )
    python = program.command()[0]
    done = program.run_command([python, "-c", code], cwd=repo)
    assert json.loads(done.out)["files"] == ["a.py"], done.err
    assert (repo / "a.py").read_text() == "X = 2\n"
    assert {body["model"] for body in server.asked} == {"loop", "local-loop"}


def test_a_clone_cannot_lend_the_program_modules(program: Program, tmp_path: Path):
    repo = write_tree(tmp_path / "clone", dict.fromkeys(("click.py", "msgspec.py"), "raise SystemExit(9)\n"))
    done = program.run("config", "schema", cwd=repo)
    assert done.code == 0, done.err


def test_the_text_of_a_request_can_be_read_back(program: Program, tmp_path: Path, server: ChatServer):
    repo = git_repository(tmp_path / "shop", {"a.py": "X = 1\n"})
    program.run("run", "set X \x1b]52;c;QQ==\x07 to two", "--yes", cwd=repo)
    listed = program.run("egress", "--json", cwd=repo).json
    assert [request["call_id"] for request in listed["requests"]] == ["call-1", "call-2", "call-3"]
    assert listed["by_host"][server.base_url[7:-3]]["requests"] == 3
    raw = program.run("egress", "--show", "call-1", "--raw", cwd=repo)
    assert json.loads(raw.out) == server.asked[0]["messages"]
    shown = program.run("egress", "--show", "call-1", cwd=repo).out
    assert "\x1b" not in shown
    assert "# user" in shown
    assert program.run("egress", "--show", "call-9", cwd=repo).code == 2
    told = program.run("audit", "show", cwd=repo).out
    assert "ModelAsked" in told
    assert "\x1b" not in told


def test_a_broken_row_is_named(program: Program, tmp_path: Path, server: ChatServer):
    repo = git_repository(tmp_path / "shop", {"a.py": "X = 1\n"})
    program.run("run", "set X to two", "--yes", cwd=repo)
    assert program.run("audit", "verify", "--json", cwd=repo).json["ok"] is True
    (journal,) = program.home.glob("state/hybridcode/*/journal.db")
    with sqlite3.connect(journal) as connection:
        changed = "UPDATE event SET event = replace(event, 'set X', 'set Y') WHERE type = 'TaskGiven'"
        connection.execute(changed)
    connection.close()
    done = program.run("audit", "verify", cwd=repo)
    assert done.code == 9
    assert "event 2 was altered" in done.err
