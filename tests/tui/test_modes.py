from pathlib import Path

import msgspec
import pytest
from driving import driving
from scene_parts import ASKS_EDIT, CHANGES, FACTS, PLAN, given, opened, planned, propose, talk
from scenes import drafting, plan_waiting, review_command, review_diff
from scripted_conversation import ScriptedConversation

from hybridcode.config.settings import Mode
from hybridcode.domain.action import Approve
from hybridcode.domain.errors import ConfigError
from hybridcode.domain.events import ModeChanged, PlanMade
from hybridcode.session.modes import checked_mode
from hybridcode.session.state import SessionState
from hybridcode.tui.live import LiveConversation
from hybridcode.tui.modes import MODE_WORDS, mode_badge
from hybridcode.tui.screens.plan import PlanPane
from hybridcode.tui.screens.review import ReviewPane
from hybridcode.tui.waiting import waiting_plan
from tests.support.sessions import loaded_for


def switches(conversation: ScriptedConversation) -> list[str]:
    return [event.mode for event in conversation.events if isinstance(event, ModeChanged)]


async def test_shift_tab_goes_round_the_modes_and_the_top_line_names_each() -> None:
    async with driving(talk(is_running=False)) as drive:
        for mode in ("acceptEdits", "plan", "default"):
            await drive.press("shift+tab")
            assert MODE_WORDS[mode] in drive.told
        assert switches(drive.talk) == ["acceptEdits", "plan", "default"]


async def test_the_mode_is_switched_while_a_task_runs_and_what_it_means_is_told() -> None:
    async with driving(drafting()) as drive:
        await drive.press("shift+tab")
        assert switches(drive.talk) == ["acceptEdits"]
        assert "accepts edits: ordinary files" in drive.told


@pytest.mark.parametrize(("typed", "said"), [("/mode bypass", "--unsafe"), ("/mode sudo", "sudo")])
async def test_no_command_switches_to_bypass(typed: str, said: str) -> None:
    async with driving(talk(is_running=False)) as drive:
        await drive.press(*typed, "enter", after=0.01)
        await drive.settle()
        assert switches(drive.talk) == []
        assert said in drive.told


async def test_a_mode_is_named_whatever_its_case() -> None:
    async with driving(talk(is_running=False)) as drive:
        await drive.press(*"/mode dontask", "enter", after=0.01)
        assert switches(drive.talk) == ["dontAsk"]
        assert MODE_WORDS["dontAsk"] in drive.told


async def test_a_pane_that_is_open_stays_open_when_the_mode_is_switched() -> None:
    async with driving(review_diff()) as drive:
        await drive.press("shift+tab")
        assert isinstance(drive.pane, ReviewPane)
        assert "accepts edits" in drive.told
        await drive.press("A")
        assert [type(decision) for _, decision, _ in drive.talk.answers] == [Approve]


async def test_plan_mode_lets_no_yes_through_but_a_no() -> None:
    async with driving(review_command()) as drive:
        await drive.press("shift+tab", "shift+tab")
        await drive.press("y")
        assert drive.talk.answers == []
        assert drive.pane is not None
        assert "plan mode runs nothing" in drive.told
        await drive.press("shift+tab", "y")
        assert [type(decision) for _, decision, _ in drive.talk.answers] == [Approve]


async def test_following_a_plan_in_plan_mode_switches_to_the_mode_that_asks() -> None:
    conversation = plan_waiting()
    conversation.facts = FACTS.__class__(workspace="~/src/shop", mode="plan")
    async with driving(conversation) as drive:
        assert isinstance(drive.pane, PlanPane)
        assert "follow it now" in drive.told
        await drive.press("y")
        assert (switches(conversation), conversation.plans) == (["default"], [PLAN])


async def test_not_following_a_plan_leaves_the_mode_as_it_is() -> None:
    conversation = plan_waiting()
    conversation.facts = FACTS.__class__(workspace="~/src/shop", mode="plan")
    async with driving(conversation) as drive:
        await drive.press("n")
        assert (switches(conversation), conversation.plans) == ([], [None])


async def test_a_plan_that_waits_stays_asked_when_edits_are_accepted_from_now_on() -> None:
    async with driving(plan_waiting()) as drive:
        await drive.press("shift+tab")
        assert isinstance(drive.pane, PlanPane)
        await drive.press("y")
        assert drive.talk.plans == [PLAN]


def test_a_plan_made_in_a_mode_that_asks_about_none_does_not_wait() -> None:
    state = SessionState()
    conversation = talk()
    conversation.events = [opened(), given(), ModeChanged("acceptEdits", "person:tui"), PlanMade(PLAN, "frontier")]
    for envelope in conversation.envelopes:
        state.apply(envelope)
    assert waiting_plan(state, "acceptEdits") is None
    assert waiting_plan(state, "default") is not None


def test_each_mode_has_a_word_and_a_tone_of_its_own() -> None:
    badges = [mode_badge(mode) for mode in MODE_WORDS]
    assert len({word for word, _ in badges}) == len({tone for _, tone in badges}) == len(MODE_WORDS) == 5


async def test_a_mode_chosen_before_the_first_task_is_the_mode_of_the_session(tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    workspace.mkdir()
    live = LiveConversation(workspace, loaded_for(workspace))
    heard: list[object] = []
    live.subscribe(lambda envelope: heard.append(envelope.event))
    with pytest.raises(ConfigError):
        await live.switch_mode("bypass")
    await live.switch_mode("plan")
    assert (live.facts.mode, heard) == ("plan", [])
    live.seal(())
    assert ModeChanged("plan", "person:tui") in heard
    mode: Mode = live.facts.mode
    assert mode == "plan"
    await live.switch_mode("default")
    assert heard[-1] == ModeChanged("default", "person:tui")
    await live.close()


class Unopened(ScriptedConversation):
    """No session is open that could record a switch."""

    async def switch_mode(self, name: str) -> None:
        self.facts = msgspec.structs.replace(self.facts, mode=checked_mode(name, loaded_for(Path("nowhere"))))


async def test_a_mode_chosen_before_the_first_session_is_told() -> None:
    async with driving(Unopened(FACTS, is_running=False)) as drive:
        await drive.press(*"/mode", "space", *"plan", "enter")
        assert "plan only: plans are made, nothing is written and nothing runs" in drive.told


async def test_what_is_asked_in_the_meantime_is_offered_after_a_switch() -> None:
    conversation = talk()
    conversation.events = planned()[:2]
    async with driving(conversation) as drive:
        await drive.press("shift+tab")
        conversation.play(propose(conversation, conversation.seal(CHANGES), ruling=ASKS_EDIT, title="two files"))
        await drive.pilot.pause(0.2)
        await drive.settle()
        assert isinstance(drive.pane, ReviewPane)
