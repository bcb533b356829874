import pytest
from driving import driving
from scenes import drafting, review_command
from scenes_review import AFTER, BEFORE, reviewing
from textual.widgets import Input, TextArea

from hybridcode.domain.action import FileChange
from hybridcode.tui.widgets.finder import Finder

WRITTEN = (
    (("h", "e", "l", "l", "o", "backspace", "backspace", "p"), "help"),
    (("a", "b", "ctrl+j", "c", "d"), "ab\ncd"),
    (("a", "b", "left", "X", "home", "Y", "end", "Z"), "YaXbZ"),
    (("o", "l", "d", "ctrl+u", "n", "e", "w"), "new"),
    (("o", "n", "e", "space", "t", "w", "o", "ctrl+w", "x"), "one x"),
)


@pytest.mark.parametrize(("keys", "text"), WRITTEN)
async def test_keys_that_come_in_one_piece_count_in_the_order_they_were_typed(keys: tuple[str, ...], text: str) -> None:
    async with driving(drafting()) as drive:
        await drive.write_at_once(*(" " if key == "space" else key for key in keys))
        assert drive.app.desk.session.composer.text == text


async def test_a_command_behind_a_cleared_line_opens_its_list_and_stays() -> None:
    async with driving(drafting()) as drive:
        await drive.press(*"@src")
        await drive.write_at_once("ctrl+u", "/", "c", "o")
        assert drive.app.desk.session.composer.text == "/co"


async def test_the_same_holds_for_a_reason_a_search_and_a_text_that_is_edited() -> None:
    async with driving(review_command()) as drive:
        await drive.press("r")
        await drive.write_at_once("a", "b", "backspace", "c", "left", "d")
        assert drive.app.screen.query_one(Input).value == "adc"
    async with driving(reviewing(FileChange("a.py", BEFORE, AFTER))) as drive:
        await drive.press("slash")
        await drive.write_at_once("a", "b", "backspace", "c")
        assert drive.app.screen.query_one(Finder).value == "ac"
        await drive.press("escape", "e")
        area = drive.app.screen.query_one(TextArea)
        area.text = ""
        await drive.write_at_once("a", "b", "enter", "c", "backspace", "d")
        assert area.text == "ab\nd"
