from collections.abc import Callable

import pytest
from driving import Drive, driving
from scenes_asked import ENDED, SINCE, WHICH, one_question, two_questions
from scripted_conversation import ScriptedConversation
from snapshot_app import Clock, settled
from textual.widgets import TextArea

from hybridcode.domain.asked import MAX_ANSWER, QuestionAnswered, TaskQuestioned
from hybridcode.domain.events import TaskResumed
from hybridcode.tui.app import HybridcodeApp
from hybridcode.tui.screens.asked_back import AskedPane
from hybridcode.tui.widgets.composer import Composer

Snap = Callable[..., bool]


async def _later(drive: Drive) -> None:
    await drive.pilot.pause(0.2)
    await drive.settle()


async def test_a_digit_hands_the_option_in_as_it_is_shown() -> None:
    async with driving(one_question()) as drive:
        assert isinstance(drive.pane, AskedPane)
        assert "2  half to even" in drive.told
        await drive.press("2")
        assert drive.talk.told == ["half to even"]
        assert drive.pane is None


async def test_a_key_typed_before_the_pane_was_seen_answers_nothing() -> None:
    async with driving(one_question()) as drive:
        await drive.press("2", after=0.1)
        assert drive.talk.told == []
        assert "key ignored" in drive.told
        await drive.press("enter", "space", "4")
        assert drive.talk.told == []
        assert "there is no option 4" in drive.told


async def test_an_answer_of_other_words_is_written_and_saved() -> None:
    async with driving(one_question()) as drive:
        await drive.press("e", *"ceil", "ctrl+s")
        assert drive.talk.told == ["ceil"]


async def test_no_words_and_too_many_are_no_answer() -> None:
    async with driving(one_question()) as drive:
        await drive.press("e", "ctrl+s")
        assert "an answer is needed" in drive.told
        drive.app.screen.query_one(TextArea).text = "x" * (MAX_ANSWER + 7)
        await drive.press("ctrl+s")
        assert "7 characters too long" in drive.told
        assert drive.talk.told == []


async def test_several_questions_are_asked_one_by_one_and_handed_in_together() -> None:
    async with driving(two_questions()) as drive:
        assert "question 1 of 2" in drive.told
        await drive.press("1")
        assert drive.talk.told == []
        assert SINCE.text in drive.told
        await drive.press("u", "3", "e", *"2.0", "ctrl+s")
        assert drive.talk.told == ["1. as the ledger does\n2. 2.0"]


async def test_the_next_question_takes_no_key_of_the_one_before() -> None:
    async with driving(two_questions()) as drive:
        await drive.press("1")
        await drive.press("e", after=0.1)
        assert isinstance(drive.app.screen, AskedPane)


async def test_escape_leaves_it_waiting_and_every_place_says_so() -> None:
    async with driving(one_question()) as drive:
        await drive.press("escape")
        assert drive.pane is None
        assert "? the planner asks 1 question  Ctrl+Y reviews" in drive.told
        assert "Ctrl+Y shows the question; what you write next answers it too" in drive.told
        await drive.press("f4")
        assert "1 waiting" in drive.told
        assert "now  the planner asks: Which" in drive.told, drive.told
        assert WHICH.text in drive.told
        await drive.press("enter")
        await drive.settle()
        assert isinstance(drive.pane, AskedPane)
        await drive.press("escape")
        assert "the planner waits for your answer" in drive.app.leaving.farewell()


async def test_what_is_written_instead_answers_before_the_queue() -> None:
    async with driving(one_question()) as drive:
        await drive.press("escape")
        drive.app.writing.queued.append("a later task")
        await drive.press("enter")
        assert drive.talk.started == []
        assert "Ctrl+Y shows what the planner asks" in drive.told
        drive.app.screen.query_one(Composer).text = "half up"
        await drive.press("enter")
        assert drive.talk.started == ["half up"]


async def test_an_answer_that_the_session_refuses_is_asked_for_again() -> None:
    conversation = one_question()
    conversation.refusal = "The planner asks nothing now."
    async with driving(conversation) as drive:
        await drive.press("1")
        await _later(drive)
        assert "The planner asks nothing now." in drive.told
        conversation.refusal = ""
        await drive.press("ctrl+y", "1", after=3.0)
        assert conversation.told == ["half up"]


async def test_a_question_is_offered_once_the_task_stopped_and_not_once_it_is_answered() -> None:
    conversation = one_question()
    ended = conversation.events.pop()
    async with driving(conversation) as drive:
        assert drive.pane is None
        conversation.play(ended)
        await _later(drive)
        assert isinstance(drive.pane, AskedPane)
        conversation.play(QuestionAnswered("t1", "half up", "person"))
        conversation.play(TaskResumed("t1"))
        await _later(drive)
        assert drive.pane is None
        assert "the planner asks" not in drive.told


async def test_a_question_asked_anew_is_shown_anew() -> None:
    conversation: ScriptedConversation = one_question()
    async with driving(conversation) as drive:
        await drive.press("1")
        conversation.play(TaskResumed("t1"))
        conversation.play(TaskQuestioned("t1", (SINCE,)))
        conversation.play(ENDED)
        await _later(drive)
        assert isinstance(drive.pane, AskedPane)


CASES = [
    ("one", one_question, (80, 24), (), "hybridcode-dark"),
    ("one", one_question, (60, 20), (), "hybridcode-light"),
    ("second", two_questions, (120, 40), ("2",), "hybridcode-contrast"),
]


@pytest.mark.parametrize(
    ("name", "scene", "size", "keys", "theme"), CASES, ids=[f"{case[0]}-{case[2][0]}" for case in CASES]
)
def test_question(
    snap_compare: Snap,
    name: str,
    scene: Callable[[], ScriptedConversation],
    size: tuple[int, int],
    keys: tuple[str, ...],
    theme: str,
) -> None:
    del name
    clock = Clock()
    app = HybridcodeApp(scene(), clock=clock)
    assert snap_compare(app, terminal_size=size, run_before=settled(app, clock, *keys, theme=theme))
