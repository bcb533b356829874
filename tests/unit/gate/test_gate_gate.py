import asyncio
import shutil
from pathlib import Path

import pytest
from gate_bench import open_bench, settings_with

from hybridcode.domain.action import (
    Amend,
    Applied,
    Approve,
    ChangeSet,
    Decision,
    Declined,
    Denied,
    Failed,
    FileEdit,
    Held,
    Proposal,
    Ran,
    Reject,
    ShellCommand,
    Stale,
    Unknown,
    action_digest,
)
from hybridcode.domain.errors import GateError, IntegrityError, SessionBusy
from hybridcode.domain.events import EffectFinished, EffectStarted, ProposalDecided, ProposalMade, TreeKept
from hybridcode.gate.approvers import Inbox, PolicyOnly, Refuse, Scripted, no, yes
from hybridcode.gate.gate import summary
from hybridcode.gate.sandbox import probe
from hybridcode.journal.approvals import Approvals
from hybridcode.journal.states import ApprovalState
from hybridcode.journal.store import Journal


async def test_a_yes_writes_exactly_the_bytes_in_order(tmp_path: Path):
    bench = open_bench(tmp_path, yes)
    bench.write("a.py", "old\n")
    seen: list[str | None] = []

    def look(proposal: Proposal) -> Decision:
        seen.append(bench.read("a.py"))
        return yes(proposal)

    bench.gate.approver = Scripted([look])
    receipt = await bench.submit(bench.change("a.py", "new\n"), bench.change("src/b.py", "b\n"))
    assert isinstance(receipt, Applied)
    assert (bench.read("a.py"), bench.read("src/b.py"), seen) == ("new\n", "b\n", ["old\n"])
    assert bench.names == ["ProposalMade", "ProposalDecided", "EffectStarted", "EffectFinished"]
    made, decided, started, finished = bench.events
    assert isinstance(made, ProposalMade)
    assert isinstance(decided, ProposalDecided)
    assert started == EffectStarted(made.proposal.id, action_digest(made.proposal.action))
    assert finished == EffectFinished(made.proposal.id, receipt)
    assert made.proposal.title == "a.py +1 -1, src/b.py (new)"
    assert [path.name for path in bench.root.iterdir() if path.name.startswith(".")] == []
    bench.journal.verify()


async def test_a_no_is_told_with_its_reason(tmp_path: Path):
    bench = open_bench(tmp_path, no("use a set"))
    assert await bench.submit(bench.change("a.py", "x")) == Declined("use a set", "person:script")
    assert bench.read("a.py") is None
    assert bench.names == ["ProposalMade", "ProposalDecided", "EffectFinished"]


async def test_what_policy_denies_asks_nobody(tmp_path: Path):
    bench = open_bench(tmp_path)
    receipt = await bench.gate.submit(ShellCommand(script="rm -rf /"), step="s1")
    assert isinstance(receipt, Denied)
    assert receipt.rule.startswith("commands.")
    assert receipt.hint
    assert bench.names == ["ProposalMade", "ProposalDecided", "EffectFinished"]


async def test_what_policy_allows_asks_nobody(tmp_path: Path):
    bench = open_bench(tmp_path)
    bench.write("a.txt", "hello\n")
    receipt = await bench.gate.submit(ShellCommand(argv=("cat", "a.txt")), step="s1")
    assert isinstance(receipt, Ran)
    assert (receipt.exit_code, receipt.tail) == (0, "hello\n")
    assert bench.session.get_blob(receipt.output_sha256) == b"hello\n"
    assert "".join(bench.watcher.outputs) == "hello\n"


async def test_nobody_there_leaves_it_pending_and_a_later_process_takes_it_up(tmp_path: Path):
    bench = open_bench(tmp_path, approver=Refuse())
    receipt = await bench.submit(bench.change("a.py", "x"))
    assert isinstance(receipt, Held)
    assert [proposal.id for proposal in bench.gate.pending()] == [receipt.proposal]
    assert bench.read("a.py") is None
    later = open_bench(tmp_path, yes)
    assert isinstance(await later.gate.resubmit(receipt.proposal), Applied)
    assert later.read("a.py") == "x"
    assert isinstance(await later.gate.resubmit(receipt.proposal), Applied)
    assert later.names.count("EffectStarted") == 1


async def test_resume_reuses_the_same_action_and_supersedes_another(tmp_path: Path):
    bench = open_bench(tmp_path, approver=Refuse())
    held = await bench.submit(bench.change("a.py", "x"))
    assert isinstance(held, Held)
    again = await bench.gate.submit_changes([bench.change("a.py", "x")], step="s1", resume=held.proposal)
    assert again == held
    other = await bench.gate.submit_changes([bench.change("a.py", "y")], step="s1", resume=held.proposal)
    assert isinstance(other, Held)
    assert other.proposal != held.proposal
    assert bench.gate.approvals.get(held.proposal).state == ApprovalState.SUPERSEDED


