import msgspec
import pytest
from driving import Drive, driving
from scene_parts import FACTS, PLAN, given, opened, talk
from scenes import SCENES, drafting, interrupted, plan_waiting, review_diff
from scripted_conversation import ScriptedConversation
from textual.events import Paste
from textual.screen import Screen
from textual.widgets import TextArea

from hybridcode.domain.errors import PlanInvalid
from hybridcode.domain.events import NoticeGiven, PlanDecided, PlanMade, StepStarted
from hybridcode.domain.plan import Plan, Step
from hybridcode.session.plan_files import plan_from_toml, plan_to_toml
from hybridcode.session.state import SessionState
from hybridcode.session.watchers import Piece
from hybridcode.tui.commands import Command, UnknownCommand, parse_command
from hybridcode.tui.entry import Entry
from hybridcode.tui.meter import meter_of
from hybridcode.tui.screens.help import HelpScreen
from hybridcode.tui.screens.plan import PlanPane
from hybridcode.tui.story import entries
from hybridcode.tui.waiting import waiting_plan, waiting_proposals
from hybridcode.tui.widgets.composer import Composer
from hybridcode.tui.widgets.paragraphs import MEASURED_AFTER_S
from hybridcode.tui.widgets.transcript import Transcript


def _state(conversation: ScriptedConversation) -> SessionState:
    return SessionState.of(conversation.envelopes)


async def test_the_composer_has_the_focus_at_the_first_start() -> None:
    async with driving(SCENES["no_models"]()) as drive:
        assert isinstance(drive.app.focused, Composer)
        assert "No model is configured" in drive.told


async def test_a_resumed_session_paints_the_same_screen() -> None:
    live, resumed = talk(), drafting()
    live.live, resumed.live = drafting().live, drafting().live
    async with driving(live, size=(100, 40)) as drive:
        for event in drafting().events:
            live.play(event)
        await drive.pilot.pause(0.2)
        first = drive.told
    async with driving(resumed, size=(100, 40)) as drive:
        await drive.pilot.pause(0.2)
        assert drive.told.replace("▌", "") == first.replace("▌", "")


async def test_the_transcript_follows_its_end_under_other_screens_until_somebody_scrolls_up() -> None:
    conversation = talk(is_running=False)
    conversation.events = [opened(), given()]
    async with driving(conversation, size=(80, 24)) as drive:
        transcript = drive.app.screen.query_one(Transcript)
        await drive.pilot.pause()
        await drive.app.push_screen(Screen[None]())
        for number in range(80):
            transcript.add([Entry("", f"line {number}", "plain")])
            if number % 7 == 0:
                await drive.pilot.pause()
        await drive.app.pop_screen()
        await shows_its_end(drive, transcript)
        transcript.scroll_to(y=3, animate=False, immediate=True)
        transcript.add([Entry("", "one more", "plain")])
        await drive.pilot.pause()
        assert transcript.scroll_offset.y == 3
        transcript.scroll_end(animate=False, immediate=True)
        transcript.add([Entry("", "and one more", "plain")])
        await shows_its_end(drive, transcript)


async def shows_its_end(drive: Drive, transcript: Transcript) -> None:
    """Once heights out of sight are measured and the screen is painted again."""
    await drive.pilot.pause(2 * MEASURED_AFTER_S)
    for _ in range(50):
        if transcript.scroll_offset.y == transcript.max_scroll_y > 0:
            return
        await drive.pilot.pause(MEASURED_AFTER_S)
    assert transcript.scroll_offset.y == transcript.max_scroll_y > 0


async def test_hostile_text_reaches_the_screen_spelled_out() -> None:
    conversation = talk(is_running=False)
    conversation.events = [opened(), given(), NoticeGiven("error", "\x1b]0;owned\x07 [red]x[/] \u202e", "a\x9bb")]
    conversation.live.put(Piece("text", "c", "\x1b[2J"))
    async with driving(conversation) as drive:
        assert "␛]0;owned␇ [red]x[/] ⟨U+202E⟩" in drive.told


async def test_the_plan_is_approved_edited_or_refused() -> None:
    async with driving(plan_waiting()) as drive:
        assert isinstance(drive.pane, PlanPane)
        await drive.press("y")
        assert drive.talk.plans == [PLAN]
    async with driving(plan_waiting()) as drive:
        await drive.press("n")
        assert drive.talk.plans == [None]
    async with driving(plan_waiting()) as drive:
        await drive.press("e")
        area = drive.app.screen.query_one(TextArea)
        area.text = area.text.replace("Run the suite.", "Run all tests.")
        await drive.press("ctrl+s", "y")
        (plan,) = drive.talk.plans
        assert plan is not None
        assert plan.steps[3].goal == "Run all tests."


async def test_a_broken_edit_of_the_plan_stays_in_front_and_says_why() -> None:
    async with driving(plan_waiting()) as drive:
        await drive.press("e")
        drive.app.screen.query_one(TextArea).text = "[[steps]]\nid = 3\n"
        await drive.press("ctrl+s")
        assert "cannot be used" in drive.told
        assert drive.talk.plans == []


