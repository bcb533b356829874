import pytest
from driving import driving
from scene_parts import talk
from scenes import drafting

from hybridcode.domain.events import TaskEnded
from hybridcode.tui.widgets.composer import Composer


async def test_a_task_written_while_another_runs_waits_and_begins_after_a_good_end() -> None:
    async with driving(drafting()) as drive:
        await drive.press(*"later", "enter")
        assert drive.talk.started == []
        assert "queued 1: later" in drive.told
        drive.talk.is_running = False
        drive.talk.play(TaskEnded(0, "done", (), "done"))
        await drive.pilot.pause(0.3)
        await drive.settle()
        assert drive.talk.started == ["later"]
        assert "queued 1" not in drive.told


async def test_after_a_bad_end_what_is_queued_waits_for_enter() -> None:
    async with driving(drafting()) as drive:
        await drive.press(*"later", "enter")
        drive.talk.is_running = False
        drive.talk.play(TaskEnded(130, "interrupted", (), "interrupted by you"))
        await drive.pilot.pause(0.3)
        await drive.settle()
        assert drive.talk.started == []
        assert "Enter begins the next one" in drive.told
        await drive.press("enter")
        await drive.pilot.pause(0.2)
        assert drive.talk.started == ["later"]


async def test_up_on_the_empty_composer_takes_the_last_queued_text_back() -> None:
    async with driving(drafting()) as drive:
        await drive.press(*"one", "enter", *"two", "enter")
        assert "queued 2: one and 1 more" in drive.told
        await drive.press("up")
        assert drive.app.screen.query_one(Composer).text == "two"
        assert "queued 1: one" in drive.told


async def test_without_an_editor_it_is_said_how_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.delenv("VISUAL", raising=False)
    async with driving(talk(is_running=False)) as drive:
        await drive.press(*"text", "ctrl+g")
        assert "Set $VISUAL or $EDITOR" in drive.told
        assert drive.app.screen.query_one(Composer).text == "text"
