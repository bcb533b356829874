import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Program
from tests.support.screen import Screen

HOSTILE_PROGRAM = str(Path(__file__).parent / "hostile_program.py")
FORBIDDEN = {
    "OSC (clipboard, title, link)": b"\x1b]",
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
    "plan_waiting": ("", "plan"),
    "review_diff": ("\x1b[B", "hunk"),
    "review_command": ("v", "command"),
    "denied": ("\x1b[A", "denied"),
    "failed_model": ("", "judge"),
    "running_command": ("", "hybridcode"),
}
"""Scene -> a key that brings more to the screen, and a word that stands there."""


@pytest.mark.parametrize("scene", SCENES)
def test_no_foreign_byte_reaches_the_terminal_of_the_screens(
    program: Program, tmp_path: Path, screens: list[Screen], scene: str
):
    screen = Screen(program, scene, cwd=tmp_path, start=(HOSTILE_PROGRAM,), size=(60, 160))
    screens.append(screen)
    keys, _ = SCENES[scene]
    screen.see("[52;c")
    screen.wait(0.6)
    screen.press(keys)
    screen.wait(0.4)
    screen.press("\x1b[6~")
    screen.wait(0.3)
    assert forbidden_in(screen.raw) == []
    assert "␛]52;c;aGk=␇␛]0;owned␇␛[7771m" in "".join(screen.text.split("\n")) or "␛]52;c" in screen.text


@pytest.mark.parametrize("output", ["text", "json", "stream-json"])
def test_no_foreign_byte_reaches_the_terminal_of_a_headless_run(
    program: Program, tmp_path: Path, screens: list[Screen], output: str
):
    screen = Screen(program, output, cwd=tmp_path, start=(HOSTILE_PROGRAM,), size=(60, 160))
    screens.append(screen)
    screen.see("7771m")
    screen.drain()
    assert len(screen.raw) > 100_000
    assert forbidden_in(screen.raw) == []
    assert b"[bold]m[/bold]" in screen.raw


def test_the_program_is_hostile_indeed(program: Program, tmp_path: Path):
    done = program.run_command([sys.executable, HOSTILE_PROGRAM, "stream-json"], cwd=tmp_path)
    assert "\u202e" in done.out
