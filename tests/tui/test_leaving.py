import pytest
from driving import driving
from scene_parts import talk
from scenes import drafting, interrupted, review_diff, running_command

from hybridcode.tui.widgets.composer import Composer


async def test_ctrl_c_clears_text_first_and_keeps_it_in_the_history() -> None:
    async with driving(drafting()) as drive:
        await drive.press(*"fix it", "ctrl+c", after=0.01)
        composer = drive.app.screen.query_one(Composer)
        assert (composer.text, drive.talk.interrupts) == ("", 0)
        await drive.press("up")
        assert composer.text == "fix it"
        await drive.press("ctrl+u", "ctrl+c")
        assert drive.talk.interrupts == 1


async def test_clearing_text_is_not_the_first_of_the_two_that_quit() -> None:
    async with driving(talk(is_running=False)) as drive:
        await drive.press("a", "ctrl+c", after=0.1)
        await drive.press("ctrl+c", after=0.1)
        assert drive.app.return_value is None
        await drive.press("ctrl+c", after=0.1)
        assert drive.app.return_value == ""


@pytest.mark.parametrize("key", ["ctrl+q", "ctrl+d"])
async def test_leaving_while_something_is_at_work_says_first_what_happens(key: str) -> None:
    async with driving(running_command()) as drive:
        await drive.press(key)
        assert drive.app.return_value is None
        assert "a task is at work" in drive.told
        await drive.press(key, after=0.5)
        assert drive.app.return_value is not None
        assert "/resume" in drive.app.return_value


async def test_a_question_that_waits_keeps_nobody_here() -> None:
    async with driving(review_diff()) as drive:
        await drive.press("ctrl+q")
        assert (drive.app.return_value or "").startswith("1 approval kept")


async def test_ctrl_d_deletes_where_there_is_text() -> None:
    async with driving(talk(is_running=False)) as drive:
        await drive.press("a", "b", "left", "ctrl+d")
        assert drive.app.return_value is None
        assert drive.app.screen.query_one(Composer).text == "a"


async def test_escape_on_a_question_interrupts_nothing() -> None:
    async with driving(review_diff()) as drive:
        await drive.press("escape")
        assert drive.talk.interrupts == 0
        await drive.press("escape")
        assert drive.talk.interrupts == 1


async def test_an_interruption_says_how_to_go_on() -> None:
    async with driving(interrupted()) as drive:
        assert "/resume goes on with it" in drive.told


async def test_what_was_written_can_be_taken_back() -> None:
    async with driving(talk(is_running=False)) as drive:
        await drive.press("a", "b", "ctrl+u", "ctrl+underscore")
        assert drive.app.screen.query_one(Composer).text == "ab"


async def test_nothing_moves_by_itself() -> None:
    async with driving(drafting()) as drive:
        assert drive.app.animation_level == "none"
        assert drive.app.screen.query_one(Composer).cursor_blink is False


async def test_what_was_heard_last_is_not_painted_once_the_widgets_are_gone() -> None:
    async with driving(drafting()) as drive:
        pass
    drive.app.asking.refresh()
