"""A three-file apply through a real gate in a process of its own, and what is left when that process is disturbed.

Invariant: every look at the result is taken by a process that did not take part; what is expected is written here once:
each file old or new, all of them or none, one approval that goes one way once, nothing of ours beside the user's files.
"""

import asyncio
import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybridcode.config.settings import Settings
from hybridcode.domain.action import Applied, FileChange, Receipt
from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import EffectFinished, EffectStarted, ProposalDecided, ProposalMade
from hybridcode.gate.approvers import Scripted, yes
from hybridcode.gate.effects import Effects
from hybridcode.gate.gate import Gate
from hybridcode.gate.policy import Policy
from hybridcode.journal.approvals import Approvals, ApprovalState
from hybridcode.journal.store import Journal

OLD_BYTES, NEW_BYTES = b"old " * 10_000, b"new " * 15_000
NAMES = ("a", "b", "d/c")
CHANGES = (
    FileChange("a", OLD_BYTES, NEW_BYTES),
    FileChange("b", OLD_BYTES, None),
    FileChange("d/c", None, NEW_BYTES),
)
OLD, NEW = ["old", "old", "absent"], ["new", "absent", "new"]
_ATTACHED = re.compile(r"attached")
_PATIENCE_S = 15.0


class Unwatched:
    """Nobody looks on."""

    def text(self, *, step: str | None, call_id: str, text: str, reasoning: bool) -> None:
        """Not looked at."""

    def output(self, *, proposal: str, text: str) -> None:
        """Not looked at."""

    def progress(self, *, what: str, fraction: float | None) -> None:
        """Not looked at."""


def lay_out(folder: Path, *, has_workspace: bool = False) -> None:
    """The workspace before the apply, and a folder outside that must stay as it is."""
    (folder / "out").mkdir(parents=True)
    (folder / "out" / "secret").write_bytes(b"secret")
    if not has_workspace:
        (folder / "ws").mkdir()
    (folder / "ws" / "a").write_bytes(OLD_BYTES)
    (folder / "ws" / "b").write_bytes(OLD_BYTES)


def open_gate(folder: Path) -> Gate:
    """A gate over the workspace of this folder, as a new process would open it."""
    journal = Journal.open(folder / "state" / "journal.db")
    session, root = journal.session("s"), folder / "ws"
    return Gate(
        root,
        session,
        approvals=Approvals(journal),
        policy=Policy.load(Settings(), root),
        approver=Scripted([yes, yes]),
        effects=Effects(root, session, Unwatched(), sandboxing="off"),
    )


def files_now(folder: Path) -> list[str]:
    """What each of the three files is: old, new, absent or HALF."""
    known = {OLD_BYTES: "old", NEW_BYTES: "new"}
    paths = [folder / "ws" / name for name in NAMES]
    return [known.get(path.read_bytes(), "HALF") if path.exists() else "absent" for path in paths]


def strays(folder: Path) -> list[str]:
    """Everything that is neither one of the files nor one of our own places."""
    root = folder / "ws"
    found = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]
    outside = [path.name for path in folder.iterdir() if path.name not in ("ws", "out", "state")]
    secret = [path.name for path in (folder / "out").iterdir() if path.read_bytes() != b"secret"]
    return sorted([name for name in found if name not in NAMES] + outside + secret)


