import time
import tomllib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from driving import Drive
from scene_parts import talk
from scripted_choices import scripted_choices
from snapshot_app import Clock, workers_done

from hybridcode.domain.errors import ConfigError
from hybridcode.tui.app import HybridcodeApp
from hybridcode.tui.screens.theme import ThemeScreen
from hybridcode.tui.theme_files import ThemeFiles
from hybridcode.tui.themes import read_theme, shipped_dir
from hybridcode.tui.wearing import LOOK_S

DARK = (shipped_dir() / "hybridcode-dark.toml").read_text()


def theme_text(name: str = "mine", background: str = "#14161a") -> str:
    return DARK.replace('"hybridcode-dark"', f'"{name}"').replace("#14161a", background)


@asynccontextmanager
async def opened(tmp_path: Path, theme: str = "hybridcode-dark") -> AsyncGenerator[Drive]:
    conversation = talk(is_running=False)
    conversation.folder = tmp_path
    conversation.own_choices = scripted_choices(conversation.take, tmp_path)
    await conversation.take(scripted_choices(conversation.take, tmp_path, flags={"ui.theme": theme}).loaded)
    clock = Clock()
    app = HybridcodeApp(conversation, clock=clock, theme_dirs=(tmp_path / "themes",))
    async with app.run_test(size=(100, 30)) as pilot:
        drive = Drive(app, pilot, conversation, clock)
        await workers_done(app)
        await drive.settle()
        yield drive


def ground(drive: Drive) -> str:
    return drive.app.screen.styles.background.hex.lower()


async def seen(drive: Drive, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20 * LOOK_S
    while not is_so():
        assert time.monotonic() < deadline, drive.told
        await drive.pilot.pause(0.1)


async def test_a_theme_is_worn_while_the_cursor_stands_on_it_and_given_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as drive:
        await drive.press(*"/theme", "enter")
        assert isinstance(drive.app.screen, ThemeScreen)
        before = ground(drive)
        await drive.press("slash", *"paper", "enter")
        assert drive.app.theme == "hybridcode-paper"
        assert ground(drive) != before
        await drive.press("escape")
        assert drive.app.theme == "hybridcode-dark"
        assert ground(drive) == before
    assert not (tmp_path / "config").exists()


async def test_enter_keeps_a_theme_in_ones_own_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as drive:
        await drive.press(*"/theme", "enter", "slash", *"north", "enter", "enter")
        assert drive.app.theme == drive.app.desk.facts.theme == "hybridcode-north"
    written = (tmp_path / "config" / "config.toml").read_text()
    assert tomllib.loads(written) == {"ui": {"theme": "hybridcode-north"}}


async def test_a_theme_named_is_for_this_start(tmp_path: Path) -> None:
    async with opened(tmp_path) as drive:
        await drive.press(*"/theme hybridcode-warm", "enter")
        assert drive.app.theme == "hybridcode-warm"
        await drive.press(*"/theme nothing", "enter")
        assert "there is no theme nothing" in drive.told
    assert not (tmp_path / "config").exists()


async def test_a_theme_of_ones_own_is_shown_as_it_is_saved(tmp_path: Path) -> None:
    own = tmp_path / "themes" / "mine.toml"
    own.parent.mkdir()
    own.write_text(theme_text())
    async with opened(tmp_path, "mine") as drive:
        assert ground(drive) == "#14161a"
        own.write_text(theme_text(background="#20304f"))
        await seen(drive, lambda: ground(drive) == "#20304f")
        broken = theme_text(background="#20304f") + "later = nope\n"
        own.write_text(broken)
        await seen(drive, lambda: "mine.toml is not a theme" in drive.told)
        assert ground(drive) == "#20304f"
        assert f"at line {len(broken.splitlines())}, column" in drive.told
        own.write_text(theme_text(background="#102030"))
        await seen(drive, lambda: ground(drive) == "#102030")


async def test_a_theme_that_was_broken_at_the_start_is_worn_once_it_is_right(tmp_path: Path) -> None:
    own = tmp_path / "themes" / "mine.toml"
    async with opened(tmp_path, "mine") as drive:
        assert "there is no theme mine" in drive.told
        own.parent.mkdir()
        own.write_text(theme_text(background="#20304f"))
        await seen(drive, lambda: ground(drive) == "#20304f")
        await drive.press(*"/theme", "enter")
        assert "yours" in drive.told


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('quiet = "#8b93a1"', 'quiet = "blurb"', "line 19: quiet = 'blurb' is no colour"),
        ('accent = "#8ab4f8"', "accent = 3", "line 8 is not a theme"),
        ('name = "mine"', 'name = "a b"', "line 2: 'a b' cannot be a theme's name"),
        ('name = "mine"', "name = [", "(at line"),
        ('line = "#343a44"\n', "", "missing line"),
    ],
)
def test_a_file_that_is_no_theme_says_where(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    assert old in theme_text()
    path.write_text(theme_text().replace(old, new))
    with pytest.raises(ConfigError) as caught:
        read_theme(path)
    assert said in caught.value.message


def test_only_what_changed_is_read_again_and_a_shipped_theme_comes_back(tmp_path: Path) -> None:
    files = ThemeFiles((tmp_path,))
    assert files.look() == ((), (), ())
    own = tmp_path / "mine.toml"
    own.write_text(theme_text("hybridcode-dark", "#000000"))
    assert files.look().changed == ("hybridcode-dark",)
    assert files.themes["hybridcode-dark"].colors.background == "#000000"
    assert files.place("hybridcode-dark") == str(own)
    assert files.look() == ((), (), ())
    own.write_text("[")
    assert [error.message for error in files.look().errors] != []
    assert files.look().errors == ()
    assert files.themes["hybridcode-dark"].colors.background == "#000000"
    own.unlink()
    assert files.look().changed == ("hybridcode-dark",)
    assert files.themes["hybridcode-dark"].colors.background == "#14161a"
