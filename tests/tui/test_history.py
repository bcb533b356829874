import stat
from multiprocessing import get_context
from pathlib import Path

from driving import driving
from scene_parts import talk

from hybridcode.session.written import KEPT, History
from hybridcode.tui.screens.sent import SentScreen
from hybridcode.tui.widgets.composer import Composer

FILE = "state/written.jsonl"


def write_many(path: Path, name: str) -> None:
    history = History(path)
    for number in range(200):
        history.add(f"{name} {number}\n\u20ac")


def test_what_was_written_is_there_at_the_next_start_and_for_nobody_else(tmp_path: Path) -> None:
    history = History(tmp_path / FILE)
    assert history.read() == []
    history.add("one\ntwo")
    history.add("three")
    assert History(tmp_path / FILE).read() == ["one\ntwo", "three"]
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_a_text_with_a_secret_is_not_kept(tmp_path: Path) -> None:
    history = History(tmp_path / FILE)
    history.add("use ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8")
    assert history.read() == []


def test_several_programs_write_side_by_side_and_no_line_is_torn(tmp_path: Path) -> None:
    context = get_context("spawn")
    programs = [context.Process(target=write_many, args=(tmp_path / FILE, name)) for name in "ab"]
    for program in programs:
        program.start()
    for program in programs:
        program.join()
    assert len(History(tmp_path / FILE).read()) == 400


def test_a_long_file_is_cut_and_foreign_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "written.jsonl"
    path.write_text("no json\n[1]\n" + "".join(f'"{number}"\n' for number in range(2 * KEPT + 5)))
    assert History(path).read()[-1] == str(2 * KEPT + 4)
    assert len(path.read_text().splitlines()) == KEPT


async def test_a_search_puts_an_earlier_text_into_the_composer_and_sends_nothing() -> None:
    async with driving(talk(is_running=False)) as drive:
        drive.app.desk.session.composer.load(["fix the parser", "add tests", "fix the lexer"])
        await drive.press("ctrl+r", *"fix", "enter")
        assert not isinstance(drive.app.screen, SentScreen)
        assert drive.app.screen.query_one(Composer).text == "fix the lexer"
        assert drive.talk.started == []
        await drive.press("ctrl+u", "ctrl+r", *"pars")
        assert "fix the parser" in drive.told
        await drive.press("down", "enter")
        assert drive.app.screen.query_one(Composer).text == "fix the parser"


async def test_escape_leaves_the_search_at_once() -> None:
    async with driving(talk(is_running=False)) as drive:
        drive.app.desk.session.composer.load(["fix the parser"])
        await drive.press("ctrl+r", *"fix", "escape")
        assert drive.app.screen is drive.app.desk.session
        assert drive.app.screen.query_one(Composer).text == ""


async def test_enter_in_one_write_with_the_letters_takes_what_they_find() -> None:
    async with driving(talk(is_running=False)) as drive:
        drive.app.desk.session.composer.load(["fix the parser", "add tests", "fix the lexer"])
        await drive.press("ctrl+r")
        await drive.write_at_once(*"pars", "enter")
        assert drive.app.screen.query_one(Composer).text == "fix the parser"
