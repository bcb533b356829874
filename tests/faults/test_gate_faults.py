import asyncio
import json
import shutil
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import cast

import pytest

from benchmarks import gate_faults, gate_races
from hybridcode.config.settings import Settings
from hybridcode.domain.action import Applied, ChangeSet, FileEdit, Stale, Unknown
from hybridcode.domain.canonical import sha256_hex
from hybridcode.gate import files
from hybridcode.gate.approvers import Refuse, Scripted, yes
from hybridcode.gate.effects import Effects
from hybridcode.gate.gate import Gate
from hybridcode.gate.policy import Policy
from hybridcode.journal.approvals import Approvals
from hybridcode.journal.states import ApprovalState
from hybridcode.journal.store import Journal

# A session in a process of its own: three files (one edited, one deleted, one new in a new folder) through the gate.
SESSION = """
    import asyncio, json, os, signal, sys
    from pathlib import Path
    from hybridcode.config.settings import Settings
    from hybridcode.domain.action import FileChange, ShellCommand
    from hybridcode.gate.approvers import Scripted, yes
    from hybridcode.gate.effects import Effects
    from hybridcode.gate.gate import Gate
    from hybridcode.gate.policy import Policy
    from hybridcode.journal.approvals import Approvals
    from hybridcode.journal.store import Journal

    class Unwatched:
        def text(self, **_): pass
        def output(self, **_): pass
        def progress(self, **_): pass

    OLD, NEW = b"old " * 40_000, b"new " * 50_000
    CHANGES = [FileChange("a", OLD, NEW), FileChange("b", OLD, None), FileChange("d/c", None, NEW)]

    def lay_out(root):
        root.mkdir()
        (root / "a").write_bytes(OLD)
        (root / "b").write_bytes(OLD)

    def open_gate(folder):
        journal = Journal.open(folder / "state" / "journal.db")
        session = journal.session("s")
        root = folder / "ws"
        return Gate(root, session, approvals=Approvals(journal), policy=Policy.load(Settings(), root),
                    approver=Scripted([yes]), effects=Effects(root, session, Unwatched(), sandboxing="off"))

    def look(root):
        def state(name):
            path = root / name
            if not path.exists():
                return "absent"
            return {OLD: "old", NEW: "new"}.get(path.read_bytes(), "HALF")
        return [state(name) for name in ("a", "b", "d/c")]
"""
OLD, NEW = ["old", "old", "absent"], ["new", "absent", "new"]


def child(body: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(SESSION) + textwrap.dedent(body), *arguments]


