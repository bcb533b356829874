import tomllib
from pathlib import Path

import pytest
from driving import Drive, driving
from scene_parts import opened, talk
from scripted_choices import scripted_choices
from scripted_conversation import ScriptedConversation
from textual.widgets import Input

from hybridcode.config.keys import KEYS
from hybridcode.tui.screens.line import ChoiceScreen, LineScreen
from hybridcode.tui.screens.questions import EditScreen, SureScreen
from hybridcode.tui.screens.settings import SettingsScreen
from hybridcode.tui.visible import use_ascii


@pytest.fixture
def desk(tmp_path: Path) -> ScriptedConversation:
    conversation = talk(is_running=False)
    conversation.folder = tmp_path
    return conversation


def written(desk: ScriptedConversation) -> dict[str, dict[str, object]]:
    path = desk.folder / "config" / "config.toml"
    return tomllib.loads(path.read_text()) if path.exists() else {}


async def at(drive: Drive, name: str) -> None:
    await drive.press("f7")
    assert isinstance(drive.app.screen, SettingsScreen)
    await drive.press("slash", *name, "enter")


async def write_line(drive: Drive, text: str) -> None:
    assert isinstance(drive.app.screen, LineScreen)
    drive.app.screen.query_one(Input).value = text
    await drive.press("enter")


async def test_every_setting_is_there_with_its_origin(desk: ScriptedConversation) -> None:
    desk.own_choices = scripted_choices(
        desk.take, desk.folder, flags={"limits.max_steps": 7}, env={"HYBRIDCODE_UI_BELL": "true"}
    )
    async with driving(desk, size=(160, 140)) as drive:
        await drive.press(*"/config", "enter")
        told = drive.told
    assert [name for name in KEYS if name.rpartition(".")[2] not in told] == []
    assert "cmd line" in told
    assert "environ" in told


async def test_a_number_is_judged_while_it_is_typed_and_written_with_comments_kept(desk: ScriptedConversation) -> None:
    path = desk.folder / "config" / "config.toml"
    path.parent.mkdir()
    path.write_text("# mine\n[models.local]\nn_ctx = 4096  # small\n")
    async with driving(desk) as drive:
        await at(drive, "n_ctx")
        await drive.press("enter")
        assert isinstance(drive.app.screen, LineScreen)
        line = drive.app.screen.query_one(Input)
        line.value = "many"
        await drive.settle()
        assert "!" in drive.told
        await drive.press("enter")
        assert isinstance(drive.app.screen, LineScreen)
        await write_line(drive, "8192")
        assert "next task" in drive.told
    assert path.read_text() == "# mine\n[models.local]\nn_ctx = 8192  # small\n"
    assert desk.taken[-1].settings.models.local.n_ctx == 8192


async def test_an_open_session_keeps_its_settings_and_the_screen_says_so(desk: ScriptedConversation) -> None:
    desk.events = [opened()]
    async with driving(desk) as drive:
        await at(drive, "max_steps")
        await drive.press("enter")
        await write_line(drive, "9")
        assert "next session" in drive.told


async def test_a_word_is_chosen_from_those_there_are(desk: ScriptedConversation) -> None:
    async with driving(desk) as drive:
        await at(drive, "ui.notify")
        await drive.press("enter")
        assert isinstance(drive.app.screen, ChoiceScreen)
        await drive.press("down", "enter")
        assert drive.app.desk.facts.notify == "osc9"
    assert written(desk) == {"ui": {"notify": "osc9"}}


async def test_glyphs_change_all_that_is_on_screen(desk: ScriptedConversation) -> None:
    try:
        async with driving(desk) as drive:
            await at(drive, "ui.glyphs")
            await drive.press("enter", "down", "down", "enter", "escape", "escape")
            assert drive.told.isascii(), {sign for sign in drive.told if not sign.isascii()}
            await at(drive, "ui.glyphs")
            await drive.press("enter", "up", "enter", "escape", "escape")
            assert "─" in drive.told
    finally:
        use_ascii(False)


