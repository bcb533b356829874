from driving import Drive, driving
from scene_parts import given, opened
from scenes_records import HERE, two_tasks

from hybridcode.domain.events import NoticeGiven, TaskEnded
from hybridcode.gate.taking_back import Reach
from hybridcode.session.state import SessionState
from hybridcode.tui.screens.diff import DiffScreen
from hybridcode.tui.screens.rewind import BackScreen, RewindScreen
from hybridcode.tui.screens.sessions import SessionsScreen
from hybridcode.tui.screens.timeline import TimelineScreen
from hybridcode.tui.screens.undo import UndoScreen
from hybridcode.tui.widgets.composer import Composer

OTHER = "20260103-091500-k3vq"


def second_task(drive: Drive) -> int:
    return SessionState.of(drive.talk.envelopes).tasks[1].begun_at


async def test_enter_goes_on_with_another_session_and_shows_it() -> None:
    talk = two_tasks()
    talk.library.events[OTHER] = [opened(), given(), NoticeGiven("info", "this is the other one")]
    async with driving(talk) as drive:
        await drive.press("f6", "down", "enter")
        assert talk.opened == [(OTHER, None)]
        assert drive.app.desk.is_at_session
        assert "this is the other one" in drive.told
        assert "add a tax of 21 %" not in drive.told
        talk.play(NoticeGiven("info", "and it goes on"))
        await drive.pilot.pause(0.2)
        assert "and it goes on" in drive.told


async def test_what_cannot_be_opened_stays_shut_and_says_why() -> None:
    talk = two_tasks()
    async with driving(talk) as drive:
        await drive.press("f6", "down", "down", "enter")
        assert "in use by process 4711" in drive.told
        await drive.press("D")
        assert "in use by process 4711" in drive.told
        talk.is_running = True
        await drive.press("end", "enter")
        assert "a task is running here" in drive.told
        await drive.press("f")
        talk.is_running, talk.refusal = False, "the journal is gone"
        await drive.press("enter")
        assert "the journal is gone" in drive.told
        assert isinstance(drive.app.screen, SessionsScreen)
        assert (talk.opened, drive.app.state.session) == ([], HERE)


async def test_a_clipped_line_of_a_diff_takes_one_row_also_beside_a_scroll_bar() -> None:
    async with driving(two_tasks(), size=(100, 14)) as drive:
        await drive.press("f5")
        screen = drive.app.screen
        assert isinstance(screen, TimelineScreen)
        detail, text = screen.query_one("#detail"), screen.query_one("#detail-text")
        assert detail.max_scroll_y > 0
        parts = screen.detail_parts(screen.key, text.size.width)
        said = "".join(part if isinstance(part, str) else part[0] for part in parts)
        assert "…\n" in said
        assert text.size.height == len(said.split("\n"))


async def test_sessions_are_found_by_paths_and_by_later_tasks() -> None:
    async with driving(two_tasks()) as drive:
        await drive.press("f6", "slash", *"invoice.py", "enter")
        assert "Invoices must carry" in drive.told
        assert "Add a Money type" not in drive.told
        await drive.press("slash", *["backspace"] * 10, *"test_money", "enter")
        assert "Add a Money type" in drive.told


async def test_a_fork_asks_after_which_task_and_opens_at_once() -> None:
    talk = two_tasks()
    async with driving(talk) as drive:
        await drive.press("f6", "end", "f", "up", "enter")
        ((session, forked),) = talk.opened
        assert session is None
        assert forked is not None
        assert (forked.origin, forked.task) == ("20251230-080000-abcd", "task-1")
        assert "of session 20251230-080000-abcd" in drive.told


async def test_a_session_is_deleted_only_by_the_whole_word() -> None:
    talk = two_tasks()
    async with driving(talk) as drive:
        await drive.press("f6", "D")
        assert "/clear leaves it" in drive.told
        await drive.press("end", "D", *"delet", "enter")
        assert talk.library.deleted == []
        await drive.press("e")
        assert talk.library.deleted == ["20251230-080000-abcd"]
        assert "Add a Money type" not in drive.told


async def test_an_export_says_where_it_is_and_overwrites_nothing() -> None:
    talk = two_tasks()
    async with driving(talk) as drive:
        await drive.press(*"/export", "enter", "enter")
        assert talk.library.exported == [(HERE, f"hybridcode-{HERE}.md")]
        assert "/home/someone/src/shop/hybridcode" in drive.told
        await drive.press("enter")
        assert "is there already" in drive.told
        await drive.press("escape")
        assert drive.app.desk.is_at_session


