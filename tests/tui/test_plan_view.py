import msgspec
import pytest
from driving import driving
from hypothesis import given
from hypothesis import strategies as st
from scene_parts import ASKS_EDIT, CHANGES, answered, asked, drafted, opened, planned, propose, talk
from scenes import SCENES, drafting
from scripted_conversation import ScriptedConversation
from textual.geometry import Offset

from hybridcode.domain.events import CheckRan, Event, PlanMade, SessionResumed, StepEnded, StepStarted, TaskGiven
from hybridcode.domain.plan import Plan, Step, Task
from hybridcode.session.state import SessionState
from hybridcode.session.task_view import TaskView
from hybridcode.tui.paint import width
from hybridcode.tui.plan_text import PlanRow, folded, plan_rows
from hybridcode.tui.screens.step import StepScreen
from hybridcode.tui.widgets.composer import Composer
from hybridcode.tui.widgets.plan_view import PlanView
from hybridcode.tui.widgets.rows import Rows


def text_of(row: PlanRow) -> str:
    return "".join(text for text, _ in row.parts)


def task_of(*events: Event) -> TaskView:
    conversation = talk()
    conversation.events = list(events)
    task = SessionState.of(conversation.envelopes).task
    assert task is not None
    return task


def lines(task: TaskView, step: str, cells: int = 100, *, unfolded: tuple[str, ...] = ()) -> list[str]:
    return [text_of(row) for row in plan_rows(task, cells, words={}, unfolded=unfolded) if row.step == step]


def checked() -> tuple[Event, ...]:
    conversation = talk()
    made = propose(conversation, conversation.seal(CHANGES), ruling=ASKS_EDIT, title="shop/cart.py +10 -6")
    return (
        *drafted(),
        answered(3, out=310),
        CheckRan("2", "pytest -q tests/test_cart.py", True, 0, "ok", 0.8, where="scratch"),
        made,
    )


def test_a_step_at_work_says_what_it_used_how_it_was_checked_and_what_it_changes() -> None:
    first, *about = lines(task_of(*checked()), "2", 94)
    assert first.startswith("? 2 Let Cart.total return Money.")
    assert first.endswith("awaiting")
    assert about == [
        "└ local, try 2 · the first draft was cut off · 3.1k tok in · 310 tok out · 2.0 s · 41 tok/s",
        "  ✓ check passed in a copy · shop/cart.py +10 -6",
    ]


def test_a_step_whose_change_waits_still_waits_for_a_person_after_the_program_was_killed() -> None:
    assert lines(task_of(*checked(), SessionResumed("0.1.0")), "2")[0].endswith("awaiting")
    assert not lines(task_of(*drafted(), SessionResumed("0.1.0")), "2")[0].endswith("awaiting")


def test_a_failed_check_and_its_exit_code_are_said() -> None:
    check = CheckRan("2", "pytest -q tests/test_cart.py", False, 1, "no", 0.8)
    task = task_of(*drafted(), answered(3, out=310), check, StepEnded("2", "failed", "the check failed"))
    assert lines(task, "2", 200)[1].endswith("✗ check failed, exit 1")


def test_a_finished_step_tells_its_figures_only_when_asked() -> None:
    task = task_of(*drafted())
    assert lines(task, "1") == ["✓ 1 Add a Money type that keeps cents as an integer." + " " * 43 + "local"]
    _, about = lines(task, "1", unfolded=("1",))
    assert about == "└ local, try 1 · 3.1k tok in · 190 tok out · 2.0 s · 41 tok/s · no check"


def test_a_waiting_step_says_what_it_waits_for_and_why_that_model_writes() -> None:
    task = task_of(*drafted())
    assert lines(task, "3")[1:] == ["└ after 2 · why frontier: ambiguous, two callers disagree"]
    assert lines(task, "4")[1:] == ["└ after 2, 3"]
    done = task_of(*drafted(), StepEnded("2", "done"), StepStarted("3"), StepEnded("3", "done"))
    assert lines(done, "4")[1:] == []


def test_what_the_frontier_wrote_costs_dollars_or_is_unknown() -> None:
    for usd, said in ((0.021, "$0.02"), (None, "cost unknown")):
        draft = (asked(9, "draft", "frontier", "2"), answered(9, out=50, usd=usd))
        assert f" · {said}" in "".join(lines(task_of(*drafted(), *draft), "2", 200))


@pytest.mark.parametrize("cells", [28, 33, 57, 120, 200])
@pytest.mark.parametrize("scene", ["drafting", "denied", "done", "interrupted", "plan_waiting"])
def test_no_row_is_wider_than_the_plan(scene: str, cells: int) -> None:
    task = SessionState.of(SCENES[scene]().envelopes).task
    assert task is not None
    for row in plan_rows(task, cells, words={}, unfolded=tuple(task.steps)):
        assert width(text_of(row)) <= cells


