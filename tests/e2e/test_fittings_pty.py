from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Program
from tests.support.screen import Screen

pytestmark = pytest.mark.llama


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    opened = Screen(Program(tmp_path), "demo", cwd=tmp_path, size=(40, 130))
    yield opened
    opened.close()


def open_view(screen: Screen, line: str) -> None:
    screen.see("the plan waits for you")
    screen.press(line)
    screen.see(f"│ {line} ")
    screen.press("\r")


def test_models_policy_and_doctor_of_a_real_session(screen: Screen):
    screen.see("follow the plan")
    screen.wait(0.7)
    screen.press("\x1b")
    open_view(screen, "/doctor")
    screen.see("local engine", "loads and writes", "state folder", "checks")
    screen.press("\x1b")
    open_view(screen, "/policy git push --force")
    screen.see("asked here: 1", "deny", "happens in each mode", "sandbox")
    screen.press("\x1b")
    open_view(screen, "/model")
    screen.see("a script, not a model", "who does what", "counts from the next one on")
    screen.press("l")
    screen.see("the models are loaded", "● tiny")
    screen.press("\x1b[B\x1b[B\r")
    shown = screen.see("Shall this be", "until you leave the program")
    assert "no local model" in shown