async def test_an_undo_is_shown_first_and_needs_a_waking_guard() -> None:
    talk = two_tasks()
    async with driving(talk) as drive:
        await drive.press("f5", "u")
        assert isinstance(drive.app.screen, UndoScreen)
        await drive.press("y", after=0.1)
        await drive.press("enter")
        assert talk.past.undone == []
        await drive.press("y")
        assert talk.past.undone == [Reach("2", second_task(drive), 0)]
        assert isinstance(drive.app.screen, TimelineScreen)
        assert "put back 1 file, kept 1" in drive.told
        assert "undone" in drive.told


async def test_everything_from_a_step_on_or_a_whole_task_can_be_undone() -> None:
    talk = two_tasks()
    async with driving(talk) as drive:
        await drive.press("f5", "home", "u", "escape", "down", "U")
        whole, onwards = talk.past.asked
        assert (whole.step, whole.since, whole.until) == (None, 2, second_task(drive))
        assert (onwards.step, onwards.until) == (None, 0)
        assert onwards.since > whole.since


async def test_nothing_is_undone_while_a_task_runs_and_a_refusal_is_told() -> None:
    talk = two_tasks()
    async with driving(talk) as drive:
        talk.is_running = True
        await drive.press("f5", "u")
        assert "a task is running" in drive.told
        talk.is_running, talk.past.refusal = False, "Nothing was undone: the disk is full."
        await drive.press("u", "y")
        assert "the disk is full" in drive.told
        assert isinstance(drive.app.screen, UndoScreen)


async def test_unsent_text_blocks_an_undo() -> None:
    talk = two_tasks()
    async with driving(talk) as drive:
        await drive.press("a", "f5", "u", "y")
        assert "unsent text" in drive.told
        assert talk.past.undone == []


async def test_undo_by_name_begins_at_the_step_and_enter_shows_the_whole_diff() -> None:
    talk = two_tasks()
    async with driving(talk) as drive:
        await drive.press(*"/undo 1", "enter")
        assert isinstance(drive.app.screen, TimelineScreen)
        assert "PRICE = 1" in drive.told
        await drive.press("enter")
        assert isinstance(drive.app.screen, DiffScreen)


async def test_escape_twice_goes_back_to_before_a_task() -> None:
    talk = two_tasks()
    async with driving(talk) as drive:
        await drive.press("escape", "escape", after=1.0)
        assert drive.app.desk.is_at_session
        await drive.press("escape", after=0.3)
        assert isinstance(drive.app.screen, RewindScreen)
        await drive.press("enter")
        assert isinstance(drive.app.screen, BackScreen)
        await drive.press("b", after=0.1)
        assert talk.past.rewound == []
        await drive.press("b")
        assert talk.past.rewound == [("t2", True, True)]
        assert drive.app.desk.is_at_session
        assert drive.app.screen.query_one(Composer).text == "Format it and add a tax of 21 % to the cart."
        assert "to before: Format it" in drive.told
        assert "ruff format shop" not in drive.told
        first = drive.told
    async with driving(talk) as drive:
        shown = first.replace("Format it and add a tax of 21 % to the cart.", "")
        assert "to before: Format it" in drive.told
        assert "ruff format shop" not in drive.told
        assert "Prices are floats" in shown


async def test_escape_interrupts_first_and_leaves_written_text_alone() -> None:
    talk = two_tasks()
    async with driving(talk) as drive:
        talk.is_running = True
        await drive.press("escape", after=0.3)
        assert talk.interrupts == 1
        talk.is_running = False
        await drive.press("a", "escape", "escape", after=0.2)
        assert drive.app.desk.is_at_session
        assert drive.app.screen.query_one(Composer).text == "a"


async def test_clear_begins_a_new_session_and_says_how_to_come_back() -> None:
    talk = two_tasks()
    async with driving(talk) as drive:
        await drive.press(*"/clear", "enter")
        assert talk.opened == [(None, None)]
        assert f"/resume {HERE}" in drive.told
        assert "Prices are floats" not in drive.told
        assert drive.app.state.tasks == []
        talk.is_running = True
        await drive.press(*"/clear", "enter")
        assert talk.opened == [(None, None)]


async def test_the_diff_marks_files_that_are_different_on_disk_now() -> None:
    talk = two_tasks()
    talk.past.disk["shop/cart.py"] += b"# mine\n"
    del talk.past.disk["shop/money.py"]
    async with driving(talk) as drive:
        await drive.press(*"/diff", "enter")
        assert "it is different on disk now" in drive.told
        await drive.press("d", "j", "j", "j")
        assert "# mine" in drive.told or "money.py" in drive.told
        await drive.press("n", "n", "n", "p", "k", "t", "z")
        assert isinstance(drive.app.screen, DiffScreen)


async def test_nothing_changed_is_said_and_opens_nothing() -> None:
    talk = two_tasks()
    talk.events = [opened(), given(), TaskEnded(0, "done", (), "done")]
    async with driving(talk) as drive:
        for command in ("/diff", "/undo"):
            await drive.press(*command, "enter")
            assert drive.app.desk.is_at_session
        assert "has changed nothing" in drive.told
