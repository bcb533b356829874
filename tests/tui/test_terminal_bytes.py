import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Program
from tests.support.screen import Screen

HOSTILE_PROGRAM = str(Path(__file__).parent / "hostile_program.py")
FORBIDDEN = {
    "OSC 52 (clipboard)": b"\x1b]52",
    "OSC 0 (title)": b"\x1b]0;",
    "OSC 8 (link)": b"\x1b]8;",
    "CSI": b"\x1b[7771m",
    "C1 CSI": "\x9b".encode(),
    "raw C1": b"\x9b7772m",
    "right-to-left override": "\u202e".encode(),
    "zero-width space": "\u200b".encode(),
    "tag": "\U000e0041".encode(),
    "CR that overwrites": b"\rQ7",
    "backspace": b"Q7\x08",
    "combining flood": "\u0301".encode() * 5,
    "line separator": "\u2028".encode(),
}


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def screens(program: Program, tmp_path: Path) -> Iterator[list[Screen]]:
    opened: list[Screen] = []
    yield opened
    for screen in opened:
        screen.close()


def forbidden_in(raw: bytes) -> list[str]:
    return [name for name, sequence in FORBIDDEN.items() if sequence in raw]


SCENES = {
    "review_diff": "f",
    "plan_waiting": "",
    "review_command": "v",
    "denied": "\x0f",
    "running_command": "",
    "answered_question": "\x06Q7",
    "thinking": "\x0f",
}
"""Scene -> a key that brings more to the screen."""


@pytest.mark.parametrize(
    "scene", [name if name == "review_diff" else pytest.param(name, marks=pytest.mark.slow) for name in SCENES]
)
def test_no_foreign_byte_reaches_the_terminal_of_the_screens(
    program: Program, tmp_path: Path, screens: list[Screen], scene: str
):
    screen = Screen(program, scene, cwd=tmp_path, start=(HOSTILE_PROGRAM,), size=(60, 160))
    screens.append(screen)
    screen.see("]52;c", within=20)
    screen.wait(0.6)
    screen.press(SCENES[scene])
    screen.wait(0.4)
    screen.press("\x1b[6~")
    screen.wait(0.3)
    assert forbidden_in(screen.raw) == []
    assert "␛]52;c" in screen.text


@pytest.mark.parametrize("output", ["text", "json", "stream-json"])
def test_no_foreign_byte_reaches_the_terminal_of_a_headless_run(
    program: Program, tmp_path: Path, screens: list[Screen], output: str
):
    screen = Screen(program, output, cwd=tmp_path, start=(HOSTILE_PROGRAM,), size=(60, 160))
    screens.append(screen)
    screen.drain()
    assert len(screen.raw) > 100_000
    assert forbidden_in(screen.raw) == []
    assert b"[bold]m[/bold]" in screen.raw


def test_the_program_is_hostile_indeed(program: Program, tmp_path: Path):
    done = program.run_command([sys.executable, HOSTILE_PROGRAM, "stream-json"], cwd=tmp_path)
    assert "\u202e" in done.out