def in_child(work: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """Run this in a process of its own and hand back what it says; empty if it died."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        said: Mapping[str, Any] = {}
        try:
            said = work()
        finally:
            if (error := sys.exc_info()[1]) is not None:
                said = {"error": f"{type(error).__name__}: {error}"}
            os.write(writing, json.dumps(said).encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else {}


@dataclass
class Applying:
    """A process that waits with everything in place, and applies when it is told to."""

    folder: Path
    process: int
    threads: Mapping[str, int]
    """`main` opens and records, `files` writes the user's files."""
    go: int
    says: int

    @classmethod
    def start(cls, folder: Path) -> "Applying":
        """Start it; it comes back when it waits."""
        go_reading, go = os.pipe()
        says, say = os.pipe()
        if (process := os.fork()) == 0:
            os.close(go)
            os.close(says)
            code = 1
            try:
                asyncio.run(_wait_and_apply(folder, go_reading, say))
                code = 0
            finally:
                os._exit(code)
        os.close(go_reading)
        os.close(say)
        return cls(folder, process, json.loads(_line(says)), go, says)

    def finish(self) -> dict[str, Any]:
        """Let it go on, wait for its end, and hand back what it said; empty if it was killed."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self.go, b"go")
        text = b""
        if select.select([self.says], [], [], _PATIENCE_S)[0]:
            text = _line(self.says)
        else:
            os.kill(self.process, signal.SIGKILL)
            text = b'{"kind": "hung"}'
        os.waitpid(self.process, 0)
        os.close(self.go)
        os.close(self.says)
        return json.loads(text) if text else {}


def _line(descriptor: int) -> bytes:
    text = b""
    while not text.endswith(b"\n") and (piece := os.read(descriptor, 65_536)):
        text += piece
    return text


async def _wait_and_apply(folder: Path, go: int, say: int) -> None:
    executor = ThreadPoolExecutor(1)
    threads = {"main": threading.get_native_id(), "files": executor.submit(threading.get_native_id).result()}
    asyncio.get_running_loop().set_default_executor(executor)
    gate = open_gate(folder)
    change = gate.seal(CHANGES)
    os.write(say, json.dumps(threads).encode() + b"\n")
    os.read(go, 2)
    try:
        receipt: Receipt = await gate.submit(change, step="s1")
        said = {"kind": type(receipt).__name__, "reason": getattr(receipt, "reason", "")}
    except (HybridcodeError, OSError) as error:
        said = {"kind": type(error).__name__, "reason": str(error)}
    os.write(say, json.dumps(said).encode() + b"\n")


def disturbed(folder: Path, *, thread: str, options: list[str]) -> dict[str, Any]:
    """Apply with `strace` holding one thread of the process, with these options; see `Applying.finish`."""
    applying = Applying.start(folder)
    command = ["strace", "-o", str(folder / "trace"), "-p", str(applying.threads[thread]), *options]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    is_attached = any(_ATTACHED.search(line) for line in iter(tracer.stderr.readline, ""))
    said = applying.finish()
    tracer.communicate()
    if not is_attached:
        raise RuntimeError("strace cannot attach to a process here")
    trace = (folder / "trace").read_text("utf-8", "replace")
    (folder / "trace").unlink()
    return {**said, "trace": trace}


@dataclass
class Aftermath:
    """What was found after a disturbed apply, and after a new process settled it."""

    said: dict[str, Any]
    after: list[str]
    strays_after: list[str]
    found: dict[str, Any]
    faults: list[str] = field(default_factory=list[str])
    """Broken promises."""


def settle(folder: Path, said: dict[str, Any]) -> Aftermath:
    """Look, recover in a new process, look again, and say which promises were broken."""
    after, left = files_now(folder), strays(folder)
    found = in_child(lambda: _recovered(folder))
    result = Aftermath(said, after, left, found)
    if said.get("kind") == "hung":
        result.faults.append("hung")
    if any(state not in pair for state, pair in zip(after, zip(OLD, NEW, strict=True), strict=True)):
        result.faults.append(f"half a file: {after}")
    if "error" in found or not found:
        result.faults.append(f"recovery: {found.get('error', 'died')}")
    else:
        result.faults += _broken(found)
    return result


def _recovered(folder: Path) -> dict[str, Any]:
    gate = open_gate(folder)
    was = [str(row.state) for row in gate.approvals.in_state(*ApprovalState)]
    receipts = gate.recover()
    found: dict[str, Any] = {
        "was": was,
        "receipts": [type(receipt).__name__ for receipt in receipts],
        "then": files_now(folder),
        "strays": strays(folder),
        "states": [str(row.state) for row in gate.approvals.in_state(*ApprovalState)],
        "again": len(gate.recover()),
    }
    undecided = gate.approvals.in_state(ApprovalState.PENDING, ApprovalState.APPROVED)
    ended = [asyncio.run(gate.resubmit(row.id)) for row in undecided]
    found["ended"] = [type(receipt).__name__ for receipt in ended]
    found["end"] = files_now(folder)
    found["events"] = dict(Counter(type(envelope.event).__name__ for envelope in gate.journal.envelopes()))
    gate.journal.journal.verify()
    return found


def _broken(found: Mapping[str, Any]) -> list[str]:
    then, states, events = found["then"], found["states"], found["events"]
    faults: list[str] = []
    if then not in (OLD, NEW) and states != ["unknown"]:
        faults.append(f"neither all nor none: {then}")
    if found["strays"] and states != ["unknown"]:
        faults.append(f"left behind: {found['strays']}")
    if len(states) > 1 or any(state in ("executing", "edited", "expired") for state in states) or found["again"]:
        faults.append(f"approval: {found['was']} became {states}")
    if states == ["done"] and then != NEW:
        faults.append(f"said done: {then}")
    if states and states[0] in ("failed", "superseded", "pending", "approved") and then != OLD:
        faults.append(f"said {states[0]}: {then}")
    if found["ended"] not in ([], [Applied.__name__]) or (found["ended"] and found["end"] != NEW):
        faults.append(f"lost approval: {found['ended']}, {found['end']}")
    once = (ProposalMade, ProposalDecided, EffectStarted, EffectFinished)
    if doubled := [kind.__name__ for kind in once if events.get(kind.__name__, 0) > 1]:
        faults.append(f"doubled: {doubled}")
    return faults
