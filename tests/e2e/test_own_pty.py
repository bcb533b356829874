import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from tests.support.processes import Program
from tests.support.repos import git_repository
from tests.support.screen import Screen

PACE_S = 0.1
"""Between a text and its Enter: no finger is faster."""
Open = Callable[..., Screen]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "home")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return git_repository(tmp_path / "shop", {"a.py": "X = 1\n"})


@pytest.fixture
def open_screen(program: Program, workspace: Path) -> Iterator[Open]:
    opened: list[Screen] = []

    def start(*arguments: str) -> Screen:
        opened.append(Screen(program, "--set", "approval.sandbox=off", *arguments, cwd=workspace))
        opened[-1].see("What should be done?")
        return opened[-1]

    yield start
    for screen in opened:
        screen.close()


def enter(screen: Screen, text: str) -> None:
    screen.press(text)
    screen.wait(PACE_S)
    screen.press("\r")


def events(program: Program) -> list[str]:
    """Types of the events on record, in order."""
    found: list[str] = []
    for journal in program.home.glob("state/hybridcode/*/journal.db"):
        with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as connection:
            rows = connection.execute("SELECT event FROM event ORDER BY seq").fetchall()
        found += [msgspec.json.decode(row[0])["type"] for row in rows]
    return found


def until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def sleeping(seconds: str) -> list[str]:
    """Processes that sleep for exactly so long."""
    found: list[str] = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if line.read_bytes() == f"sleep\0{seconds}\0".encode():
                found.append(line.parent.name)
        except OSError:
            continue
    return found


def test_without_a_model_and_without_a_task_a_command_runs_and_is_on_record_before_its_effect(
    program: Program, workspace: Path, open_screen: Open
):
    screen = open_screen()
    enter(screen, "! touch made.txt && echo it is there")
    screen.see("you", "! touch made.txt", "it is there", "exit 0", "it changed: made.txt")
    assert (workspace / "made.txt").exists()
    told = events(program)
    order = [told.index(name) for name in ("ProposalMade", "ProposalDecided", "EffectStarted", "EffectFinished")]
    assert order == sorted(order)
    assert "TaskGiven" not in told and "ModelAsked" not in told


def test_escape_ends_a_command_with_all_its_processes_and_keeps_what_it_printed(open_screen: Open):
    screen = open_screen()
    enter(screen, "! echo begun; sleep 61.25 & sleep 61.25")
    screen.see("Esc ends it", "1 line")
    until(lambda: len(sleeping("61.25")) == 2)
    screen.press("\x1b")
    screen.see("exit 143")
    until(lambda: not sleeping("61.25"))
    assert "begun" in screen.text


def test_a_paste_runs_nothing_with_or_without_its_brackets(workspace: Path, program: Program, open_screen: Open):
    screen = open_screen()
    screen.press("\x1b[200~! touch pasted.txt\nrm -f a.py\n\x1b[201~")
    screen.see("! touch pasted.txt")
    screen.wait(0.5)
    screen.press("\x15")
    screen.press("! touch burst.txt\r")
    screen.see("Enter again runs it")
    screen.wait(0.5)
    assert "EffectStarted" not in events(program)
    assert not (workspace / "pasted.txt").exists() and not (workspace / "burst.txt").exists()
    screen.press("\r")
    screen.see("! touch burst.txt", "exit 0")
    assert (workspace / "burst.txt").exists() and (workspace / "a.py").exists()


def test_what_destroys_is_shown_first_and_needs_the_typed_word(workspace: Path, open_screen: Open):
    screen = open_screen()
    enter(screen, "! rm a.py")
    screen.see("run what you typed?", "destructive")
    screen.wait(1.0)
    screen.press("\r\r \r")
    screen.wait(0.7)
    assert (workspace / "a.py").exists()
    screen.press("y")
    screen.see("type yes to do it")
    screen.wait(1.0)
    for letter in "yes":
        screen.press(letter)
        screen.wait(PACE_S)
    screen.press("\r")
    screen.see("exit 0")
    assert not (workspace / "a.py").exists()


def test_control_characters_in_a_command_reach_no_terminal_and_no_shell(
    workspace: Path, program: Program, open_screen: Open, tmp_path: Path
):
    editor = tmp_path / "home" / "editor"
    editor.write_text("#!/bin/sh\nprintf '! touch \\033]2;owned\\007x\\342\\200\\256.txt' > \"$1\"\n")
    editor.chmod(0o755)
    program.env["EDITOR"] = str(editor)
    screen = open_screen()
    screen.press("\x07")
    screen.see("touch")
    screen.wait(PACE_S)
    screen.press("\r")
    screen.see("denied", "hidden")
    assert b"\x1b]2;owned" not in screen.raw and "\u202e".encode() not in screen.raw
    assert sorted(path.name for path in workspace.iterdir()) == [".git", "a.py"]
    assert "EffectStarted" not in events(program)


def test_a_signal_ends_the_command_too_and_the_record_says_so(program: Program, open_screen: Open):
    screen = open_screen()
    enter(screen, "! sleep 62.25")
    until(lambda: bool(sleeping("62.25")))
    os.kill(screen.pid, signal.SIGTERM)
    until(lambda: bool(screen.wait(0.05)) and not sleeping("62.25") and not screen.is_alive())
    assert events(program)[-2:] == ["EffectStarted", "EffectFinished"]


def test_a_command_under_which_the_program_was_killed_is_never_run_again(
    program: Program, workspace: Path, open_screen: Open
):
    screen = open_screen()
    enter(screen, "! echo once >> a.py; sleep 63.25")
    until(lambda: bool(sleeping("63.25")))
    screen.kill()
    for process in sleeping("63.25"):
        os.kill(int(process), signal.SIGKILL)
    again = open_screen("-c")
    again.see("it is not run again by itself")
    assert (workspace / "a.py").read_text() == "X = 1\nonce\n"
