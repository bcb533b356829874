import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Program
from tests.support.screen import Screen

GUARD_S = 0.7
"""A little more than the last question waits before a key decides."""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "home", {"OPENAI_API_KEY": "not-a-real-key"})


@pytest.fixture
def screen(program: Program, tmp_path: Path) -> Iterator[Screen]:
    workspace = tmp_path / "shop"
    workspace.mkdir()
    (workspace / "Makefile").write_text("test:\n\ttrue\n")
    program.home.mkdir()
    opened = Screen(program, cwd=workspace, size=(30, 110))
    yield opened
    opened.close()


def send(screen: Screen, text: str) -> None:
    screen.press(text)
    screen.see(text)
    screen.press("\r")


def written_under(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*.toml"))


def test_the_first_start_writes_what_was_shown_and_works_with_it(
    program: Program, screen: Screen, tmp_path: Path
) -> None:
    screen.see("No model is configured", "What should be done?")
    send(screen, "make it so")
    screen.see("no model is set up", "/setup goes through it", "make it so")
    screen.press("\x15")
    send(screen, "/setup")
    screen.see("setup 1/5", "openai/gpt-5", "key set")
    screen.press("\x1b[B\r")
    screen.see("setup 2/5", "a GGUF file")
    screen.press("/")
    send(screen, "shipped one")
    screen.see("0.76 million")
    screen.press("\r")
    screen.see("setup 3/5", "nothing to trust")
    screen.press("n")
    screen.see("setup 4/5", "make test")
    screen.press("\x1b[B\r")
    screen.see("setup 5/5", '+ model = "openai/gpt-5"', '+ profile = "tiny"', '+ test_cmd = "make test"')
    screen.press("\r\r y")
    screen.wait(GUARD_S)
    assert written_under(tmp_path) == []
    screen.press("y")
    screen.see("written:", "frontier openai/gpt-5", "type a task")
    screen.press("\x11")
    config = tomllib.loads((program.home / "config" / "hybridcode" / "config.toml").read_text())
    assert config["models"]["frontier"] == {"model": "openai/gpt-5"}
    assert config["models"]["local"]["profile"] == "tiny"
    assert (tmp_path / "shop" / ".hybridcode" / "config.toml").read_text() == '[verify]\ntest_cmd = "make test"\n'
    shown = program.run("config", "show", "--origin", cwd=tmp_path / "shop").out
    assert 'verify.test_cmd = "make test"  # repository' in shown
