import re

import msgspec
import pytest
from driving import driving
from hypothesis import given
from hypothesis import strategies as st
from scene_parts import ASKS_EDIT, CHANGES, PLAN, drafted, propose, talk
from scenes import SCENES, plan_waiting, review_command, review_destructive, review_diff
from scripted_conversation import ScriptedConversation
from textual.widgets import Input, TextArea

from hybridcode.domain.action import Reject, Ruling, ShellCommand
from hybridcode.domain.errors import PlanInvalid
from hybridcode.domain.events import EffectStarted, ProposalMade
from hybridcode.domain.plan import Plan, Step
from hybridcode.session.plan_files import plan_from_toml, plan_to_toml
from hybridcode.session.watchers import Piece
from hybridcode.tui.command_text import command_facts
from hybridcode.tui.hints import Hint, fitting_hints, hint_text
from hybridcode.tui.screens.framed import FLASH_S
from hybridcode.tui.widgets.command_view import CommandView
from hybridcode.tui.widgets.file_list import FileList
from hybridcode.tui.widgets.live import Live
from hybridcode.tui.widgets.painted import Painted

NAMES = tuple(f"VARIABLE_{number:02}" for number in range(37))
HINTS = st.lists(
    st.builds(Hint, st.sampled_from("abcdef"), st.text("xyz ", max_size=20), st.text("xyz", max_size=5), st.booleans()),
    max_size=8,
)


def many_variables() -> ScriptedConversation:
    conversation = talk()
    command = ShellCommand(script="\n".join(f"echo {'word ' * 30}{n}" for n in range(12)), env_names=NAMES)
    ruling = Ruling("ask", "runs code of the repository", "commands.unknown", flags=("several-lines",))
    conversation.events = [*drafted(), propose(conversation, command, ruling=ruling, title="echo")]
    return conversation


@pytest.mark.parametrize("keys", [("n", "d", "N"), ("N",), ("n", "n", "n")])
async def test_rejecting_every_hunk_is_a_no_without_a_reason(keys: tuple[str, ...]) -> None:
    async with driving(review_diff()) as drive:
        await drive.press(*keys)
        ((_, decision, _),) = drive.talk.answers
        assert decision == Reject("", "person:tui")


async def test_the_last_no_says_that_it_gives_the_step_up() -> None:
    async with driving(review_diff(), size=(120, 30)) as drive:
        assert "given up" not in drive.told
        await drive.press("n", "n")
        assert "no hunk left, the step is given up" in drive.told
    async with driving(review_diff()) as drive:
        await drive.press("y", "n")
        assert "given up" not in drive.told


async def test_the_reason_says_what_follows_from_it() -> None:
    async with driving(review_diff()) as drive:
        await drive.press("R")
        assert "no reason: the step is given up" in drive.told
        drive.app.screen.query_one(Input).value = "keep float"
        await drive.settle()
        assert "the next draft sees it" in drive.told
        assert "given up" not in drive.told
    async with driving(review_command()) as drive:
        await drive.press("n")
        drive.app.screen.query_one(Input).value = "too slow"
        await drive.settle()
        assert "the next draft" not in drive.told
        assert "the step is given up" in drive.told


async def test_full_screen_leaves_only_the_diff() -> None:
    async with driving(review_diff(), size=(120, 40)) as drive:
        assert drive.pane is not None
        why, files = drive.pane.query_one("#why"), drive.pane.query_one(FileList)
        assert why.display
        assert files.display
        await drive.press("f")
        assert not why.display
        assert not files.display
        await drive.press("J")
        assert not why.display
        await drive.press("f")
        assert why.display
        assert files.display


async def test_a_remark_ends_at_the_next_key() -> None:
    async with driving(review_diff()) as drive:
        await drive.press("t", "t", "y", "y", "k", "K", "s")
        await drive.press("s")
        await drive.press("s")
        assert "this hunk is one change" in drive.told
        await drive.press("x")
        assert "this hunk is one change" not in drive.told


async def test_a_remark_ends_by_itself() -> None:
    async with driving(review_diff()) as drive:
        await drive.press("y", after=0.1)
        assert "key ignored" in drive.told
        await drive.pilot.pause(FLASH_S + 0.3)
        assert "key ignored" not in drive.told


async def test_no_other_undecided_hunk_names_the_keys_for_all() -> None:
    async with driving(review_diff()) as drive:
        await drive.press("y", "y", "j")
        assert "no other undecided hunk; J/K go to all" in drive.told


def test_the_facts_of_a_command_stand_in_the_order_of_weight() -> None:
    (made,) = (event for event in review_destructive().events if isinstance(event, ProposalMade))
    names = [name for name, _, _ in command_facts(made.proposal, sandbox="none")]
    assert names[:5] == ["command", "flags", "sandbox", "network", "asked by"]
    assert names.index("folder") < names.index("model says") < names.index("sees") == len(names) - 1


