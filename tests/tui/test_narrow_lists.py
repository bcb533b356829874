from driving import driving
from scenes import drafting
from scenes_review import reviewing

from hybridcode.domain.action import FileChange
from hybridcode.tui.hints import Hint, fitting_hints
from hybridcode.tui.widgets.painted import Painted
from hybridcode.tui.widgets.plan_view import PlanView


async def test_a_split_is_offered_only_where_there_is_something_to_split() -> None:
    one = FileChange("a.py", b"a = 1\n", b"a = 2\n")
    for change, is_offered in ((one, False), (FileChange("a.py", b"a\nb\nc\n", b"A\nb\nC\n"), True)):
        async with driving(reviewing(change), size=(120, 24)) as drive:
            assert drive.pane is not None
            assert ("s split" in str(drive.pane.query_one("#keys", Painted).content)) == is_offered


async def test_plan_goes_to_the_steps_where_no_plan_waits() -> None:
    async with driving(drafting()) as drive:
        await drive.press(*"/plan", "enter")
        assert isinstance(drive.app.focused, PlanView)


async def test_what_a_command_does_takes_one_line_in_the_list_of_commands() -> None:
    async with driving(drafting(), size=(60, 24)) as drive:
        await drive.press(*"/con")
        shown = str(drive.app.screen.query_one("#completion", Painted).content)
        assert max(map(len, shown.split("\n"))) <= 56
        assert "…" in shown


def test_words_get_shorter_only_where_that_shows_another_of_the_first_keys() -> None:
    long = Hint("n", "give up the whole of this step", "give up", is_needed=True)
    more = Hint("e", "edit")
    assert fitting_hints((long, more), 38) == [long._replace(says="give up"), more]
    assert fitting_hints((long, more), 60) == [long, more]
    assert fitting_hints((long,), 38) == [long]