async def test_an_empty_change_set_is_refused(tmp_path: Path):
    bench = open_bench(tmp_path)
    assert await bench.gate.submit(ChangeSet(()), step="s1") == Failed("nothing to change")
    assert await bench.submit() == Failed("nothing to change")
    assert bench.events == []
    bench.gate.approver = Scripted([lambda _: Amend(ChangeSet(()), "person:tui")])
    receipt = await bench.submit(bench.change("a.py", "x"))
    assert isinstance(receipt, Denied)
    assert receipt.rule == "files.none"
    assert "reject" in receipt.hint


async def test_another_terminal_can_answer(tmp_path: Path):
    bench = open_bench(tmp_path)
    inbox = Inbox(bench.gate.approvals, poll_s=0.02)
    bench.gate.approver = inbox
    running = asyncio.create_task(bench.submit(bench.change("a.py", "x")))
    proposal = await inbox.requests.get()
    with Journal.open(bench.journal.path) as other:
        assert Approvals(other).answer(proposal.id, Approve(proposal.digest, "person:terminal"))
    assert isinstance(await running, Applied)
    assert inbox.waiting == ()


async def test_the_first_of_two_answers_counts(tmp_path: Path):
    bench = open_bench(tmp_path)
    inbox = Inbox(bench.gate.approvals, poll_s=60)
    bench.gate.approver = inbox
    running = asyncio.create_task(bench.submit(bench.change("a.py", "x")))
    proposal = await inbox.requests.get()
    with Journal.open(bench.journal.path) as other:
        Approvals(other).answer(proposal.id, Reject("no", "person:terminal"))
    assert inbox.answer(proposal.id, Approve(proposal.digest, "person:tui"))
    assert await running == Declined("no", "person:terminal")
    assert bench.read("a.py") is None
    assert not inbox.answer(proposal.id, Approve(proposal.digest, "person:tui"))


async def test_a_persons_amendment_of_an_ordinary_file_is_its_approval(tmp_path: Path):
    bench = open_bench(tmp_path)

    def amend(proposal: Proposal) -> Decision:
        return Amend(bench.gate.seal([bench.change("a.py", "mine")]), "person:tui")

    bench.gate.approver = Scripted([amend])
    assert isinstance(await bench.submit(bench.change("a.py", "theirs")), Applied)
    assert bench.read("a.py") == "mine"
    first, second = [event for event in bench.events if isinstance(event, ProposalMade)]
    assert second.supersedes == first.proposal.id
    assert bench.gate.approvals.get(first.proposal.id).state == ApprovalState.EDITED


async def test_an_amendment_is_judged_again(tmp_path: Path):
    bench = open_bench(tmp_path, lambda _: Amend(ShellCommand(script="rm -rf ~"), "person:tui"))
    assert isinstance(await bench.gate.submit(ShellCommand(script="make"), step="s1"), Denied)
    bench = open_bench(tmp_path, lambda _: Amend(ShellCommand(argv=("make", "x")), "person:tui"), no("not that"))
    assert isinstance(await bench.gate.submit(ShellCommand(script="make"), step="s1"), Declined)


async def test_protected_files_need_a_person(tmp_path: Path):
    bench = open_bench(tmp_path, approver=PolicyOnly(is_sandboxed=True), settings=settings_with(mode="bypass"))
    assert isinstance(await bench.submit(bench.change(".github/workflows/ci.yml", "on: push")), Held)
    bench.gate.approver = Scripted([lambda proposal: Approve(proposal.digest, "--yes")])
    assert isinstance(await bench.submit(bench.change(".envrc", "x")), Held)
    bench.gate.approver = Scripted([yes])
    assert isinstance(await bench.submit(bench.change(".envrc", "x")), Applied)


async def test_yes_runs_commands_only_in_a_sandbox_or_as_a_named_check(tmp_path: Path):
    bench = open_bench(tmp_path, approver=PolicyOnly(is_sandboxed=False, checks=['sh  "check.sh"']))
    bench.write("check.sh", "echo checked\n")
    refused = await bench.gate.submit(ShellCommand(script="make"), step="s1")
    assert isinstance(refused, Denied)
    assert refused.rule == "approval.no-sandbox"
    assert "--no-sandbox" in refused.hint
    ran = await bench.gate.submit(ShellCommand(argv=("sh", "check.sh"), purpose="check"), step="s1")
    assert isinstance(ran, Ran)
    assert ran.tail == "checked\n"
    assert isinstance(await bench.submit(bench.change("a.py", "x")), Applied)


