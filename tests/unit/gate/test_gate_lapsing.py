import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from gate_bench import Bench, open_bench

from hybridcode.domain.action import (
    Amend,
    Applied,
    Decision,
    Expired,
    FileEdit,
    Held,
    Proposal,
    Ran,
    ShellCommand,
    Stale,
)
from hybridcode.domain.errors import ConfigError, GateError
from hybridcode.domain.events import EffectFinished, RuleGranted, SessionResumed
from hybridcode.gate.approvers import Inbox, Refuse, Scripted, yes
from hybridcode.gate.grants import grant, grants_of
from hybridcode.gate.lapsing import lapse, lapsed
from hybridcode.journal.approvals import ApprovalRow
from hybridcode.journal.states import ApprovalState
from hybridcode.journal.store import utc_now


async def held(bench: Bench, *, text: str = "x") -> ApprovalRow:
    receipt = await bench.submit(bench.change("a.py", text))
    assert isinstance(receipt, Held)
    return bench.gate.approvals.get(receipt.proposal)


async def test_a_proposal_whose_files_changed_is_closed_when_somebody_goes_on_with_it(tmp_path: Path):
    bench = open_bench(tmp_path, approver=Refuse())
    bench.write("a.py", "one")
    row = await held(bench, text="two")
    bench.write("a.py", "somebody else's")
    later = open_bench(tmp_path, yes)
    assert await later.gate.resubmit(row.id) == Stale(("a.py",))
    assert later.gate.approvals.get(row.id).state == ApprovalState.SUPERSEDED
    assert later.events[-1] == EffectFinished(row.id, Stale(("a.py",)))
    assert await later.gate.resubmit(row.id) == Stale(("a.py",))
    assert (later.read("a.py"), later.names.count("EffectFinished")) == ("somebody else's", 2)
    later.journal.verify()


async def test_files_that_are_what_they_were_again_do_no_harm(tmp_path: Path):
    bench = open_bench(tmp_path, approver=Refuse())
    bench.write("a.py", "one")
    row = await held(bench, text="two")
    bench.write("a.py", "else")
    bench.write("a.py", "one")
    assert isinstance(await open_bench(tmp_path, yes).gate.resubmit(row.id), Applied)


async def test_nothing_expires_unless_a_person_wants_it(tmp_path: Path):
    bench = open_bench(tmp_path, approver=Refuse())
    row = await held(bench)
    bench.journal.clock = lambda: utc_now() + timedelta(days=400)
    bench.gate.approver = Scripted([yes])
    assert isinstance(await bench.gate.resubmit(row.id), Applied)


@pytest.mark.parametrize("answered", [False, True], ids=["pending", "approved"])
async def test_what_waited_too_long_is_not_carried_out(tmp_path: Path, answered: bool):
    bench = open_bench(tmp_path, approver=Refuse())
    bench.gate.expires_s = 60
    row = await held(bench)
    if answered:
        bench.gate.approvals.answer(row.id, yes(row.proposal))
    bench.journal.clock = lambda: utc_now() + timedelta(seconds=59)
    assert lapsed(bench.gate.approvals.get(row.id), read=bench.gate.effects.read, now=utc_now(), expires_s=60) is None
    bench.journal.clock = lambda: utc_now() + timedelta(seconds=61)
    bench.gate.approver = Scripted([yes])
    receipt = await bench.gate.resubmit(row.id)
    assert isinstance(receipt, Expired)
    assert "0:01:00" in receipt.reason
    assert bench.gate.approvals.get(row.id).state == ApprovalState.EXPIRED
    assert bench.read("a.py") is None
    again = await bench.gate.submit_changes([bench.change("a.py", "x")], step="s1", resume=row.id)
    assert isinstance(again, Applied)
    bench.journal.verify()


async def test_a_person_who_does_not_answer_is_not_waited_for_beyond_the_limit(tmp_path: Path):
    bench = open_bench(tmp_path)
    inbox = Inbox(bench.gate.approvals, poll_s=60)
    bench.gate.approver, bench.gate.expires_s = inbox, 0.3
    receipt = await asyncio.wait_for(bench.submit(bench.change("a.py", "x")), 10)
    assert isinstance(receipt, Expired)
    assert inbox.waiting == ()


