import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from gate_bench import open_bench

from hybridcode.domain.action import (
    Amend,
    Applied,
    Decision,
    Declined,
    Failed,
    Held,
    Proposal,
    Ran,
    Reject,
    ShellCommand,
)
from hybridcode.domain.events import EffectFinished, EffectStarted, ProposalMade
from hybridcode.gate.approvers import Refuse, Scripted, yes
from hybridcode.journal.states import ApprovalState


async def test_what_has_ended_is_neither_taken_up_nor_superseded(tmp_path: Path):
    bench = open_bench(tmp_path, yes, yes, yes, yes)
    await bench.submit(bench.change("a.py", "x"))
    (first,) = bench.gate.approvals.in_state(ApprovalState.DONE)
    await bench.gate.submit_changes([bench.change("a.py", "y")], step="s1", resume=first.id)
    made = [event for event in bench.events if isinstance(event, ProposalMade)]
    assert (bench.read("a.py"), [event.supersedes for event in made]) == ("y", ["", ""])
    assert bench.gate.approvals.get(first.id).state == ApprovalState.DONE
    command = ShellCommand(script="echo again >> ran")
    await bench.gate.submit(command, step="s2")
    ran = bench.gate.approvals.in_state(ApprovalState.DONE)[-1]
    assert isinstance(await bench.gate.submit(command, step="s2", resume=ran.id), Ran)
    assert bench.read("ran") == "again\nagain\n"


async def test_a_no_from_elsewhere_is_told_once_and_then_asked_anew(tmp_path: Path):
    bench = open_bench(tmp_path, approver=Refuse())
    held = await bench.submit(bench.change("a.py", "x"))
    assert isinstance(held, Held)
    bench.gate.approvals.answer(held.proposal, Reject("not yet", "person:terminal"))
    bench.gate.approver = Scripted([yes])
    told = await bench.gate.submit_changes([bench.change("a.py", "x")], step="s1", resume=held.proposal)
    assert told == Declined("not yet", "person:terminal")
    again = await bench.gate.submit_changes([bench.change("a.py", "x")], step="s1", resume=held.proposal)
    assert isinstance(again, Applied)


async def test_an_amended_proposal_has_ended_when_its_amendment_has(tmp_path: Path):
    def amend(proposal: Proposal) -> Decision:
        return Amend(bench.gate.seal([bench.change("a.py", "mine")]), "person:tui")

    bench = open_bench(tmp_path, amend, yes)
    await bench.submit(bench.change("a.py", "theirs"))
    (first,) = bench.gate.approvals.in_state(ApprovalState.EDITED)
    (bench.root / "a.py").unlink()
    assert isinstance(await bench.gate.submit(first.proposal.action, step="s1", resume=first.id), Applied)
    assert bench.read("a.py") == "theirs"


@contextlib.contextmanager
def locked(folder: Path) -> Generator[None]:
    """Hold the lock that an apply of another process holds."""
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(descriptor)


async def test_waiting_for_another_process_holds_nobody_up(tmp_path: Path):
    bench = open_bench(tmp_path, yes)
    with locked(bench.root):
        running = asyncio.create_task(bench.submit(bench.change("a.py", "x")))
        started = time.monotonic()
        await asyncio.sleep(0.2)
        assert time.monotonic() - started < 1.0
        assert not running.done()
        assert bench.names[-1] == "EffectStarted"
    assert isinstance(await running, Applied)
    assert bench.read("a.py") == "x"


async def test_cancelling_that_wait_writes_nothing_and_says_so(tmp_path: Path):
    bench = open_bench(tmp_path, yes)
    with locked(bench.root):
        running = asyncio.create_task(bench.submit(bench.change("a.py", "x")))
        await asyncio.sleep(0.1)
        for _ in range(3):
            running.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(running, 2.0)
    (row,) = bench.gate.approvals.in_state(ApprovalState.FAILED)
    receipt = await bench.gate.resubmit(row.id)
    assert isinstance(receipt, Failed)
    assert "stopped" in receipt.reason
    await asyncio.sleep(0.1)
    assert bench.read("a.py") is None
    assert bench.gate.recover() == []


@pytest.mark.parametrize("delay", [0.0, 0.002, 0.01])
async def test_a_cancellation_never_leaves_half_a_change(tmp_path: Path, delay: float):
    bench = open_bench(tmp_path, yes)
    changes = [bench.change(f"f{number:02}", "x" * 10_000) for number in range(30)]
    started = asyncio.Event()
    bench.session.subscribe(lambda envelope: started.set() if isinstance(envelope.event, EffectStarted) else None)
    running = asyncio.create_task(bench.submit(*changes))
    await started.wait()
    await asyncio.sleep(delay)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    finished = bench.events[-1]
    assert isinstance(finished, EffectFinished)
    assert isinstance(finished.receipt, Applied | Failed)
    written = sorted(path.name for path in bench.root.iterdir())
    assert written == ([change.path for change in changes] if isinstance(finished.receipt, Applied) else [])
