import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from tests.support.processes import Program
from tests.support.screen import Screen

pytestmark = pytest.mark.llama
Open = Callable[..., Screen]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def open_screen(program: Program, tmp_path: Path) -> Iterator[Open]:
    opened: list[Screen] = []

    def start(*arguments: str) -> Screen:
        opened.append(Screen(program, *arguments, cwd=tmp_path))
        return opened[-1]

    yield start
    for screen in opened:
        screen.close()


def events(program: Program) -> list[str]:
    """Types of the events on record, in order."""
    (journal,) = program.home.glob("state/hybridcode/*/journal.db")
    with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT event FROM event ORDER BY seq").fetchall()
    return [msgspec.json.decode(row[0])["type"] for row in rows]


def ours_alive(marker: Path) -> list[str]:
    """Processes that were started with this home."""
    found: list[str] = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"XDG_STATE_HOME={marker}".encode() in environ.read_bytes():
                found.append(environ.parent.name)
        except OSError:
            continue
    return found


def until_gone(program: Program, wait: Callable[[float], object], *, within: float = 8.0) -> None:
    deadline = time.monotonic() + within
    while left := ours_alive(program.home):
        assert time.monotonic() < deadline, f"still running: {left}"
        wait(0.1)


def hang_up(screen: Screen) -> None:
    screen.hang_up()


def terminate(screen: Screen) -> None:
    os.kill(screen.pid, signal.SIGTERM)


@pytest.mark.parametrize("end", [hang_up, terminate])
def test_a_signal_or_a_closed_terminal_leaves_the_journal_right_and_no_process(
    program: Program, open_screen: Open, end: Callable[[Screen], None]
):
    screen = open_screen("demo")
    screen.see("follow the plan")
    end(screen)
    until_gone(program, time.sleep if end is hang_up else screen.wait)
    assert events(program)[-2:] == ["Interrupted", "TaskEnded"]
    again = open_screen("demo", "--keep-going")
    again.see("follow the plan")


def test_ctrl_z_gives_the_terminal_back_and_the_same_screen_comes_again(open_screen: Open):
    screen = open_screen("demo")
    screen.see("follow the plan")
    screen.press("\x1a")
    deadline = time.monotonic() + 5
    while screen.state != "T":
        assert time.monotonic() < deadline
        screen.wait(0.05)
    screen.wait(0.3)
    assert b"\x1b[?1049l" in screen.raw
    screen.clear()
    os.kill(screen.pid, signal.SIGCONT)
    screen.see("follow the plan", within=10)
    screen.wait(1.0)
    screen.press("y")
    screen.see("hunk 1/1")


def test_ctrl_d_quits_with_nothing_written_and_says_how_to_go_on(open_screen: Open):
    screen = open_screen("demo")
    screen.see("follow the plan")
    screen.press("\x1b")
    screen.see("the plan waits for you")
    screen.press("some text\x04")
    screen.wait(0.5)
    assert screen.is_alive()
    screen.press("\x03")
    screen.wait(0.3)
    screen.press("\x04")
    screen.see("the task is not done", "go on: hybridcode demo --keep-going")
