import pytest
from driving import driving
from scene_parts import talk
from scenes import drafting, review_diff
from scenes_own import own, own_beside_a_task
from textual import events

from hybridcode.domain.action import Ran
from hybridcode.domain.events import EffectFinished
from hybridcode.session.watchers import Piece
from hybridcode.tui.widgets.composer import Composer
from hybridcode.tui.widgets.live import Live


async def test_a_command_of_ones_own_runs_beside_the_task_and_is_not_queued() -> None:
    async with driving(drafting()) as drive:
        await drive.press(*"! make check", "enter")
        assert drive.talk.own == ["make check"]
        assert drive.talk.started == []
        assert "queued" not in drive.told


async def test_enter_that_comes_with_the_text_runs_nothing_and_the_text_stays() -> None:
    async with driving(talk(is_running=False)) as drive:
        await drive.press(*"! rm -r build", "enter", after=0.0)
        assert drive.talk.own == []
        assert "Enter again runs it" in drive.told
        assert drive.app.screen.query_one(Composer).text == "! rm -r build"
        await drive.press("enter")
        assert drive.talk.own == ["rm -r build"]


@pytest.mark.parametrize("text", ["! ls\nrm -r build\n", "! ls\r\nrm -r build\r\n", "! echo \x1b[2J\x07\n"])
async def test_a_paste_with_line_ends_runs_nothing(text: str) -> None:
    async with driving(talk(is_running=False)) as drive:
        drive.app.screen.query_one(Composer).post_message(events.Paste(text))
        await drive.settle()
        assert drive.talk.own == []
        await drive.press("enter")
        (line,) = drive.talk.own
        assert line.count("\n") == text.strip().count("\n")
        assert "\x1b" not in line and "\x07" not in line


async def test_an_empty_one_says_what_to_write_and_one_that_is_refused_stays() -> None:
    async with driving(talk(is_running=False)) as drive:
        await drive.press("!", "enter")
        assert "as in ! git status" in drive.told
        drive.talk.refusal = "`make` still runs."
        await drive.press(*"! ls", "enter")
        assert "still runs" in drive.told
        assert drive.app.screen.query_one(Composer).text == "! ls"


async def test_escape_ends_ones_own_command_first_and_the_task_after_it() -> None:
    async with driving(own_beside_a_task()) as drive:
        await drive.press("escape")
        assert (drive.talk.stops, drive.talk.interrupts) == (1, 0)
        drive.talk.is_own_running = False
        drive.talk.play(EffectFinished("o1", Ran(143, "e" * 64, "watching\n", 1.0, command="make watch")))
        await drive.press("escape")
        assert (drive.talk.stops, drive.talk.interrupts) == (1, 1)


async def test_ctrl_c_ends_it_too_and_quitting_says_first_that_it_runs() -> None:
    conversation = talk(is_running=False)
    conversation.is_own_running = True
    conversation.events = own(conversation, "make watch")
    async with driving(conversation) as drive:
        await drive.press("ctrl+q", after=5.0)
        assert "your command runs" in drive.told
        assert drive.app.is_running
        await drive.press("ctrl+c", after=5.0)
        assert drive.talk.stops == 1


async def test_what_it_prints_stands_apart_from_what_the_model_writes() -> None:
    async with driving(own_beside_a_task()) as drive:
        drive.talk.live.put(Piece("output", "o1", "rebuilt once more\n"))
        await drive.pilot.pause(0.2)
        lives = {live.id: live for live in drive.app.screen.query(Live)}
        assert all(live.has_class("-on") for live in lives.values())
        assert "make watch" in lives["own"].doing.title
        assert "drafting" in lives["live"].doing.title
        assert "rebuilt once more" in drive.told and "def total" in drive.told


async def test_ctrl_s_says_the_text_to_the_task_and_queues_nothing() -> None:
    async with driving(drafting()) as drive:
        await drive.press(*"round half to even", "ctrl+s")
        assert drive.talk.notes == ["round half to even"]
        assert drive.app.screen.query_one(Composer).text == ""
        assert "queued" not in drive.told and drive.talk.interrupts == 0
        await drive.press("up")
        assert drive.app.screen.query_one(Composer).text == "round half to even"


async def test_without_a_task_the_text_stays_and_it_is_said_what_sends_it() -> None:
    async with driving(talk(is_running=False)) as drive:
        await drive.press(*"round half to even", "ctrl+s")
        assert drive.talk.notes == []
        assert "No task is running" in drive.told and "Enter sends it" in drive.told
        assert drive.app.screen.query_one(Composer).text == "round half to even"


async def test_a_command_is_no_note_and_neither_is_nothing() -> None:
    async with driving(drafting()) as drive:
        for text in ("/help", "! make", ""):
            await drive.press(*text, "ctrl+s")
            assert drive.app.screen.query_one(Composer).text == text
            await drive.press("ctrl+u")
        assert drive.talk.notes == []


async def test_a_note_decides_nothing_that_waits() -> None:
    async with driving(review_diff()) as drive:
        assert drive.pane is not None
        await drive.press("escape", *"keep the name", "ctrl+s")
        assert drive.talk.notes == ["keep the name"]
        assert drive.talk.answers == [] and drive.talk.interrupts == 0
        assert "1 approval waits for you" in drive.told


async def test_enter_takes_the_marked_candidate_of_half_a_word_and_sends_a_whole_one() -> None:
    async with driving(talk(is_running=False)) as drive:
        composer = drive.app.screen.query_one(Composer)
        await drive.press(*"fix ", "@", *"cart", "down", "enter")
        assert composer.text == "fix @tests/test_cart.py "
        assert drive.talk.started == []
        await drive.press("ctrl+u", *"fix ", "@", *"shop/cart.py", "enter")
        assert drive.talk.started == ["fix @shop/cart.py"]
        await drive.press(*"/them", "enter")
        assert composer.text == "/theme "
        await drive.press("ctrl+u", *"/help", "enter")
        assert composer.text == "" and drive.app.screen is not drive.app.desk.session


async def test_a_file_that_there_is_not_is_said_before_anything_is_sent() -> None:
    async with driving(talk(is_running=False)) as drive:
        await drive.press(*"fix ", "@", *"shop/crt.py", "escape", "enter")
        assert drive.talk.started == []
        assert "no file shop/crt.py; near it: shop/cart.py" in drive.told
        assert drive.app.screen.query_one(Composer).text == "fix @shop/crt.py"
        await drive.press("enter")
        assert drive.talk.started == ["fix @shop/crt.py"]


async def test_words_with_an_at_that_mean_no_file_are_sent_as_they_are() -> None:
    async with driving(talk(is_running=False)) as drive:
        await drive.press(*"make it a ", "@", *"property, mail a@b.c", "enter")
        assert drive.talk.started == ["make it a @property, mail a@b.c"]


async def test_in_a_shell_command_nothing_is_completed() -> None:
    async with driving(talk(is_running=False)) as drive:
        await drive.press(*"! git log ", "@", *"cart", "enter")
        assert drive.talk.own == ["git log @cart"]
