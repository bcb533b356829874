from driving import driving
from scenes import drafting

from hybridcode.tui.screens.settings import SettingsScreen
from hybridcode.tui.widgets.rows import Rows


async def test_a_search_and_enter_in_one_write_open_the_row_that_was_found() -> None:
    async with driving(drafting()) as drive:
        await drive.press("f7")
        rows = drive.app.screen.query_one(Rows)
        await drive.write_at_once("slash", *"ui.bell", "enter", "enter")
        assert isinstance(drive.app.screen, SettingsScreen)
        assert rows.key == "ui.bell"
