"""Several real processes at one journal: one answer, one effect, and a crash that is told."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from hybridcode.journal.approvals import Approvals
from hybridcode.journal.states import ApprovalState
from hybridcode.journal.store import Journal

# Opens a gate on a folder, as any process of ours would.
OPEN = """
    import asyncio, json, sys, time
    from pathlib import Path
    from hybridcode.config.settings import ApprovalSettings, Settings
    from hybridcode.domain.action import Approve, ShellCommand
    from hybridcode.gate.approvers import Refuse, Scripted, yes
    from hybridcode.gate.effects import Effects
    from hybridcode.gate.gate import Gate
    from hybridcode.gate.policy import Policy
    from hybridcode.journal.approvals import Approvals
    from hybridcode.journal.store import Journal

    class Unwatched:
        def text(self, **_): pass
        def output(self, **_): pass
        def progress(self, **_): pass

    folder = Path(sys.argv[1])
    root = folder / "ws"
    journal = Journal.open(folder / "state" / "journal.db")
    session = journal.session("s")
    gate = Gate(root, session, approvals=Approvals(journal), policy=Policy.load(Settings(), root),
                approver=Refuse(), effects=Effects(root, session, Unwatched(), sandboxing="off"))
"""


def start(folder: Path, body: str) -> "subprocess.Popen[str]":
    code = textwrap.dedent(OPEN) + textwrap.dedent(body)
    return subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)


def printed(process: "subprocess.Popen[str]") -> list[str]:
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return json.loads(out)


@pytest.mark.parametrize("rounds", [12, pytest.param(200, marks=pytest.mark.slow)])
def test_two_terminals_and_two_gates_at_once_give_one_answer_and_one_effect(tmp_path: Path, rounds: int):
    (tmp_path / "ws").mkdir()
    made = start(
        tmp_path,
        f"""
        async def make():
            for number in range({rounds}):
                await gate.submit(ShellCommand(script=f"echo once >> mark{{number}}"), step="s1")
        asyncio.run(make())
        print(json.dumps([proposal.id for proposal in gate.pending()]))
        """,
    )
    names = printed(made)
    assert len(names) == rounds
    begin = time.time() + 1.5
    body = f"""
        names = {json.dumps(names)}
        while time.time() < {begin}:
            pass
        won = []
        async def race():
            for name in names:
                if gate.approvals.answer(name, Approve(gate.approvals.get(name).proposal.digest, "person:terminal")):
                    won.append(name)
                await gate.resubmit(name)
        asyncio.run(race())
        print(json.dumps(won))
    """
    both = [start(tmp_path, body), start(tmp_path, body)]
    won = [name for process in both for name in printed(process)]
    assert sorted(won) == sorted(names)
    marks = sorted(path.read_text() for path in (tmp_path / "ws").iterdir())
    assert marks == ["once\n"] * rounds
    with Journal.open(tmp_path / "state" / "journal.db") as journal:
        states = {row.state for row in Approvals(journal).in_state(*ApprovalState)}
        assert states == {ApprovalState.DONE}
        journal.verify()


def test_a_command_killed_with_its_program_is_unknown_and_its_changes_are_told(tmp_path: Path):
    root = tmp_path / "ws"
    root.mkdir()
    (root / "a.txt").write_text("before\n")
    process = start(
        tmp_path,
        """
        gate.approver = Scripted([yes])
        asyncio.run(gate.submit(ShellCommand(script="echo after > a.txt; sleep 3; touch late"), step="s1"))
        """,
    )
    deadline = time.monotonic() + 30
    while (root / "a.txt").read_text() != "after\n" and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    later = start(
        tmp_path,
        """
        receipts = gate.recover()
        print(json.dumps([type(r).__name__ + ": " + r.reason for r in receipts] + [str(len(gate.recover()))]))
        """,
    )
    told, again = printed(later)
    assert told.startswith("Unknown: ")
    assert "since it began these changed: a.txt" in told
    assert again == "0"
    with Journal.open(tmp_path / "state" / "journal.db") as journal:
        (row,) = Approvals(journal).in_state(ApprovalState.UNKNOWN)
        assert row.by == "person:script"
        journal.verify()
