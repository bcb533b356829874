import pytest
from driving import driving
from scene_parts import ASKS_EDIT, CHANGES, propose, talk
from scenes import SCENES, drafting, review_command, review_destructive, review_diff
from textual.containers import VerticalScroll
from textual.widgets import Input

from hybridcode.domain.action import Approve, Reject
from hybridcode.domain.events import ProposalDecided
from hybridcode.tui.conversation import Remember
from hybridcode.tui.screens.command import CommandPane
from hybridcode.tui.screens.questions import WordScreen
from hybridcode.tui.screens.review import ReviewPane
from hybridcode.tui.widgets.command_view import CommandView
from hybridcode.tui.widgets.composer import Composer
from hybridcode.tui.widgets.diff_view import DiffView
from hybridcode.tui.widgets.file_list import FileList

DECIDING = ("y", "n", "a", "d", "A", "N", "s", "p", "r", "e")


@pytest.mark.parametrize("scene", ["review_diff", "review_command", "plan_waiting"])
async def test_no_key_decides_in_the_first_half_second(scene: str) -> None:
    async with driving(SCENES[scene]()) as drive:
        assert drive.pane is not None
        for key in DECIDING:
            await drive.press(key, after=0.4)
        assert drive.talk.answers == []
        assert drive.talk.plans == []
        assert len(drive.app.screen_stack) == 3


async def test_keys_decide_after_half_a_second_of_silence() -> None:
    async with driving(review_command()) as drive:
        await drive.press("x", after=0.49)
        await drive.press("y", after=0.2)
        assert drive.talk.answers == []
        await drive.press("y", after=0.51)
        assert [type(decision) for _, decision, _ in drive.talk.answers] == [Approve]


@pytest.mark.parametrize("scene", ["review_diff", "review_command", "review_destructive", "plan_waiting"])
async def test_enter_and_space_and_tab_never_decide(scene: str) -> None:
    async with driving(SCENES[scene]()) as drive:
        for _ in range(3):
            assert isinstance(drive.app.focused, DiffView | FileList | CommandView | VerticalScroll)
            await drive.press("enter", "space", "tab")
        assert drive.talk.answers == []
        assert drive.talk.plans == []
        assert drive.pane is not None


async def test_unsent_text_blocks_every_deciding_key() -> None:
    conversation = drafting()
    async with driving(conversation) as drive:
        await drive.press("h", "i")
        made = propose(conversation, conversation.seal(CHANGES), ruling=ASKS_EDIT, title="two files")
        conversation.play(made)
        await drive.pilot.pause(0.2)
        assert drive.pane is None, "a pane must not open over text that is being typed"
        await drive.press("ctrl+y")
        assert isinstance(drive.pane, ReviewPane)
        await drive.press(*DECIDING)
        assert conversation.answers == []
        await drive.press("escape", "ctrl+u", "ctrl+y")
        await drive.press("A")
        assert [type(decision) for _, decision, _ in conversation.answers] == [Approve]


async def test_a_new_pane_opens_over_an_empty_composer_and_sleeps() -> None:
    conversation = drafting()
    async with driving(conversation) as drive:
        made = propose(conversation, conversation.seal(CHANGES), ruling=ASKS_EDIT, title="two files")
        conversation.play(made)
        await drive.pilot.pause(0.2)
        await drive.settle()
        assert isinstance(drive.pane, ReviewPane)
        await drive.press("A", after=0.1)
        assert conversation.answers == []


async def test_destructive_needs_the_whole_word() -> None:
    async with driving(review_destructive()) as drive:
        await drive.press("y")
        assert isinstance(drive.app.screen, WordScreen)
        await drive.press("y", "enter", "e", "enter")
        assert drive.talk.answers == []
        await drive.press("s")
        assert [type(decision) for _, decision, _ in drive.talk.answers] == [Approve]


async def test_destructive_can_be_left() -> None:
    async with driving(review_destructive()) as drive:
        await drive.press("y", "y", "escape")
        assert drive.talk.answers == []
        assert isinstance(drive.app.screen, CommandPane)


async def test_no_rule_can_allow_what_only_a_person_may() -> None:
    async with driving(review_destructive()) as drive:
        await drive.press("s", "y", "p", "y")
        assert all(remember is None for _, _, remember in drive.talk.answers)


@pytest.mark.parametrize(("key", "scope"), [("s", "session"), ("p", "project")])
async def test_a_rule_is_shown_and_waits_before_it_is_made(key: str, scope: str) -> None:
    async with driving(review_command()) as drive:
        await drive.press(key)
        await drive.press("y", after=0.2)
        assert drive.talk.answers == []
        await drive.press("y")
        ((_, decision, remember),) = drive.talk.answers
        assert isinstance(decision, Approve)
        assert isinstance(remember, Remember)
        assert (remember.scope, remember.rule) == (scope, "Bash(=pytest -q tests/test_cart.py -k 'total or discount')")


async def test_reject_carries_the_reason() -> None:
    async with driving(review_diff()) as drive:
        await drive.press("R")
        drive.app.screen.query_one(Input).value = "keep float"
        await drive.press("enter")
        ((_, decision, _),) = drive.talk.answers
        assert decision == Reject("keep float", "person:tui")


async def test_escape_leaves_it_pending_and_it_is_not_pushed_again() -> None:
    async with driving(review_diff()) as drive:
        await drive.press("escape")
        await drive.pilot.pause(0.2)
        assert drive.pane is None
        assert drive.talk.answers == []
        await drive.press("ctrl+y")
        assert isinstance(drive.pane, ReviewPane)


async def test_a_pane_closes_when_somebody_else_answered() -> None:
    conversation = review_command()
    async with driving(conversation) as drive:
        conversation.play(ProposalDecided("k3vq7m2p", Reject("no", "person:other")))
        await drive.pilot.pause(0.2)
        assert drive.pane is None
        assert conversation.answers == []


async def test_first_ctrl_c_interrupts_second_quits() -> None:
    async with driving(drafting()) as drive:
        await drive.press("ctrl+c")
        assert drive.talk.interrupts == 1
        await drive.press("ctrl+c", after=3.0)
        assert drive.talk.interrupts == 2
        await drive.press("ctrl+c", after=1.0)
        assert drive.app.return_value is not None
        assert "/resume" in drive.app.return_value


async def test_quitting_says_what_waits() -> None:
    async with driving(review_diff()) as drive:
        await drive.press("ctrl+q")
        assert drive.app.return_value is not None
        assert drive.app.return_value.startswith("1 approval kept")


async def test_enter_sends_and_alt_enter_does_not() -> None:
    async with driving(talk(is_running=False)) as drive:
        await drive.press("a", "alt+enter", "b", "ctrl+j", "c")
        assert drive.talk.started == []
        await drive.press("enter")
        assert drive.talk.started == ["a\nb\nc"]
        await drive.press("up")
        assert drive.app.screen.query_one(Composer).text == "a\nb\nc"


async def test_a_task_is_not_lost_while_another_runs() -> None:
    async with driving(drafting()) as drive:
        await drive.press("h", "i", "enter")
        assert drive.talk.started == []
        assert drive.app.screen.query_one(Composer).text == ""
        assert "queued 1: hi" in drive.told