async def test_only_one_of_two_closes_it(tmp_path: Path):
    bench = open_bench(tmp_path, approver=Refuse())
    row = await held(bench)
    assert lapse(bench.gate.approvals, row, Expired("late"))
    assert not lapse(bench.gate.approvals, row, Stale(("a.py",)))
    assert bench.names.count("EffectFinished") == 2  # Held, Expired


async def test_an_answer_from_another_terminal_is_seen_within_a_second(tmp_path: Path):
    bench = open_bench(tmp_path)
    inbox = Inbox(bench.gate.approvals)
    bench.gate.approver = inbox
    running = asyncio.create_task(bench.submit(bench.change("a.py", "x")))
    proposal = await inbox.requests.get()
    other = open_bench(tmp_path)
    other.gate.approvals.answer(proposal.id, yes(proposal))
    assert isinstance(await asyncio.wait_for(running, 1.0), Applied)


async def test_a_grant_is_one_commands_text_on_record_and_lifts_no_deny(tmp_path: Path):
    bench = open_bench(tmp_path)
    for wide in ("Bash(make *)", "Bash", "Bash(=)", "Edit(src/**)", "Edit(=a.py)", "Bash(make ?)"):
        with pytest.raises((GateError, ConfigError)):
            grant(bench.session, bench.gate.policy, wide, scope="session", by="person:tui")
    assert bench.events == []
    policy = grant(bench.session, bench.gate.policy, "Bash(=make test)", scope="session", by="person:tui")
    assert bench.events == [RuleGranted("Bash(=make test)", "session", "person:tui")]
    assert policy.judge(ShellCommand(script="make test")).verdict == "allow"
    assert policy.judge(ShellCommand(script="make tests")).verdict == "ask"
    assert policy.judge(ShellCommand(script="make test; make clean")).verdict == "ask"
    denied = "sudo make install"
    policy = grant(bench.session, policy, f"Bash(={denied})", scope="session", by="person:tui")
    assert policy.judge(ShellCommand(script=denied)).verdict == "deny"
    bench.session.append(SessionResumed("1"))
    assert grants_of(bench.session.envelopes()) == ()


async def test_an_amendment_says_who_made_it_and_what_its_undo_does_not_cover(tmp_path: Path):
    asked: list[Proposal] = []

    def note(proposal: Proposal) -> Decision:
        asked.append(proposal)
        return yes(proposal)

    bench = open_bench(tmp_path)
    bench.gate.approver = Inbox(bench.gate.approvals, poll_s=0.02)
    inbox = bench.gate.approver
    running = asyncio.create_task(bench.gate.submit(ShellCommand(script="make"), step="s1", writer="local, try 1"))
    first = await inbox.requests.get()
    from_person = bench.gate.approvals.answer(first.id, amended("touch made"))
    second = await inbox.requests.get()
    assert from_person
    assert second.writer == "local, try 1; edited by person:terminal"
    assert any("without a sandbox" in text for text in second.notes)
    inbox.answer(second.id, note(second))
    assert isinstance(await running, Ran)


def amended(script: str) -> Decision:
    return Amend(ShellCommand(script=script), "person:terminal")


async def test_models_cannot_make_links(tmp_path: Path):
    bench = open_bench(tmp_path, yes)
    change = bench.gate.seal([bench.change("a.py", "target")])
    (edit,) = change.edits
    link = type(change)((FileEdit("a.py", None, edit.after_sha256, 0o120777),))
    receipt = await bench.gate.submit(link, step="s1")
    assert "symbolic links" in getattr(receipt, "reason", "")
    assert bench.read("a.py") is None


async def test_a_workspace_that_cannot_be_read_runs_nothing(tmp_path: Path):
    bench = open_bench(tmp_path, yes)
    bench.gate.traces = type(bench.gate.traces)(tmp_path / "gone", bench.session)
    receipt = await bench.gate.submit(ShellCommand(script="touch ran"), step="s1")
    assert "was not run" in getattr(receipt, "reason", "")
    assert bench.read("ran") is None