@pytest.mark.parametrize("is_yes", [True, False])
async def test_what_lets_more_through_needs_a_y_and_enter_is_none(desk: ScriptedConversation, is_yes: bool) -> None:
    async with driving(desk) as drive:
        await at(drive, "egress.redact")
        await drive.press("enter")
        assert isinstance(drive.app.screen, SureScreen)
        await drive.press("enter", "enter")
        assert written(desk) == {}
        await drive.press("y" if is_yes else "n")
    assert written(desk) == ({"egress": {"redact": False}} if is_yes else {})


async def test_a_list_is_written_one_a_line_and_a_bad_rule_is_told(desk: ScriptedConversation) -> None:
    async with driving(desk) as drive:
        await at(drive, "approval.deny")
        await drive.press("enter")
        assert isinstance(drive.app.screen, EditScreen)
        await drive.press(*"Nonsense(", "ctrl+s")
        assert isinstance(drive.app.screen, EditScreen)
        await drive.press("ctrl+u", *"Bash(curl *)", "ctrl+s")
    assert written(desk) == {"approval": {"deny": ["Bash(curl *)"]}}


async def test_a_value_that_is_overruled_says_by_what(desk: ScriptedConversation) -> None:
    desk.own_choices = scripted_choices(desk.take, desk.folder, env={"HYBRIDCODE_LIMITS_MAX_STEPS": "5"})
    async with driving(desk, size=(120, 40)) as drive:
        await at(drive, "max_steps")
        await drive.press("enter")
        await write_line(drive, "9")
        assert "HYBRIDCODE_LIMITS_MAX_STEPS overrules it" in drive.told
        await drive.press("down")
        assert "overruled by" in drive.told
        await drive.press("delete")
    assert written(desk) == {"limits": {}}


async def test_local_is_written_only_when_it_is_picked_and_counts_where_all_is_ones_own(
    desk: ScriptedConversation,
) -> None:
    local = desk.folder / "shop" / ".hybridcode" / "config.local.toml"
    async with driving(desk) as drive:
        await at(drive, "max_steps")
        await drive.press("t", "enter")
        await write_line(drive, "9")
        assert drive.app.conversation.choices.value("limits.max_steps") == 9
    assert local.read_text() == "[limits]\nmax_steps = 9\n"
    assert (local.parent / ".gitignore").read_text() == "config.local.toml\n"
    assert written(desk) == {}


async def test_in_a_repository_that_is_not_trusted_a_local_value_only_tightens(desk: ScriptedConversation) -> None:
    shared = desk.folder / "shop" / ".hybridcode" / "config.toml"
    shared.parent.mkdir(parents=True)
    shared.write_text('[verify]\ntest_cmd = "make"\n')
    async with driving(desk) as drive:
        await at(drive, "n_ctx")
        await drive.press("t", "enter")
        await write_line(drive, "8192")
        assert "once this repository's files are trusted" in drive.told
        assert not drive.app.conversation.choices.loaded.is_trusted
        assert drive.app.conversation.choices.value("models.local.n_ctx") == 16_384


async def test_a_link_of_the_repository_is_not_written_through(desk: ScriptedConversation) -> None:
    folder = desk.folder / "shop" / ".hybridcode"
    folder.mkdir(parents=True)
    victim = desk.folder / "victim"
    victim.write_text("")
    (folder / "config.local.toml").symlink_to(victim)
    async with driving(desk) as drive:
        await at(drive, "max_steps")
        await drive.press("t", "enter")
        await write_line(drive, "9")
        assert "symbolic link" in drive.told
    assert victim.read_text() == ""


async def test_no_secret_is_shown_or_taken(desk: ScriptedConversation) -> None:
    secret = "sk-ant-api03-" + "Ab3dEf9hIj" * 5
    desk.own_choices = scripted_choices(desk.take, desk.folder, flags={"models.frontier.model": secret})
    async with driving(desk, size=(120, 40)) as drive:
        await at(drive, "api_key_env")
        await drive.press("enter")
        await write_line(drive, secret)
        assert "does not hold the name" in drive.told
        await drive.press("escape", "slash", "escape", "slash", *"frontier.model ", "enter")
        assert "redacted" in drive.told
        await drive.press("enter")
        assert isinstance(drive.app.screen, LineScreen)
        assert drive.app.screen.query_one(Input).value == ""
    assert written(desk) == {}