async def test_variables_are_folded_until_they_are_asked_for() -> None:
    async with driving(many_variables(), size=(100, 70)) as drive:
        assert "37 variables · v shows them" in drive.told
        assert NAMES[0] not in drive.told
        await drive.press("v")
        assert all(name in drive.told for name in NAMES)
        await drive.press("v")
        assert NAMES[0] not in drive.told


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (100, 30)])
async def test_lines_are_wrapped_for_the_width_beside_the_scroll_bar(size: tuple[int, int]) -> None:
    async with driving(many_variables(), size=size) as drive:
        view = drive.app.screen.query_one(CommandView)
        assert view.show_vertical_scrollbar
        text = view.query_one(Painted)
        lines = str(text.content).split("\n")
        assert max(map(len, lines)) <= text.content_size.width
        assert text.content_size.height == len(lines)


@pytest.mark.parametrize("scene", ["review_diff", "review_command", "review_destructive", "plan_waiting"])
@pytest.mark.parametrize("width", [32, 40, 60, 80, 120])
async def test_yes_no_and_back_are_always_in_the_bottom_line(scene: str, width: int) -> None:
    async with driving(SCENES[scene](), size=(width, 24)) as drive:
        assert drive.pane is not None
        line = str(drive.pane.query_one("#keys", Painted).content)
        assert re.findall(r"(?:^|  )(y|n|Esc|\?)(?= )", line) == ["y", "n", "Esc", "?"]
        assert len(line.rstrip()) <= width - 2


@pytest.mark.parametrize("width", [60, 80])
async def test_the_last_no_fits_too(width: int) -> None:
    async with driving(review_diff(), size=(width, 24)) as drive:
        await drive.press("n", "n")
        assert drive.pane is not None
        line = str(drive.pane.query_one("#keys", Painted).content)
        assert len(line.rstrip()) <= width - 2
        assert "step" in line
        assert "Esc back" in line


@given(hints=HINTS, cells=st.integers(0, 120))
def test_hints_never_lose_a_needed_key_nor_their_order(hints: list[Hint], cells: int) -> None:
    shown = fitting_hints(hints, cells)
    keys = iter([hint.key for hint in hints])
    assert all(hint.key in keys for hint in shown)
    assert sum(hint.is_needed for hint in shown) == sum(hint.is_needed for hint in hints)
    if any(not hint.is_needed for hint in shown):
        assert sum(len(hint.key) + len(hint_text(hint)) for hint in shown) <= cells


async def test_a_plan_saved_unchanged_is_still_the_models() -> None:
    async with driving(plan_waiting()) as drive:
        await drive.press("e", "ctrl+s")
        assert "by frontier" in drive.told
        assert "by you" not in drive.told
        await drive.press("e")
        area = drive.app.screen.query_one(TextArea)
        area.text = area.text.replace("Run the suite.", "Run all tests.")
        await drive.press("ctrl+s")
        assert "by you" in drive.told


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ((Step("1", "a", needs=("2",)), Step("2", "b", needs=("1",))), "1, 2 wait for each other"),
        ((Step("1", "a", "command"),), "1 is a command without"),
        ((Step("1", "a", "command", command="  "),), "1 is a command without"),
    ],
)
def test_an_edited_plan_that_could_not_run_is_refused(steps: tuple[Step, ...], said: str) -> None:
    with pytest.raises(PlanInvalid, match=said):
        plan_from_toml(plan_to_toml(Plan(steps=steps)))
    assert plan_from_toml(plan_to_toml(PLAN)) == PLAN


async def test_a_running_command_is_measured_in_lines_and_seconds() -> None:
    conversation = talk()
    command = ShellCommand(argv=("pytest", "-q"), purpose="step")
    made = propose(conversation, command, ruling=Ruling("allow", "", "x"), title="pytest -q", name="c", step="4")
    conversation.events = [*drafted()[:-1], made, EffectStarted("c", "d" * 64)]
    conversation.live.put(Piece("output", "c", "one\ntwo\nthree\n"))
    async with driving(conversation) as drive:
        drive.clock.now += 7
        drive.app.screen.query_one(Live).refresh()
        await drive.pilot.pause(0.2)
        assert "running · pytest -q · 3 lines · 7.0 s" in drive.told
        assert "tok ·" not in drive.told.split("3 lines")[0][-40:]


async def test_several_ordinary_files_are_counted_in_the_pane() -> None:
    conversation = talk()
    inside = msgspec.structs.replace(ASKS_EDIT, rule="files.inside", reason="shop/cart.py is an ordinary file")
    made = propose(conversation, conversation.seal(CHANGES), ruling=inside)
    conversation.events = [*drafted(), made]
    async with driving(conversation) as drive:
        assert "asked by files.inside: 2 ordinary paths" in drive.told