def test_an_edited_plan_that_is_unchanged_is_the_same() -> None:
    assert plan_from_toml(plan_to_toml(PLAN)) == PLAN


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (Plan(), "no steps"),
        (Plan(steps=(Step("1", "a"), Step("1", "b"))), "id 1"),
        (Plan(steps=(Step("1", "a", needs=("9",)),)), "needs 9"),
    ],
)
def test_a_plan_that_cannot_run_is_refused(plan: Plan, said: str) -> None:
    with pytest.raises(PlanInvalid, match=said):
        plan_from_toml(plan_to_toml(plan))


def test_a_plan_waits_only_before_its_first_step() -> None:
    conversation = plan_waiting()
    assert waiting_plan(_state(conversation), "default") is not None
    conversation.events.append(StepStarted("1"))
    assert waiting_plan(_state(conversation), "default") is None
    conversation = plan_waiting()
    conversation.events.append(PlanDecided(True, "person"))
    assert waiting_plan(_state(conversation), "default") is None


def test_only_what_is_asked_waits() -> None:
    assert len(waiting_proposals(_state(review_diff()))) == 1
    assert waiting_proposals(_state(SCENES["denied"]())) == []
    assert waiting_proposals(_state(SCENES["done"]())) == []


def test_a_scripted_frontier_is_not_counted() -> None:
    conversation = drafting()
    honest = meter_of(_state(conversation))
    conversation.events[0] = msgspec.structs.replace(opened(), frontier_is_scripted=True)
    scripted = meter_of(_state(conversation))
    assert honest.frontier_tokens > 0 == scripted.frontier_tokens
    assert scripted.local_share == 100


@pytest.mark.parametrize("scene", list(SCENES))
def test_every_scene_tells_the_same_story_twice(scene: str) -> None:
    def story() -> list[object]:
        state = SessionState()
        told: list[object] = []
        for envelope in SCENES[scene]().envelopes:
            state.apply(envelope)
            told += entries(envelope.event, state)
        return told

    assert story() == story()


def test_an_answer_without_steps_is_told_in_full() -> None:
    state = SessionState()
    told = entries(PlanMade(Plan(answer="It is in shop/cart.py."), "frontier"), state)
    assert [(entry.label, entry.text) for entry in told] == [("answer", "It is in shop/cart.py.")]


async def test_help_lists_the_keys_that_work() -> None:
    async with driving(talk(is_running=False), size=(100, 300)) as drive:
        await drive.press("question_mark")
        assert isinstance(drive.app.screen, HelpScreen)
        for said in ("accept this hunk", "Ctrl+Y", "Alt+Enter", "/resume", "run it, allow it for this session"):
            assert said in drive.told
        await drive.press("escape")
        assert not isinstance(drive.app.screen, HelpScreen)


async def test_a_question_mark_in_text_is_text() -> None:
    async with driving(talk(is_running=False)) as drive:
        await drive.press("a", "question_mark")
        assert drive.app.screen.query_one(Composer).text == "a?"


async def test_slash_commands() -> None:
    async with driving(interrupted()) as drive:
        await drive.press(*"/resume", "enter")
        assert drive.talk.resumes == 1
        await drive.press(*"/theme hybridcode-warm", "enter")
        assert drive.app.theme == "hybridcode-warm"


def test_a_path_is_a_task_and_not_a_command() -> None:
    for task in ("/etc/hosts is wrong", "/src/app", "/a.py", "/", "/ x", "/Users", "fix /undo"):
        assert parse_command(task) is None
    assert parse_command("/theme nord") == Command("theme", "nord")
    assert parse_command("/undo shop/cart.py") == Command("undo", "shop/cart.py")
    assert parse_command("/undone\nall of it") == UnknownCommand("undone")


async def test_a_paste_is_text_and_spelled_out() -> None:
    async with driving(talk(is_running=False)) as drive:
        composer = drive.app.screen.query_one(Composer)
        composer.post_message(Paste("line one\r\nline \x1b[2Jtwo\n"))
        await drive.settle()
        assert composer.text == "line one\nline ␛[2Jtwo\n"
        assert drive.talk.started == []


@pytest.mark.parametrize("theme", ["hybridcode-dark", "hybridcode-light", "nord"])
async def test_the_theme_of_the_settings_is_there_from_the_start(theme: str) -> None:
    facts = msgspec.structs.replace(FACTS, theme=theme)
    async with driving(talk(facts, is_running=False)) as drive:
        wanted = drive.app.current_theme.to_color_system().generate()["background"]
        assert drive.app.theme == theme
        assert drive.app.screen.styles.background.hex == wanted


async def test_an_unknown_theme_is_said_and_does_not_stop_the_start() -> None:
    async with driving(talk(msgspec.structs.replace(FACTS, theme="nope"), is_running=False)) as drive:
        assert "there is no theme nope" in drive.told
