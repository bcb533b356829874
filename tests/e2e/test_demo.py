import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.processes import Program

pytestmark = pytest.mark.llama
KEYS = {
    "exit_code",
    "exit_reason",
    "session_id",
    "files",
    "verification",
    "pending_approvals",
    "denials",
    "ledger",
    "egress",
}
CHANGED = ["shop/cart.py", "shop/invoice.py", "shop/pricing.py", "tests/test_cart.py", "tests/test_discount.py"]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def folder_of(program: Program) -> Path:
    return next(program.home.glob("hybridcode-demo-*"))


def test_the_demo_runs_headless_to_a_verified_end(program: Program, tmp_path: Path):
    done = program.run("demo", "--yes", "--output-format", "json", cwd=tmp_path)
    assert done.code == 0, done.err
    result = done.json
    assert set(result) >= KEYS
    assert (result["exit_code"], result["exit_reason"], result["files"]) == (0, "done", CHANGED)
    assert result["verification"]["passed"] is True
    assert [step["status"] for step in result["steps"]] == ["done"] * 6
    ledger = result["ledger"]
    assert ledger["local"]["calls"] == 8
    assert ledger["local"]["output_tokens"] > 300
    assert ledger["local_output_share"] == 1.0
    assert result["egress"]["bytes_sent"] == 0
    assert "script" in done.err
    tests = subprocess.run(
        ["python3", "-m", "unittest", "-q"], cwd=folder_of(program), capture_output=True, check=False
    )
    assert tests.returncode == 0


def test_without_a_screen_it_runs_through_and_says_that_it_says_yes(program: Program, tmp_path: Path):
    done = program.run("demo", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "answers its own questions" in done.err
    is_proven = "proven: `python3 -m unittest -q tests.test_pricing` passed on exactly these bytes" in done.err
    assert is_proven == ("sandbox none" not in done.err)
    assert "done and verified" in done.out


def test_without_a_sandbox_it_checks_after_it_wrote(program: Program, tmp_path: Path):
    done = program.run("demo", "--set", "approval.sandbox=off", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "proven:" not in done.err


def test_with_hold_it_stops_at_the_first_approval_and_goes_on_after_an_answer(program: Program, tmp_path: Path):
    done = program.run("demo", "--hold", "--output-format", "json", cwd=tmp_path)
    assert done.code == 4, done.err
    pending, *drafted_ahead = done.json["pending_approvals"]
    assert len(drafted_ahead) < 3
    folder = folder_of(program)
    assert "VAT_PERCENT = 19" in (folder / "shop/pricing.py").read_text()

    answered = program.run("approvals", "approve", pending["id"], "--json", cwd=folder)
    assert (answered.code, answered.json["state"]) == (0, "approved")
    again = program.run("approvals", "approve", pending["id"], cwd=folder)
    assert again.code == 8

    done = program.run("demo", "--keep-going", str(folder), "--yes", "--output-format", "json", cwd=tmp_path)
    assert done.code == 0, done.err
    assert done.json["files"] == CHANGED
    assert done.json["ledger"]["local"]["calls"] == 8


def test_undo_puts_everything_back(program: Program, tmp_path: Path):
    assert program.run("demo", "--yes", "--output-format", "json", cwd=tmp_path).code == 0
    folder = folder_of(program)
    done = program.run("undo", "--json", cwd=folder)
    assert done.code == 0, done.err
    assert (done.json["restored"], done.json["kept"]) == (CHANGED, [])
    status = subprocess.run(["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True, check=True)
    assert [line for line in status.stdout.splitlines() if "__pycache__" not in line] == []
    assert program.run("audit", "verify", cwd=folder).code == 0


def test_kill_minus_9_in_the_middle_loses_nothing(program: Program, tmp_path: Path):
    running = program.start("demo", "--yes", "--output-format", "stream-json", cwd=tmp_path)
    assert running.stdout is not None
    applied = 0
    for line in running.stdout:
        event = json.loads(line).get("event", {})
        applied += event.get("type") == "EffectFinished" and event["receipt"]["type"] == "applied"
        if applied == 2:
            break
    running.send_signal(signal.SIGKILL)
    running.wait(20)
    running.stdout.close()
    assert running.stderr is not None
    running.stderr.close()
    folder = folder_of(program)
    done = program.run("demo", "--keep-going", str(folder), "--yes", "--output-format", "json", cwd=tmp_path)
    assert done.code == 0, done.err
    assert done.json["files"] == CHANGED
    assert done.json["verification"]["passed"] is True
    assert program.run("audit", "verify", cwd=folder).code == 0


def test_ctrl_c_ends_with_130_and_is_resumable(program: Program, tmp_path: Path):
    running = program.start("demo", "--yes", "--output-format", "stream-json", cwd=tmp_path)
    assert running.stdout is not None
    for line in running.stdout:
        if '"StepStarted"' in line:
            break
    running.send_signal(signal.SIGINT)
    rest, _ = running.communicate(timeout=60)
    code = running.returncode
    result = json.loads(rest.strip().splitlines()[-1])
    if code == 0:
        pytest.fail("the run ended before the signal arrived")
    assert (code, result["exit_reason"]) == (130, "interrupted")
    done = program.run("demo", "--keep-going", "--yes", "--output-format", "json", cwd=tmp_path)
    assert (done.code, done.json["files"]) == (0, CHANGED), done.err


def test_no_process_of_ours_is_left(program: Program, tmp_path: Path):
    assert program.run("demo", "--yes", "--output-format", "json", cwd=tmp_path).code == 0
    marker = str(tmp_path)
    deadline = time.monotonic() + 5
    while left := [p.parent.name for p in Path("/proc").glob("[0-9]*/environ") if _mentions(p, marker)]:
        assert time.monotonic() < deadline, f"still running: {left}"
        time.sleep(0.1)


def _mentions(environ: Path, marker: str) -> bool:
    try:
        return f"XDG_STATE_HOME={marker}".encode() in environ.read_bytes()
    except OSError:
        return False
