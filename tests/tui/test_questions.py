from driving import Drive, driving
from scene_parts import ASKS_EDIT, CHANGES, PLAN, planned, propose, talk
from scenes import drafting, plan_waiting, review_command, review_diff
from scripted_conversation import ScriptedConversation

from hybridcode.domain.action import Approve, Reject
from hybridcode.domain.events import (
    Interrupted,
    NoticeGiven,
    PlanDecided,
    PlanMade,
    ProposalDecided,
    ProposalMade,
    TaskEnded,
    TaskResumed,
)
from hybridcode.tui.screens.plan import PlanPane
from hybridcode.tui.screens.review import ReviewPane
from hybridcode.tui.widgets.composer import Composer


async def _later(drive: Drive) -> None:
    await drive.pilot.pause(0.2)
    await drive.settle()


def _made(conversation: ScriptedConversation) -> ProposalMade:
    return propose(conversation, conversation.seal(CHANGES), ruling=ASKS_EDIT, title="two files", name="p2")


async def test_resume_is_refused_while_a_task_runs() -> None:
    async with driving(drafting()) as drive:
        await drive.press(*"/resume", "enter")
        assert drive.talk.resumes == 0
        assert "a task is running: Esc interrupts it" in drive.told


async def test_a_task_that_the_session_refuses_stands_in_the_composer_again() -> None:
    conversation = talk(is_running=False)
    conversation.refusal = "A task is running."
    async with driving(conversation) as drive:
        await drive.press("h", "i", "enter")
        assert "A task is running." in drive.told
        assert drive.app.screen.query_one(Composer).text == "hi"


async def test_a_waiting_plan_is_announced_like_an_approval() -> None:
    async with driving(plan_waiting()) as drive:
        await drive.press("escape")
        assert drive.pane is None
        assert "? the plan waits for you" in drive.told
        await drive.press("ctrl+y", "y")
        assert drive.talk.plans == [PLAN]
        await _later(drive)
        assert "the plan waits" not in drive.told


async def test_a_plan_is_offered_when_the_composer_becomes_empty() -> None:
    conversation = talk()
    async with driving(conversation) as drive:
        await drive.press("h", "i")
        for event in planned():
            conversation.play(event)
        await _later(drive)
        assert drive.pane is None
        await drive.press("backspace", "backspace")
        await _later(drive)
        assert isinstance(drive.pane, PlanPane)


async def test_a_proposal_is_offered_when_the_composer_becomes_empty() -> None:
    conversation = drafting()
    async with driving(conversation) as drive:
        await drive.press("h", "i")
        conversation.play(_made(conversation))
        await drive.press("ctrl+u")
        await _later(drive)
        assert isinstance(drive.pane, ReviewPane)


async def test_text_sent_while_a_task_runs_is_queued_and_the_question_comes_then() -> None:
    conversation = drafting()
    async with driving(conversation) as drive:
        await drive.press("h", "i")
        conversation.play(_made(conversation))
        await _later(drive)
        assert drive.pane is None
        await drive.press("enter")
        await _later(drive)
        assert isinstance(drive.pane, ReviewPane)
        await drive.press("escape")
        assert "queued 1: hi" in drive.told
        assert conversation.answers == []


async def test_an_answer_of_somebody_else_is_told_as_such() -> None:
    conversation = review_command()
    async with driving(conversation) as drive:
        conversation.play(ProposalDecided("k3vq7m2p", Reject("no", "person:terminal")))
        await _later(drive)
        assert drive.pane is None
        assert "answered elsewhere" in drive.told
    conversation = plan_waiting()
    async with driving(conversation) as drive:
        conversation.play(PlanDecided(True, "run"))
        await _later(drive)
        assert "answered elsewhere" in drive.told


async def test_a_plan_whose_task_ended_was_not_answered_elsewhere() -> None:
    conversation = plan_waiting()
    async with driving(conversation) as drive:
        conversation.play(TaskEnded(1, "internal", ()))
        await _later(drive)
        assert drive.pane is None
        assert "closed: interrupted" in drive.told
        assert "answered elsewhere" not in drive.told


async def test_a_proposal_that_was_replaced_was_not_answered_elsewhere() -> None:
    conversation = review_diff()
    async with driving(conversation) as drive:
        made = _made(conversation)
        conversation.play(ProposalMade(made.proposal, supersedes="k3vq7m2p"))
        await _later(drive)
        assert drive.pane is not None
        assert drive.pane.subject == "p2"
        await drive.press("escape")
        assert "closed: another proposal stands in for it" in drive.told


async def test_ctrl_c_closes_the_pane_and_keeps_the_question() -> None:
    conversation = review_diff()
    async with driving(conversation, size=(140, 40)) as drive:
        await drive.press("ctrl+c")
        assert drive.talk.interrupts == 1
        conversation.play(Interrupted("you"))
        conversation.play(TaskEnded(130, "interrupted", (), "interrupted by you"))
        conversation.is_running = False
        await _later(drive)
        assert drive.pane is None
        assert "interrupted by you; what waits is kept · Ctrl+Y" in drive.told
        assert "answered elsewhere" not in drive.told
        await drive.press("ctrl+y", "A", after=3.0)
        assert [type(decision) for _, decision, _ in drive.talk.answers] == [Approve]


async def test_an_interrupted_plan_is_kept_and_can_be_answered() -> None:
    conversation = plan_waiting()
    async with driving(conversation) as drive:
        await drive.press("ctrl+c")
        conversation.play(Interrupted("you"))
        conversation.play(TaskEnded(130, "interrupted", (), "interrupted by you"))
        await _later(drive)
        assert drive.pane is None
        assert "? the plan waits for you" in drive.told
        await drive.press("ctrl+y", "y", after=3.0)
        assert drive.talk.plans == [PLAN]


async def test_a_plan_made_anew_is_asked_about_anew() -> None:
    conversation = plan_waiting()
    async with driving(conversation) as drive:
        await drive.press("y")
        conversation.play(PlanMade(PLAN, "person"))
        conversation.play(NoticeGiven("error", "the plan cannot be followed: there is no file x.py", "edit it again"))
        await _later(drive)
        assert isinstance(drive.pane, PlanPane)


async def test_a_task_that_goes_on_offers_again_what_was_put_aside() -> None:
    conversation = review_diff()
    async with driving(conversation) as drive:
        await drive.press("escape")
        await _later(drive)
        assert drive.pane is None
        conversation.play(TaskResumed("t1"))
        await _later(drive)
        assert isinstance(drive.pane, ReviewPane)


async def test_an_unknown_command_is_no_task() -> None:
    async with driving(talk(is_running=False)) as drive:
        await drive.press(*"/undone", "enter")
        assert drive.talk.started == []
        assert "there is no command /undone; there are /help, " in drive.told


async def test_tasks_of_the_session_are_in_the_history() -> None:
    async with driving(drafting()) as drive:
        await drive.press("up")
        assert drive.app.screen.query_one(Composer).text == "Prices are floats; make them exact."
