import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.processes import Program
from tests.support.screen import Screen

pytestmark = pytest.mark.llama
GUARD_S = 1.0
"""A little more than a pane waits before any key decides."""
Open = Callable[..., Screen]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def open_screen(program: Program, tmp_path: Path) -> Iterator[Open]:
    opened: list[Screen] = []

    def start(*arguments: str, size: tuple[int, int] = (30, 100)) -> Screen:
        opened.append(Screen(program, *arguments, cwd=tmp_path, size=size))
        return opened[-1]

    yield start
    for screen in opened:
        screen.close()


def follow_the_plan(screen: Screen) -> None:
    screen.see("follow the plan")
    screen.wait(GUARD_S)
    screen.press("y")


def folder_of(program: Program) -> Path:
    return next(program.home.glob("hybridcode-demo-*"))


def states(program: Program) -> list[str]:
    """Where the changes stand; checks on drafts in a scratch copy depend on the sandbox that there is."""
    (journal,) = program.home.glob("state/hybridcode/*/journal.db")
    with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as connection:
        changes = 'proposal NOT LIKE \'%"purpose":"check"%\''
        return [row[0] for row in connection.execute(f"SELECT state FROM approval WHERE {changes} ORDER BY made_at")]


def told(screen: str) -> list[str]:
    """What the transcript and the plan beside it say, less what only a resumed session says."""
    shown = [line.partition("│") for line in screen.splitlines()[1:-4]]
    said = [right.strip() for _, _, right in shown]
    own = ("opened again", "this task stopped", "pricing.py")
    return [line for line in said if line and not any(word in line for word in own)]


def test_the_demo_from_the_first_key_to_the_verdict(program: Program, open_screen: Open):
    screen = open_screen("demo")
    follow_the_plan(screen)
    for title in ("pricing.py  hunk 1/1", "step discount", "step rename", "step total", "test_discount.py"):
        screen.see("review", title)
        screen.wait(GUARD_S)
        screen.press("A")
    screen.see("done and verified")
    screen.press("\x11")
    screen.see("go on: hybridcode")
    assert "VAT_PERCENT = 21" in (folder_of(program) / "shop/pricing.py").read_text()


def test_typing_ahead_and_enter_decide_nothing(program: Program, open_screen: Open):
    screen = open_screen("demo")
    follow_the_plan(screen)
    screen.see("hunk 1/1", "undecided")
    screen.press("yyyyyy\r\r\r")
    screen.wait(0.4)
    screen.press("\r\r\r   \r")
    assert "undecided" in screen.wait(1.0)
    assert states(program) == ["pending"]
    assert "VAT_PERCENT = 19" in (folder_of(program) / "shop/pricing.py").read_text()


def test_kill_minus_9_under_a_waiting_pane_comes_back_to_the_same_pane(program: Program, open_screen: Open):
    screen = open_screen("demo", size=(56, 100))
    follow_the_plan(screen)
    screen.see("pricing.py  hunk 1/1", "VAT_PERCENT = 21")
    pane = screen.wait(GUARD_S)
    screen.press("\x1b")
    story = told(screen.see("waits for you", "What should be done?"))
    screen.kill()
    assert states(program) == ["pending"]

    again = open_screen("demo", "--keep-going", size=(56, 100))
    again.see("pricing.py  hunk 1/1", "VAT_PERCENT = 21")
    assert again.wait(GUARD_S) == pane
    again.press("\x1b")
    assert told(again.see("waits for you", "What should be done?", "opened again")) == story
    again.press("\x19")
    again.see("pricing.py  hunk 1/1")
    again.wait(GUARD_S)
    again.press("A")
    again.see("review", "def discount(cents: int, percent: int)")
    assert states(program) == ["done", "pending"]


def test_an_answer_from_another_terminal_closes_the_pane(program: Program, open_screen: Open):
    screen = open_screen("demo")
    follow_the_plan(screen)
    screen.see("pricing.py  hunk 1/1")
    listed = program.run("approvals", "list", "--json", cwd=folder_of(program)).json
    assert program.run("approvals", "approve", listed[0]["id"], cwd=folder_of(program)).code == 0
    screen.see("step discount")


def test_a_small_first_screen_without_any_model_says_what_to_do(open_screen: Open):
    screen = open_screen(size=(20, 60))
    screen.see("No model is configured", "/setup", "/context QUESTION", "hybridcode demo")
    screen.press("say hello")
    screen.see("say hello")
    screen.press("\r")
    screen.see("no model is set up", "/setup goes through it", "say hello")


def test_no_color_means_no_colour_and_ascii_means_ascii(program: Program, open_screen: Open):
    program.env["NO_COLOR"] = "1"
    screen = open_screen("demo", "--set", "ui.glyphs=ascii")
    follow_the_plan(screen)
    screen.see("hunk 1/1", "undecided", "VAT_PERCENT = 21")
    colours = re.findall(rb"\x1b\[[\d;]*m", screen.raw[screen.raw.index(b"\x1b[?1049h") :])
    assert {code for code in colours if re.search(rb"[\[;](?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]", code)} == set()
    assert screen.text.isascii(), {sign for sign in screen.text if not sign.isascii()}