def reports(body: str, *arguments: str) -> list[dict[str, object]]:
    result = subprocess.run(child(body, *arguments), capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_kill_at_every_step_of_an_apply_leaves_files_old_or_new_and_is_recovered(tmp_path: Path):
    body = """
        top = Path(sys.argv[1])
        for number in range(1, 200):
            folder = top / str(number)
            folder.mkdir()
            lay_out(folder / "ws")
            pid = os.fork()
            if pid == 0:
                gate = open_gate(folder)
                change = gate.seal(CHANGES)
                count, is_armed = 0, False
                def hook(event, arguments):
                    global count
                    if is_armed and event.startswith(("os.", "open")):
                        count += 1
                        if count == number:
                            os.kill(os.getpid(), signal.SIGKILL)
                sys.addaudithook(hook)
                is_armed = True
                asyncio.run(gate.submit(change, step="s1"))
                os._exit(7)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            after = look(folder / "ws")
            gate = open_gate(folder)
            receipts = [type(receipt).__name__ for receipt in gate.recover()]
            left = sorted(str(p.relative_to(folder / "ws")) for p in (folder / "ws").rglob("*") if p.is_file())
            gate.journal.journal.verify()
            print(json.dumps({"code": code, "after": after, "receipts": receipts, "then": look(folder / "ws"),
                              "left": left, "again": len(gate.recover())}))
            if code == 7:
                break
    """
    rows = reports(body, str(tmp_path))
    assert len(rows) > 15
    assert rows[-1]["code"] == 7
    assert all(row["code"] == -9 for row in rows[:-1])
    mixed = 0
    for row in rows:
        after, then = row["after"], row["then"]
        pairs = zip(OLD, NEW, strict=True)
        assert all(state in pair for state, pair in zip(cast("list[str]", after), pairs, strict=True))
        mixed += after not in (OLD, NEW)
        if row["receipts"]:
            assert row["receipts"] == ["Applied"]
            assert then == NEW
            assert row["left"] == ["a", "d/c"]
        else:
            assert then == after
        assert row["again"] == 0
    assert mixed > 0


def traced() -> None:
    if not gate_faults.can_trace():
        pytest.skip("strace cannot be used here")


@pytest.mark.parametrize("thread", ["files", "main"])
def test_a_kill_or_an_error_at_a_system_call_breaks_no_promise(tmp_path: Path, thread: str):
    traced()
    killed, failed = gate_faults.kills(tmp_path, thread, every=17), gate_faults.errors(tmp_path, thread, every=29)
    assert (killed.faults, failed.faults) == ([], [])
    assert killed.trials > 5
    assert failed.trials > 5


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("thread", ["files", "main"])
def test_a_kill_or_an_error_at_any_system_call_breaks_no_promise(tmp_path: Path, thread: str):
    traced()
    tallies = [
        gate_faults.kills(tmp_path, thread),
        gate_faults.kills(tmp_path, thread, can_exchange=False),
        gate_faults.errors(tmp_path, thread),
        gate_faults.errors(tmp_path, thread, persistent=True),
    ]
    assert [tally.faults for tally in tallies] == [[]] * 4


@pytest.mark.parametrize("rounds", [100, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_whoever_meddles_while_files_are_written_loses_nothing_and_wins_nothing(tmp_path: Path, rounds: int):
    for deed, tally in gate_races.run(tmp_path, rounds=rounds, seed=7).items():
        assert tally.rounds == rounds // 10, deed
        assert tally.faults == []


def test_a_command_that_was_killed_with_us_is_unknown(tmp_path: Path):
    body = """
        folder = Path(sys.argv[1])
        lay_out(folder / "ws")
        gate = open_gate(folder)
        def die(*_):
            os.kill(os.getpid(), signal.SIGKILL)
        gate.effects.watcher.__class__.output = lambda self, **_: die()
        asyncio.run(gate.submit(ShellCommand(script="echo x >> ran; echo started; sleep 0.1"), step="s1"))
    """
    assert subprocess.run(child(body, str(tmp_path)), check=False).returncode == -9
    with Journal.open(tmp_path / "state" / "journal.db") as journal:
        gate = reopened(tmp_path, journal)
        (receipt,) = gate.recover()
        assert isinstance(receipt, Unknown)
        assert [row.state for row in gate.approvals.in_state(ApprovalState.UNKNOWN)] == [ApprovalState.UNKNOWN]
        journal.verify()
    assert (tmp_path / "ws" / "ran").read_text() == "x\n"


class Unwatched:
    def text(self, *, step: str | None, call_id: str, text: str, reasoning: bool) -> None: ...
    def output(self, *, proposal: str, text: str) -> None: ...
    def progress(self, *, what: str, fraction: float | None) -> None: ...


def reopened(folder: Path, journal: Journal) -> Gate:
    root, session = folder / "ws", journal.session("s")
    return Gate(
        root,
        session,
        approvals=Approvals(journal),
        policy=Policy.load(Settings(), root),
        approver=Scripted([yes]),
        effects=Effects(root, session, Unwatched(), sandboxing="off"),
    )


def in_tmpfs(body: str, folder: Path, *, size: str) -> list[dict[str, object]]:
    """Run a child whose workspace is a small file system of its own; skips where that is not possible."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-Urm", "true"], capture_output=True).returncode:
        pytest.skip("no user namespaces here")
    (folder / "ws").mkdir()
    script = f'mount -t tmpfs -o size={size} none "$1/ws" && shift && exec "$@"'
    command = ["unshare", "-Urm", "sh", "-c", script, "sh", str(folder), *child(body, str(folder))]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("size", ["330k", "400k", "500k"])
def test_a_full_disk_changes_nothing(tmp_path: Path, size: str):
    body = """
        folder = Path(sys.argv[1])
        root = folder / "ws"
        (root / "a").write_bytes(OLD)
        (root / "b").write_bytes(OLD)
        gate = open_gate(folder)
        receipt = asyncio.run(gate.submit_changes(CHANGES, step="s1"))
        print(json.dumps({"kind": type(receipt).__name__, "reason": receipt.reason, "after": look(root),
                          "left": sorted(path.name for path in root.iterdir())}))
    """
    (row,) = in_tmpfs(body, tmp_path, size=size)
    assert row["kind"] == "Failed"
    assert "the disk is full" in str(row["reason"])
    assert row["after"] == OLD
    assert row["left"] == ["a", "b"]


def test_a_read_only_workspace_is_told(tmp_path: Path):
    body = """
        import subprocess
        folder = Path(sys.argv[1])
        root = folder / "ws"
        (root / "a").write_bytes(OLD)
        (root / "b").write_bytes(OLD)
        subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)
        gate = open_gate(folder)
        receipt = asyncio.run(gate.submit_changes(CHANGES, step="s1"))
        print(json.dumps({"kind": type(receipt).__name__, "reason": receipt.reason, "after": look(root)}))
    """
    (row,) = in_tmpfs(body, tmp_path, size="4m")
    assert (row["kind"], row["after"]) == ("Failed", OLD)
    assert "read-only" in str(row["reason"])


def test_an_editor_that_writes_all_the_time_never_loses_its_text(tmp_path: Path):
    target, blobs = tmp_path / "a", dict[str, bytes]()

    def sealed(data: bytes) -> str:
        blobs[sha256_hex(data)] = data
        return sha256_hex(data)

    stop, kinds = threading.Event(), set[str]()

    def edit() -> None:
        while not stop.is_set():
            target.write_bytes(b"editor")
            stop.wait(0.001)

    target.write_bytes(b"base")
    editor = threading.Thread(target=edit)
    editor.start()
    try:
        for _ in range(150):
            change = ChangeSet((FileEdit("a", sealed(b"editor"), sealed(b"ours")), FileEdit("b", None, sealed(b"b"))))
            receipt = files.apply(tmp_path, change, load=blobs.__getitem__)
            kinds.add(type(receipt).__name__)
            assert isinstance(receipt, (Applied, Stale))
            assert (tmp_path / "b").exists() == isinstance(receipt, Applied)
            (tmp_path / "b").unlink(missing_ok=True)
    finally:
        stop.set()
        editor.join()
    assert target.read_bytes() in (b"editor", b"ours")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]
    assert "Applied" in kinds


async def test_two_processes_apply_one_approval_once(tmp_path: Path):
    (tmp_path / "ws").mkdir()
    with Journal.open(tmp_path / "state" / "j.db") as one, Journal.open(tmp_path / "state" / "j.db") as two:
        first, second = reopened(tmp_path, one), reopened(tmp_path, two)
        change = ChangeSet((FileEdit("a", None, first.journal.put_blob(b"x")),))
        first.approver = Refuse()
        held = await first.submit(change, step="s1")
        row = first.approvals.pending()[0]
        assert held is not None
        first.approvals.answer(row.id, yes(row.proposal))
        receipts = await asyncio.gather(first.resubmit(row.id), second.resubmit(row.id))
        kinds = sorted(type(receipt).__name__ for receipt in receipts)
        assert kinds in (["Applied", "Applied"], ["Applied", "Unknown"])  # Unknown: the other one is still at it
        names = [type(envelope.event).__name__ for envelope in first.journal.envelopes()]
        assert names.count("EffectStarted") == 1
