from driving import Drive, driving
from hypothesis import given
from hypothesis import strategies as st
from scene_parts import talk
from textual.events import Paste

from hybridcode.tui.pasting import FOLD_CHARACTERS, FOLD_LINES, Pastes
from hybridcode.tui.widgets.composer import Composer

LONG = "\n".join(f"line {number}" for number in range(120))
TOKEN = "[pasted 120 lines #1]"


async def _paste(drive: Drive, text: str) -> Composer:
    composer = drive.app.screen.query_one(Composer)
    composer.post_message(Paste(text))
    await drive.settle()
    return composer


def test_a_paste_at_the_bounds_is_not_folded() -> None:
    for text in ("x", "a\n" * FOLD_LINES, "a" * FOLD_CHARACTERS):
        assert Pastes().fold(text) == text


def test_a_long_line_is_counted_in_characters() -> None:
    assert Pastes().fold("a" * 2_001) == "[pasted 2,001 characters #1]"


@given(st.lists(st.text(alphabet="a\n[]#1", max_size=40), min_size=2, max_size=4))
def test_unfolding_gives_back_every_paste(texts: list[str]) -> None:
    pastes = Pastes()
    whole = [text + "\n" * (FOLD_LINES + 1) for text in texts]
    assert pastes.unfold(" and ".join(map(pastes.fold, whole))) == " and ".join(whole)


def test_a_token_inside_a_paste_is_not_unfolded() -> None:
    pastes = Pastes()
    pastes.fold(LONG)
    second = f"{TOKEN}\n" * 12
    assert pastes.unfold(pastes.fold(second)) == second


async def test_a_long_paste_is_one_token_and_is_sent_and_remembered_whole() -> None:
    async with driving(talk(is_running=False)) as drive:
        composer = await _paste(drive, LONG)
        assert composer.text == TOKEN
        await drive.press("enter")
        assert drive.talk.started == [LONG]
        await drive.press("up")
        assert composer.text == LONG


async def test_backspace_and_delete_take_a_folded_paste_as_one_and_undo_brings_it_back() -> None:
    async with driving(talk(is_running=False)) as drive:
        composer = await _paste(drive, LONG)
        await drive.press("backspace")
        assert composer.text == ""
        await drive.press("ctrl+underscore")
        assert composer.text == TOKEN
        await drive.press("home", "delete")
        assert composer.text == ""


async def test_a_token_changed_by_hand_is_sent_as_it_stands() -> None:
    async with driving(talk(is_running=False)) as drive:
        composer = await _paste(drive, LONG)
        await drive.press("left", "x", "enter")
        assert composer.text == ""
        assert drive.talk.started == ["[pasted 120 lines #1x]"]
