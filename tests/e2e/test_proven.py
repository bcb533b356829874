import json
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from hybridcode.gate.sandbox import probe
from tests.support.chat_server import Answer, Exchange
from tests.support.processes import Program
from tests.support.role_server import by_role, role_of
from tests.support.sessions import fence

pytestmark = pytest.mark.skipif(probe().kind == "none", reason="this machine has no sandbox")
CHECK = "python3 check.py"
SLOW = "import time\ntime.sleep(60)\n"
PLAN = {"steps": [{"id": "rate", "goal": "Set RATE to 5.", "touches": ["shop.py#RATE"], "check": CHECK}]}


@pytest.fixture
def answer() -> Answer:
    drafts = iter(["RATE = 4", "RATE = 5"])

    def wrong_at_first(exchange: Exchange) -> None:
        draft = next(drafts, "RATE = 5") if role_of(exchange) == "draft" else ""
        by_role(plan=PLAN, draft=fence(draft))(exchange)

    return wrong_at_first


def test_what_waits_for_an_answer_is_proven_already(program: Program, repo: Path):
    done = program.run("run", "five", "--output-format", "json", "--test-cmd", CHECK, cwd=repo)
    assert done.code == 4, done.err + done.out
    (pending,) = done.json["pending_approvals"]
    assert pending["proven_by"] == CHECK
    assert [(check["where"], check["passed"]) for check in done.json["verification"]["checks"]] == [
        ("scratch", False),
        ("scratch", True),
    ]
    assert done.json["verification"]["passed"] is False
    assert (repo / "shop.py").read_text() == "RATE = 3\n"
    shown = program.run("approvals", "show", pending["id"], cwd=repo)
    assert shown.err.count(f"proven: `{CHECK}` passed on exactly these bytes") == shown.err.count("proven") == 1
    check = next(
        row for row in program.run("approvals", "list", "--all", "--json", cwd=repo).json if row["id"] != pending["id"]
    )
    told = program.run("approvals", "show", check["id"], cwd=repo).err
    assert all(f"  {name} " in told for name in ("sandbox", "network", "folder", "runs by", "sees"))
    assert "nothing left to answer" in program.run("approvals", "reject", check["id"], cwd=repo).err
    assert not list(repo.glob("**/__pycache__"))


def until_the_check_runs(running: "subprocess.Popen[str]") -> None:
    assert running.stdout is not None
    commands = set[str]()
    for line in running.stdout:
        event = json.loads(line).get("event", {})
        if event.get("type") == "ProposalMade" and event["proposal"]["action"]["type"] == "command":
            commands.add(event["proposal"]["id"])
        if event.get("type") == "EffectStarted" and event["proposal"] in commands:
            time.sleep(0.5)
            return
    pytest.fail("the check did not start")


def checks_running(repo: Path) -> list[str]:
    found: list[str] = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes()
        except OSError:
            continue
        if b"check.py" in line and bytes(repo) in line:
            found.append(line.decode("utf-8", "replace"))
    return found


def test_a_kill_during_a_check_leaves_nothing_and_the_run_goes_on(
    program: Program, repo: Path, files: Mapping[str, str]
):
    (repo / "check.py").write_text(SLOW)
    running = program.start("run", "five", "--yes", "--output-format", "stream-json", "--test-cmd", CHECK, cwd=repo)
    until_the_check_runs(running)
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=20)
    assert (repo / "shop.py").read_text() == "RATE = 3\n"
    copies = program.home / "cache" / "hybridcode" / "scratch"
    assert len(list(copies.glob("*.lock"))) == 1
    deadline = time.monotonic() + 10
    while checks_running(repo):
        assert time.monotonic() < deadline, checks_running(repo)
        time.sleep(0.1)
    (repo / "check.py").write_text(files["check.py"])
    done = program.run("sessions", "resume", "--yes", "--output-format", "json", "--test-cmd", CHECK, cwd=repo)
    assert (done.code, done.json["files"]) == (0, ["shop.py"]), done.err + done.out
    assert (repo / "shop.py").read_text() == "RATE = 5\n"
    assert list(copies.iterdir()) == []
    assert program.run("audit", "verify", cwd=repo).code == 0


def test_ctrl_c_ends_a_check_in_the_copy(program: Program, repo: Path):
    (repo / "check.py").write_text(SLOW)
    running = program.start("run", "five", "--yes", "--output-format", "stream-json", "--test-cmd", CHECK, cwd=repo)
    until_the_check_runs(running)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=20)
    assert running.returncode == 130
    assert (checks_running(repo), (repo / "shop.py").read_text()) == ([], "RATE = 3\n")
    assert list((program.home / "cache" / "hybridcode" / "scratch").iterdir()) == []
