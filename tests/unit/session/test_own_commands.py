import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hybridcode.domain.action import Applied, Approve, Declined, Denied, Ran, ShellCommand, action_digest
from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import (
    CheckRan,
    CommandChanged,
    EffectFinished,
    EffectStarted,
    ModelAsked,
    ProposalDecided,
    ProposalMade,
)
from hybridcode.domain.plan import Plan
from hybridcode.gate.approvers import Inbox, Scripted, no, yes
from hybridcode.gate.taking_back import Reach
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.history import history_of
from hybridcode.session.models import Models
from hybridcode.session.resuming import proven_commands
from hybridcode.session.rewinding import rewind, take_back
from hybridcode.session.session import Session
from tests.support.repos import git_repository
from tests.support.sessions import FRONTIER, LOCAL, Scene, edit, fence, planning
from tests.support.waiting import happened, until

FILES = {"a.py": "X = 1\n", "b.py": "Y = 1\n"}
YOU = "person:tui"
PLAN = Plan((edit("1", "a.py#X"),))
BARE = {"approval.sandbox": "off"}
"""Without a sandbox: one that cannot mount forbids new files beside `.git`."""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", FILES)


@pytest.fixture
def answers() -> Scripted:
    return Scripted()


@pytest.fixture
async def session(workspace: Path, answers: Scripted) -> AsyncIterator[Session]:
    session = Scene(workspace, make_approver=lambda approvals, sandbox: answers, settings=BARE).open()
    yield session
    await session.close()


async def test_what_policy_would_ask_runs_at_once_approved_by_the_person_for_exactly_these_words(session: Session):
    receipt = await session.own.run("touch made.txt", by=YOU)
    assert isinstance(receipt, Ran) and receipt.exit_code == 0
    told = [envelope.event for envelope in session.state.envelopes]
    kinds = (ProposalMade, ProposalDecided, EffectStarted, CommandChanged, EffectFinished)
    assert [type(event) for event in told if isinstance(event, kinds)] == list(kinds)
    (made,), (decided,) = happened(session, ProposalMade), happened(session, ProposalDecided)
    assert isinstance(made.proposal.action, ShellCommand)
    assert (made.proposal.action.argv, made.proposal.ruling.verdict) == (("touch", "made.txt"), "ask")
    assert decided.decision == Approve(action_digest(made.proposal.action), YOU)
    assert session.state.tasks == []
    (changed,) = happened(session, CommandChanged)
    assert [change.path for change in changed.changes] == ["made.txt"]
    await take_back(session, Reach(), by=YOU)
    assert not (session.options.workspace / "made.txt").exists()


async def test_no_stays_no_with_the_rule_and_what_lifts_it(session: Session, workspace: Path):
    (workspace / "a.py").write_text("X = 9\n")
    receipt = await session.own.run("git checkout .", by=YOU)
    assert isinstance(receipt, Denied)
    assert receipt.rule == "commands.destroys-history" and "rule in your own config" in receipt.hint
    assert (workspace / "a.py").read_text() == "X = 9\n"
    assert happened(session, EffectStarted) == []


@pytest.mark.parametrize("line", ["printf '\x1b[2J\x07'", "ls \u202exe", "touch a\u200bb", "\u0440m a.py"])
async def test_hidden_characters_are_refused_and_nothing_starts(session: Session, line: str):
    assert isinstance(await session.own.run(line, by=YOU), Denied)
    assert happened(session, EffectStarted) == []


@pytest.mark.parametrize("line", ["rm a.py", "ls\nrm a.py", "ls\ntouch c", "ls\npwd"])
async def test_what_destroys_or_has_several_lines_is_asked_of_the_person_once_more(
    session: Session, answers: Scripted, line: str
):
    answers.answers += [no(), yes]
    assert isinstance(await session.own.run(line, by=YOU), Declined)
    assert happened(session, EffectStarted) == []
    assert isinstance(await session.own.run(line, by=YOU), Ran)
    assert [proposal.action for proposal in answers.asked] == [view.proposal.action for view in session.state.own]


async def test_in_plan_mode_nothing_runs(session: Session):
    session.switch_mode("plan", by=YOU)
    receipt = await session.own.run("touch made.txt", by=YOU)
    assert isinstance(receipt, Denied) and receipt.rule == "mode.plan"


async def test_a_stop_ends_all_processes_and_keeps_what_was_printed(session: Session, workspace: Path):
    running = asyncio.create_task(session.own.run("echo begun; touch made.txt; sleep 30 & sleep 30", by=YOU))
    await until(lambda: (workspace / "made.txt").exists())
    with pytest.raises(HybridcodeError, match="still runs"):
        await session.own.run("ls", by=YOU)
    session.own.stop(YOU)
    receipt = await asyncio.wait_for(running, 5)
    assert isinstance(receipt, Ran)
    assert (receipt.exit_code, receipt.timed_out, receipt.tail) == (143, False, "begun\n")
    assert [type(event) for event in happened(session, CommandChanged)] == [CommandChanged]
    assert not session.own.is_running


async def test_one_that_waits_is_withdrawn_by_a_stop(workspace: Path):
    session = Scene(
        workspace, make_approver=lambda approvals, sandbox: Inbox(approvals, poll_s=0.02), settings=BARE
    ).open()
    running = asyncio.create_task(session.own.run("rm a.py", by=YOU))
    await until(lambda: bool(session.state.waiting))
    session.own.stop(YOU)
    assert isinstance(await running, Declined)
    assert session.state.waiting == [] and (workspace / "a.py").exists()
    await session.close()


