import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import Program

NEEDED = {
    "agent", "agent.commands", "cli", "cli.console", "cli.here", "cli.lazy", "cli.main", "cli.policy", "config",
    "config.keys", "config.layers", "config.load", "config.naming", "config.paths", "config.patterns",
    "config.profiles", "config.routing", "config.rules", "config.settings", "config.tighten", "config.trust",
    "config.atomic", "domain", "domain.action", "domain.canonical",
    "domain.errors", "domain.exits", "domain.proportion", "domain.work", "gate", "version", "launcher",
}  # fmt: skip
"""Modules of ours that `policy check` may import, besides those of the gate that judge."""
NEVER = {"asyncio", "sqlite3", "tomlkit", "textual", "rich", "litellm", "httpx", "socket", "ssl", "importlib.metadata"}


@pytest.fixture
def program(tmp_path: Path) -> Program:
    (tmp_path / "ws").mkdir()
    return Program(tmp_path)


def test_check_imports_what_judging_needs_and_nothing_else() -> None:
    code = (
        "import sys, json\n"
        "sys.argv = ['hybridcode', 'policy', 'check', '--command', 'ls']\n"
        "from hybridcode.launcher import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded: set[str] = set(json.loads(done.stderr.splitlines()[-1]))
    ours = {name.removeprefix("hybridcode.") for name in loaded if name.startswith("hybridcode.")}
    assert {name for name in ours - NEEDED if not name.startswith("gate.")} == set()
    assert not ours & {"gate.gate", "gate.effects", "gate.files", "gate.processes", "gate.approvers", "gate.sandbox"}
    assert loaded & NEVER == set()


def test_explain_names_each_part_and_what_would_come_of_it(program: Program, tmp_path: Path) -> None:
    done = program.run("policy", "explain", "--command", "ls && make test", "--json", cwd=tmp_path / "ws")
    told = done.json
    assert [(part["command"], part["verdict"]) for part in told["parts"]] == [("ls", "allow"), ("make test", "ask")]
    assert told["ruling"]["verdict"] == "ask"
    assert told["lifted_by"] == "Bash(=ls && make test)"
    assert told["outcomes"]["nobody"] == "stops, saved, with exit code 4"
    assert told["outcomes"]["bypass"] == "happens unasked"
    shown = program.run("policy", "explain", "--write", ".env", cwd=tmp_path / "ws").out
    assert "a person is asked every time" in shown


def test_test_ends_with_2_if_an_example_does_not_hold(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "config" / "hybridcode" / "policy.toml"
    file.parent.mkdir(parents=True)
    rule = '[[rule]]\nverdict = "ask"\nmatch = "Bash(make *)"\nmatches = ["make x"]\n'
    file.write_text(rule)
    assert program.run("policy", "test", cwd=tmp_path / "ws").code == 0
    file.write_text(rule + 'misses = ["make y"]\n')
    done = program.run("policy", "test", "--json", cwd=tmp_path / "ws")
    assert (done.code, done.json["failed"]) == (2, 1)
    assert program.run("policy", "check", "--command", "ls", cwd=tmp_path / "ws").code == 2


def test_inspect_answers_every_line_at_once(program: Program, tmp_path: Path) -> None:
    process = subprocess.Popen(
        program.command("policy", "inspect", "--json"),
        cwd=tmp_path,
        env=program.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin and process.stdout
    for line, key in [
        (b'{"kind": "command", "text": "ls"}', "rendered"),
        (b"{", "error"),
        (b'{"kind": 1, "text": "x"}', "error"),
        (b'{"kind": "path", "text": null}', "error"),
        (b"\xff\xfe", "error"),
        (b"[" * 100_000, "error"),
        (b'{"kind": "text", "text": "\\ud800"}', "flags"),
    ]:
        process.stdin.write(line + b"\n")
        process.stdin.flush()
        assert key in json.loads(process.stdout.readline())
    process.stdin.close()
    assert process.wait(20) == 0
