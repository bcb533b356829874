import time

import pytest
from driving import driving
from hypothesis import given
from hypothesis import strategies as st
from scene_parts import talk
from scenes import drafting
from textual import events

from hybridcode.tui.completing import MOST, complete, matching, with_folders
from hybridcode.tui.screens.help import HelpScreen
from hybridcode.tui.widgets.composer import Composer

PATHS = ["README.md", "shop/cart.py", "shop/money.py", "tests/test_cart.py"]


def test_names_that_begin_so_come_before_those_that_only_hold_the_letters() -> None:
    assert matching("cart", PATHS) == ["shop/cart.py", "tests/test_cart.py"]
    assert matching("shmo", PATHS) == ["shop/money.py"]
    assert matching("nothing", PATHS) == []


def test_a_command_is_completed_only_at_the_beginning_and_a_path_only_after_a_blank() -> None:
    commands = {"theme": "other colours", "export": "write"}
    found = complete("/th", is_first=True, commands=commands, paths=PATHS)
    assert found is not None
    assert found.chosen == "/theme "
    assert complete("/th", is_first=False, commands=commands, paths=PATHS) is None
    assert complete("a@cart", is_first=True, commands=commands, paths=PATHS) is None
    mention = complete("look at @mon", is_first=True, commands=commands, paths=PATHS)
    assert mention is not None
    assert (mention.start, mention.chosen) == (8, "@shop/money.py ")


def test_folders_can_be_mentioned_too() -> None:
    assert with_folders(["a/b/c.py"]) == ["a/", "a/b/", "a/b/c.py"]


@given(st.text(max_size=6), st.lists(st.text(max_size=12), max_size=30))
def test_what_is_found_holds_the_letters_in_order(word: str, names: list[str]) -> None:
    found = matching(word, names)
    assert len(found) <= MOST
    for name in found:
        rest = iter(name.casefold())
        assert all(letter in rest for letter in word.casefold())


def test_twenty_thousand_paths_are_looked_through_at_typing_speed() -> None:
    paths = [f"package_{number % 100}/module_{number}/file_{number}.py" for number in range(20_000)]
    start = time.process_time()
    assert matching("mod19file", paths)
    assert time.process_time() - start < 0.3


def test_a_name_that_almost_fits_costs_no_more() -> None:
    start = time.process_time()
    assert matching("e" * 20 + "z", ["e" * 200] * 100) == []
    assert time.process_time() - start < 0.1


async def test_tab_takes_a_command_and_escape_closes_the_list_without_interrupting() -> None:
    async with driving(drafting()) as drive:
        await drive.press(*"/the")
        assert "themes with a preview" in drive.told
        await drive.press("escape")
        assert "Tab takes it" not in drive.told
        assert drive.talk.interrupts == 0
        await drive.press("m", "tab")
        assert drive.app.screen.query_one(Composer).text == "/theme "


async def test_a_path_is_found_by_letters_and_taken_into_the_text() -> None:
    async with driving(talk(is_running=False)) as drive:
        await drive.press(*"fix ", "@", *"cart")
        assert "@shop/cart.py" in drive.told
        await drive.press("down", "tab")
        assert drive.app.screen.query_one(Composer).text == "fix @tests/test_cart.py "
        await drive.press("enter")
        assert drive.talk.started == ["fix @tests/test_cart.py"]


@pytest.mark.parametrize("key", ["enter", "tab"])
async def test_keys_in_one_go_take_a_candidate_of_the_text_as_it_stands(key: str) -> None:
    async with driving(talk(is_running=False)) as drive:
        await drive.press("/")
        for typed in ("s", "e", "t", "u", key):
            drive.app.post_message(events.Key(typed, typed if len(typed) == 1 else None))
        await drive.settle()
        assert drive.app.screen.query_one(Composer).text == "/setup "


async def test_a_command_and_its_enter_in_one_go_run_that_command() -> None:
    async with driving(talk(is_running=False)) as drive:
        for typed in ("/", "h", "e", "l", "p", "enter"):
            drive.app.post_message(events.Key(typed, typed if len(typed) == 1 else None))
        await drive.settle()
        assert isinstance(drive.app.screen, HelpScreen)