async def test_what_waits_when_the_session_closes_is_pending_afterwards_and_runs_once_it_is_answered(workspace: Path):
    scene = Scene(workspace, make_approver=lambda approvals, sandbox: Inbox(approvals, poll_s=0.02), settings=BARE)
    session = scene.open()
    running = asyncio.create_task(session.own.run("rm a.py", by=YOU))
    await until(lambda: bool(session.state.waiting))
    await session.close()
    assert await running is None
    again = scene.open(session.id)
    (view,) = again.state.waiting
    again.gate.approvals.answer(view.proposal.id, Approve(view.proposal.digest, YOU))
    assert isinstance(await again.own.take_up(view.proposal.id), Ran)
    assert not (workspace / "a.py").exists()
    await again.close()


async def test_it_runs_beside_a_task_and_an_undo_of_one_leaves_the_other(workspace: Path):
    frontier = ScriptedModel(FRONTIER, {**planning(PLAN)})
    local = ScriptedModel(LOCAL, {"draft": [fence("X = 2")]}, piece_s=0.05)
    session = Scene(workspace, models=Models(frontier, local), settings=BARE).open()
    task = asyncio.create_task(session.run("make X two"))
    await until(lambda: bool(happened(session, ModelAsked)))
    own = asyncio.create_task(session.own.run("echo Z > z.py; sleep 2; echo done", by=YOU))
    await until(lambda: bool(happened(session, EffectStarted)))
    await task
    assert (workspace / "a.py").read_text() == "X = 2\n"
    assert session.own.is_running
    assert isinstance(await own, Ran)
    (changed,) = happened(session, CommandChanged)
    assert [change.path for change in changed.changes] == ["z.py"]
    assert session.state.of_task and all(view.proposal.step == "1" for view in session.state.of_task)
    await take_back(session, Reach(step="(you)"), by=YOU)
    assert (workspace / "a.py").read_text() == "X = 2\n" and not (workspace / "z.py").exists()
    await session.close()


async def test_what_it_wrote_onto_an_edit_made_meanwhile_is_undone_to_that_edit(workspace: Path):
    frontier, local = ScriptedModel(FRONTIER, {**planning(PLAN)}), ScriptedModel(LOCAL, {"draft": [fence("X = 2")]})
    session = Scene(workspace, models=Models(frontier, local), settings=BARE).open()
    own = asyncio.create_task(session.own.run("sleep 2; echo 'Z = 3' >> a.py", by=YOU))
    await until(lambda: bool(happened(session, EffectStarted)))
    await session.run("make X two")
    assert isinstance(happened(session, EffectFinished)[0].receipt, Applied)
    await own
    assert (workspace / "a.py").read_text() == "X = 2\nZ = 3\n"
    await take_back(session, Reach(step="(you)"), by=YOU)
    assert (workspace / "a.py").read_text() == "X = 2\n"
    await session.close()


async def test_two_commands_over_the_same_tree_end_one_after_the_other(session: Session):
    gate = session.gate
    slow = asyncio.create_task(session.own.run("sleep 1.5; touch late.txt", by=YOU))
    await until(lambda: len(happened(session, EffectStarted)) == 1)
    await gate.perform(ShellCommand(script="touch early.txt"), step="1", title="touch", by=YOU)
    assert isinstance(await slow, Ran)
    paths = [[c.path for c in event.changes] for event in happened(session, CommandChanged)]
    assert paths == [["early.txt"], ["late.txt"]]


async def test_the_next_planner_knows_the_command_and_the_end_of_its_output(workspace: Path):
    frontier = ScriptedModel(FRONTIER, {"plan": ['{"answer": "ok"}'] * 2})
    session = Scene(workspace, models=Models(frontier, None), settings=BARE).open()
    await session.own.run("seq 1 2000; touch made.txt; exit 3", by=YOU)
    for number in range(4):
        await session.own.run(f"echo {'word ' * 300}{number}", by=YOU)
    await session.run("what went wrong?")
    sent = frontier.requests[0].messages[-1].content
    told = sent.partition("# Earlier in this session\n")[2].partition("\n\n# ")[0]
    assert "2 earlier commands of the person's own are left out" in told
    assert "word 3\n" in told + "\n" and "exit code 0" in told
    assert len(told) < 2_000
    assert session.state.task is not None
    await rewind(session, session.state.task.task.id, files=False, conversation=True, by=YOU)
    assert "word 3" in history_of(session.state)
    await session.run("and now?")
    await session.own.run("seq 1 2000; touch other.txt; exit 3", by=YOU)
    record = history_of(session.state)
    assert "exit code 3; it changed other.txt; its output ended:" in record
    assert "  > 2000" in record and "more characters above)" in record
    await session.close()


async def test_checks_are_proven_no_more_once_a_command_of_the_person_may_have_changed_something(session: Session):
    session.log.append(CheckRan(None, "pytest -q", passed=True, exit_code=0, tail="2 passed", seconds=0.1))
    await session.own.run("ls", by=YOU)
    assert proven_commands(session.state.envelopes) == {"pytest -q": "2 passed"}
    await session.own.run("touch made.txt", by=YOU)
    assert proven_commands(session.state.envelopes) == {}


async def test_it_runs_in_the_same_sandbox_as_other_commands(workspace: Path):
    session = Scene(workspace, make_approver=lambda approvals, sandbox: Scripted()).open()
    receipt = await session.own.run("echo 'Z = 2' >> a.py", by=YOU)
    assert isinstance(receipt, Ran)
    assert (receipt.exit_code, receipt.sandbox) == (0, session.sandbox.kind)
    await session.close()


async def test_the_network_is_open_to_what_policy_sees_go_there_and_to_nothing_else(session: Session):
    for line in ("git fetch", "touch made.txt"):
        await session.own.run(line, by=YOU)
    actions = [view.proposal.action for view in session.state.own]
    assert [action.network for action in actions if isinstance(action, ShellCommand)] == [True, False]
    assert all(view.status == "done" for view in session.state.own)