@given(st.lists(st.integers(1, 4), min_size=1, max_size=30), st.integers(0, 29), st.integers(3, 12))
def test_a_folded_plan_fits_shows_the_active_step_and_counts_the_others(sizes: list[int], at: int, room: int) -> None:
    at %= len(sizes)
    rows = [PlanRow("", (("plan", ""),))]
    rows += [PlanRow(str(n), ((f"{n}.{line}", ""),)) for n, size in enumerate(sizes) for line in range(size)]
    shown = folded(rows, room, at=str(at), key="Ctrl+T")
    if len(rows) <= room:
        assert shown == rows
        return
    assert len(shown) <= room
    names = list(dict.fromkeys(row.step for row in shown[1:]))
    assert str(at) in names
    assert [int(name) for name in names] == list(range(int(names[0]), int(names[-1]) + 1))
    hidden = len(sizes) - len(names)
    assert (f"{hidden} more step" in text_of(shown[0])) == (hidden > 0)
    whole = sum(row.step in names for row in rows)
    if whole > len(shown) - 1:
        assert text_of(shown[-1]) == f"  ⋯ {whole - len(shown) + 2} more lines"


def many_steps() -> ScriptedConversation:
    conversation = talk()
    steps = tuple(Step(str(n), f"Goal number {n}.", touches=(f"f{n}.py",)) for n in range(1, 13))
    done: list[Event] = [event for n in range(1, 6) for event in (StepStarted(str(n)), StepEnded(str(n), "done"))]
    conversation.events = [
        opened(),
        TaskGiven(Task("t1", "Do a lot."), "d" * 64),
        PlanMade(Plan(steps), "file"),
        *done,
        StepStarted("6"),
    ]
    return conversation


async def test_above_the_transcript_a_plan_has_few_rows_and_all_of_them_with_the_focus() -> None:
    async with driving(many_steps(), size=(60, 20)) as drive:
        plan = drive.app.screen.query_one(PlanView)
        assert plan.size.height <= 5
        assert "plan 5/12 · 10 more steps · Ctrl+T" in drive.told
        assert "Goal number 6." in drive.told
        await drive.press("ctrl+t")
        assert "more steps" not in drive.told
        assert "↓, j step  Enter what it did  f figures  Esc back" in drive.told
        assert plan.size.height > 5
        for _ in range(6):
            await drive.press("down")
        assert "Goal number 12." in drive.told
        await drive.press("escape")
        assert isinstance(drive.app.focused, Composer)
        assert "10 more steps" in drive.told
        assert drive.talk.interrupts == 0


async def test_arrows_and_enter_open_a_step_and_escape_leads_back_to_writing() -> None:
    async with driving(drafting(), size=(120, 40)) as drive:
        await drive.press("ctrl+t", "up", "enter")
        assert isinstance(drive.app.screen, StepScreen)
        for said in ("step 1", "Add a Money type", "local, try 1", "3.1k tok in", "1 request"):
            assert said in drive.told
        await drive.press("escape")
        assert not isinstance(drive.app.screen, StepScreen)
        await drive.press("escape", "a")
        assert drive.app.screen.query_one(Composer).text == "a"


async def test_a_click_opens_the_step_and_leaves_the_focus_where_it_was() -> None:
    async with driving(drafting(), size=(120, 40)) as drive:
        place = next(y for y in range(30) if drive.app.screen.query_one(PlanView).step_at(y) == "3")
        await drive.pilot.click(PlanView, offset=Offset(4, place))
        await drive.settle()
        assert isinstance(drive.app.screen, StepScreen)
        assert "Choose the rounding rule" in drive.told
        await drive.press("escape")
        assert isinstance(drive.app.focused, Composer)
        assert drive.talk.answers == []
        assert drive.talk.plans == []


async def test_figures_of_every_step_come_and_go_with_a_key() -> None:
    async with driving(drafting(), size=(120, 40)) as drive:
        await drive.press("ctrl+t", "down")
        assert "190 tok out" not in drive.told
        await drive.press("f")
        assert "190 tok out" in drive.told
        await drive.press("f")
        assert "190 tok out" not in drive.told


async def test_a_request_of_a_step_shows_its_exact_text_and_the_step_itself_has_none() -> None:
    async with driving(drafting(), size=(120, 40)) as drive:
        drive.talk.blobs["a" * 64] = b'[{"role":"user","content":"the very words"}]'
        await drive.press(*"/step 2", "enter")
        assert isinstance(drive.app.screen, StepScreen)
        assert drive.app.screen.query_one(Rows).key == "step"
        await drive.press("enter")
        assert "exact text" in drive.told
        await drive.press("down", "enter")
        assert "the very words" in drive.told


async def test_a_step_that_is_none_is_said() -> None:
    async with driving(drafting(), size=(120, 40)) as drive:
        await drive.press(*"/step 9", "enter")
        assert "no step 9: 1, 2, 3, 4" in drive.told
    async with driving(SCENES["empty"](), size=(120, 40)) as drive:
        await drive.press("ctrl+t", *"/step", "enter")
        assert "no plan with steps" in drive.told
        assert isinstance(drive.app.focused, Composer)


async def test_a_step_view_follows_while_the_task_runs() -> None:
    conversation = drafting()
    async with driving(conversation, size=(120, 40)) as drive:
        await drive.press(*"/step 2", "enter")
        conversation.play(answered(3, out=310))
        conversation.play(msgspec.structs.replace(asked(4, "hint", "frontier", "2")))
        await drive.pilot.pause(0.7)
        assert "2 requests" in drive.told


def test_a_plan_without_calls_has_no_figures() -> None:
    task = task_of(*planned())
    assert lines(task, "1") == ["○ 1 Add a Money type that keeps cents as an integer." + " " * 43 + "local"]