async def test_files_that_moved_on_make_it_stale(tmp_path: Path):
    bench = open_bench(tmp_path)
    bench.write("a.py", "one")

    def meanwhile(proposal: Proposal) -> Decision:
        bench.write("a.py", "somebody else's")
        return yes(proposal)

    bench.gate.approver = Scripted([meanwhile])
    receipt = await bench.submit(bench.change("a.py", "two"), bench.change("new.py", "x"))
    assert receipt == Stale(("a.py",))
    assert (bench.read("a.py"), bench.read("new.py")) == ("somebody else's", None)
    (row,) = bench.gate.approvals.in_state(ApprovalState.SUPERSEDED)
    assert row.by == "person:script"


async def test_an_approval_of_other_bytes_is_an_integrity_error(tmp_path: Path):
    bench = open_bench(tmp_path, lambda _: Approve("0" * 64, "person:tui"))
    with pytest.raises(IntegrityError):
        await bench.submit(bench.change("a.py", "x"))
    assert bench.read("a.py") is None


async def test_a_row_changed_behind_our_back_is_an_integrity_error(tmp_path: Path):
    bench = open_bench(tmp_path, approver=Refuse())
    held = await bench.submit(bench.change("a.py", "x"))
    assert isinstance(held, Held)
    bench.gate.approvals.answer(held.proposal, yes(bench.gate.approvals.get(held.proposal).proposal))
    with bench.journal.transaction() as writes:
        writes.execute("UPDATE approval SET proposal = replace(proposal, 'a.py', 'b.py')")
    with pytest.raises(IntegrityError):
        await bench.gate.resubmit(held.proposal)
    assert bench.read("b.py") is None


async def test_a_policy_that_tightened_beats_an_earlier_yes(tmp_path: Path):
    bench = open_bench(tmp_path, approver=Refuse())
    held = await bench.submit(bench.change("src/a.py", "x"))
    assert isinstance(held, Held)
    bench.gate.approvals.answer(held.proposal, yes(bench.gate.approvals.get(held.proposal).proposal))
    stricter = open_bench(tmp_path, settings=settings_with(deny=("Edit(src/**)",)))
    assert isinstance(await stricter.gate.resubmit(held.proposal), Denied)
    assert stricter.read("src/a.py") is None


async def test_cancelling_a_command_ends_it_and_says_so(tmp_path: Path):
    bench = open_bench(tmp_path, yes)
    started = asyncio.Event()
    bench.session.subscribe(lambda envelope: started.set() if isinstance(envelope.event, TreeKept) else None)
    running = asyncio.create_task(bench.gate.submit(ShellCommand(script="sleep 60; touch late"), step="s1"))
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    (row,) = bench.gate.approvals.in_state(ApprovalState.UNKNOWN)
    assert isinstance(await bench.gate.resubmit(row.id), Unknown)


def test_recovery_waits_for_nobody_who_works_on_the_session(tmp_path: Path):
    executing(tmp_path, action=ShellCommand(script="touch ran"))
    bench = open_bench(tmp_path)
    with Journal.open(bench.journal.path) as other:
        other.claim("s")
        with pytest.raises(SessionBusy):
            bench.gate.recover()
    assert len(bench.gate.approvals.in_state(ApprovalState.EXECUTING)) == 1
    bench.journal.claim("s")
    assert len(bench.gate.recover()) == 1


def executing(tmp_path: Path, *, action: ChangeSet | ShellCommand) -> str:
    """Leave a proposal as a process leaves it that dies in the middle."""
    bench = open_bench(tmp_path)
    proposal = Proposal("dead2222", "s1", action, action_digest(action), bench.gate.policy.judge(action))
    bench.gate.approvals.add("s", proposal)
    bench.gate.approvals.answer(proposal.id, yes(proposal))
    bench.gate.approvals.move(
        proposal.id,
        expect=ApprovalState.APPROVED,
        to=ApprovalState.EXECUTING,
        event=EffectStarted(proposal.id, proposal.digest),
    )
    bench.journal.close()
    return proposal.id


