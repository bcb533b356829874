import asyncio
from pathlib import Path

import pytest

from hybridcode.agent.steering import MAX_NOTE, MAX_NOTES, bounded, steering
from hybridcode.domain.action import Reject
from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import DraftMade, ModelAsked, NoteGiven, PlanMade, ProposalMade
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.model import ModelRequest
from hybridcode.domain.plan import Plan
from hybridcode.gate.approvers import Inbox
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.models import Models
from hybridcode.session.session import Session
from tests.support.repos import git_repository
from tests.support.sessions import FRONTIER, LOCAL, Scene, as_json, edit, fence
from tests.support.waiting import happened, until

YOU = "person:tui"
PLAN = Plan((edit("1", "a.py#X"),))
SAID = "# A person says meanwhile\n> use two, not three"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", {"a.py": "X = 1\n"})


def told(request: ModelRequest) -> str:
    return request.messages[-1].content


async def test_a_note_reaches_the_next_planner_the_drafts_their_retries_and_the_judge(workspace: Path):
    frontier = ScriptedModel(
        FRONTIER, {"plan": ['{"search": ["X"]}', as_json(PLAN)], "judge": ["good fine"]}, piece_s=0.02
    )
    local = ScriptedModel(LOCAL, {"draft": ["no fence at all", fence("X = 2")]})
    session = Scene(workspace, models=Models(frontier, local)).open()
    task = asyncio.create_task(session.run("make X more"))
    await until(lambda: bool(happened(session, ModelAsked)))
    session.note("use two, not three", by=YOU)
    assert (await task).code == ExitCode.DONE
    first, second, judged = frontier.requests
    assert SAID not in told(first)
    assert told(second).endswith(SAID) and "# You asked to see" in told(second).partition(SAID)[0]
    assert told(judged).startswith(f"# Goal\nmake X more\n\n{SAID}\n\n# Diff")
    drafts = [told(request) for request in local.requests]
    assert all(f"# Step\ndo 1\n\n{SAID}" in text for text in drafts)
    assert [text.endswith(SAID) for text in drafts] == [True, False]
    for request in local.requests:  # what the drafts share ends before the note, so that it is reused
        assert told(request)[: request.breaks[-1]].endswith("# Step\ndo 1")
    await session.close()


async def test_a_note_leaves_what_waits_alone_and_is_on_record_before_anything_that_follows_from_it(workspace: Path):
    frontier = ScriptedModel(FRONTIER, {"plan": [as_json(PLAN)], "judge": ["good fine"]})
    local = ScriptedModel(LOCAL, {"draft": [fence("X = 3")]})
    scene = Scene(
        workspace,
        models=Models(frontier, local),
        make_approver=lambda approvals, sandbox: Inbox(approvals, poll_s=0.02),
    )
    session = scene.open()
    task = asyncio.create_task(session.run("make X more"))
    await until(lambda: bool(happened(session, ProposalMade)))
    session.note("use two, not three", by=YOU)
    await asyncio.sleep(0.1)
    assert [view.status for view in session.state.proposals.values()] == ["pending"]
    (note,) = happened(session, NoteGiven)
    assert note == NoteGiven("task-1", "use two, not three", YOU)
    session.interrupt("you")
    await task
    await session.close()
    assert await resumed_windows(scene, session)


async def resumed_windows(scene: Scene, session: Session) -> bool:
    """Go on in a new process' place: the note is told to the drafts that are still to come."""
    local = ScriptedModel(LOCAL, {"draft": [fence("X = 2")]})
    scene.models = Models(ScriptedModel(FRONTIER, {"judge": ["good fine"]}), local)
    scene.make_approver = lambda approvals, sandbox: Inbox(approvals, poll_s=0.02)
    again = scene.open(session.id)
    (view,) = again.state.waiting
    task = asyncio.create_task(again.resume())
    await until(lambda: again.is_running)
    again.gate.approvals.answer(view.proposal.id, Reject("as I said", YOU))
    await until(lambda: len(happened(again, DraftMade)) == 2)
    again.interrupt("you")
    await task
    await again.close()
    return SAID in told(local.requests[0])


async def test_without_a_task_a_note_is_refused_and_nothing_is_recorded(workspace: Path):
    session = Scene(workspace, models=Models(None, None)).open()
    before = len(session.state.envelopes)
    with pytest.raises(HybridcodeError, match="No task is running"):
        session.note("hello", by=YOU)
    assert len(session.state.envelopes) == before
    await session.close()


async def test_secrets_are_taken_out_of_a_note_before_it_is_written_down(workspace: Path):
    frontier = ScriptedModel(FRONTIER, {"plan": ['{"answer": "ok"}']}, piece_s=0.05)
    session = Scene(workspace, models=Models(frontier, None)).open()
    task = asyncio.create_task(session.run("what is it?"))
    await until(lambda: bool(happened(session, ModelAsked)))
    session.note("the token is ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8", by=YOU)
    await task
    (note,) = happened(session, NoteGiven)
    assert "ghp_" not in note.text and "[redacted:" in note.text
    assert happened(session, PlanMade)
    await session.close()


def test_notes_are_bounded_and_the_newest_stay():
    assert steering(()) == ""
    many = [f"note {number} {'x' * 900}" for number in range(5)]
    said = steering(many)
    assert "note 4" in said and "note 3" in said and "note 2" not in said
    assert "(3 earlier notes left out)" in said
    assert len(said) < MAX_NOTES + 200
    assert steering(["a\x1b[2Jb\nc"]).endswith("\n> c") and "\x1b" not in steering(["a\x1b[2Jb\nc"])


@pytest.mark.parametrize(
    "text", ["", "  \n", "x" * (MAX_NOTE + 1), "\u202e" * (MAX_NOTE // 2)], ids=["none", "blank", "long", "hiding"]
)
def test_an_empty_or_a_long_note_is_refused(text: str):
    with pytest.raises(HybridcodeError):
        bounded(text)