@pytest.mark.parametrize(
    ("a", "b", "expected", "left"),
    [
        ("new a", "new b", "already", ("new a", "new b")),
        ("old a", "old b", "redone", ("new a", "new b")),
        ("new a", "old b", "redone", ("new a", "new b")),
        ("new a", "else", "unknown", ("new a", "else")),
    ],
)
def test_recovery_of_files(tmp_path: Path, a: str, b: str, expected: str, left: tuple[str, str]):
    bench = open_bench(tmp_path)
    bench.write("a.py", "old a")
    bench.write("b.py", "old b")
    change = bench.gate.seal([bench.change("a.py", "new a"), bench.change("b.py", "new b")])
    executing(tmp_path, action=change)
    bench.write("a.py", a)
    bench.write("b.py", b)
    (receipt,) = open_bench(tmp_path).gate.recover()
    match receipt:
        case Applied(already=already):
            assert expected == ("already" if already else "redone")
        case _:
            assert isinstance(receipt, Unknown)
            assert expected == "unknown"
            assert "b.py" in receipt.reason
    assert (bench.read("a.py"), bench.read("b.py")) == left
    assert open_bench(tmp_path).gate.recover() == []
    bench.journal.verify()


def test_a_command_caught_executing_is_never_run_again(tmp_path: Path):
    name = executing(tmp_path, action=ShellCommand(script="touch ran"))
    bench = open_bench(tmp_path)
    (receipt,) = bench.gate.recover()
    assert isinstance(receipt, Unknown)
    assert bench.gate.approvals.get(name).state == ApprovalState.UNKNOWN
    assert bench.read("ran") is None


async def test_paths_are_sealed_where_they_lead(tmp_path: Path):
    bench = open_bench(tmp_path)
    bench.write("src/a.py", "x")
    (bench.root / "link").symlink_to("src")
    change = bench.gate.seal([bench.change("link/a.py", "y"), bench.change("src/../b.py", "z")])
    assert [edit.path for edit in change.edits] == ["b.py", "src/a.py"]


async def test_a_missing_blob_writes_nothing(tmp_path: Path):
    bench = open_bench(tmp_path, yes)
    change = ChangeSet((FileEdit("a.py", None, "f" * 64),))
    assert isinstance(await bench.gate.submit(change, step="s1"), Failed)
    assert bench.read("a.py") is None


async def test_scripted_approvers_are_exact(tmp_path: Path):
    bench = open_bench(tmp_path)
    with pytest.raises(GateError, match="No answer is left"):
        await bench.submit(bench.change("a.py", "x"))
    with pytest.raises(GateError, match="never asked for"):
        Scripted([yes]).finish()


async def test_in_the_sandbox_only_the_workspace_can_be_written(tmp_path: Path):
    if probe().kind == "none":
        pytest.skip("no sandbox on this machine")
    script = (
        "echo in > src/inside; echo out > ../outside; echo x >> .git/config; echo x > .hybridcode/policy.toml; "
        "cat < /dev/tcp/127.0.0.1/9; ls -A /run; true"
    )
    own_rule = settings_with(allow=(f"Bash(={script})",))
    bench = open_bench(tmp_path, yes, yes, is_sandboxed=True, settings=own_rule)
    bench.write(".git/config", "[core]\n")
    bench.write("src/a.py", "A = 1\n")
    receipt = await bench.gate.submit(ShellCommand(script=script), step="s1")
    assert isinstance(receipt, Ran)
    assert receipt.sandbox == probe().kind
    assert bench.read("src/inside") == "in\n"
    assert not (tmp_path / "outside").exists()
    assert bench.read(".git/config") == "[core]\n"
    assert not (bench.root / ".hybridcode").exists()


def test_titles_count_lines(tmp_path: Path):
    bench = open_bench(tmp_path)
    bench.write("a.py", "a\nb\nc\n")
    assert summary(bench.change("a.py", "a\nB\nc\nd\n")) == "a.py +2 -1"
    assert summary(bench.change("a.py", None)) == "a.py (deleted)"
    shutil.rmtree(bench.root)


async def test_what_policy_takes_for_a_reader_can_write_nothing_and_the_receipt_says_where_it_ran(tmp_path: Path):
    bench = open_bench(tmp_path, yes, is_sandboxed=True)
    box = bench.gate.effects.sandbox
    bench.write("src/a", "a\n")
    read = await bench.gate.submit(ShellCommand(script="cat src/a | wc -l"), step="s1")
    written = await bench.gate.submit(ShellCommand(script="touch src/b"), step="s1")
    assert isinstance(read, Ran)
    assert isinstance(written, Ran)
    assert (read.exit_code, read.tail.strip(), written.exit_code) == (0, "1", 0)
    assert (read.sandbox, read.unenforced) == (box.kind, box.unenforced)
    assert (tmp_path / "ws" / "src" / "b").exists()


async def test_a_git_command_that_may_write_the_repository_is_flagged(tmp_path: Path):
    bench = open_bench(tmp_path, no(), no())
    for line, flagged in (("git commit -m x", True), ("git commit -m x && make", False)):
        await bench.gate.submit(ShellCommand(script=line), step="s1")
        assert ("writes-git" in bench.gate.policy.judge(ShellCommand(script=line)).flags) is flagged
