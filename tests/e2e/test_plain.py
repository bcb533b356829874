import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Program
from tests.support.screen import Screen

pytestmark = pytest.mark.llama
READ_S = 0.7
"""A little more than a question stands before a line can answer it."""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def plain(program: Program, tmp_path: Path) -> Iterator[Screen]:
    screen = Screen(program, "demo", "--plain", cwd=tmp_path, size=(400, 120))
    yield screen
    screen.close()


def decided(program: Program) -> list[str]:
    (journal,) = program.home.glob("state/hybridcode/*/journal.db")
    with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as connection:
        changes = 'proposal NOT LIKE \'%"purpose":"check"%\''
        return [row[0] for row in connection.execute(f"SELECT state FROM approval WHERE {changes} ORDER BY made_at")]


def answer(screen: Screen, line: str) -> None:
    screen.wait(READ_S)
    screen.press(f"{line}\r")


def test_the_demo_line_by_line_to_the_verdict_without_an_escape_sequence(program: Program, plain: Screen):
    plain.see("question: a plan waits: 6 steps", "answer with one of y, n, l")
    answer(plain, "y")
    for step in ("vat", "discount", "rename", "total", "tests"):
        plain.see(f"question: a change for step {step} waits", "answer with one of")
        answer(plain, "A")
        plain.see(f"ok: {step} done")
    plain.see("done and verified", "what should be done?")
    plain.press("/quit\r")
    plain.see("go on: hybridcode")
    talk = plain.raw[plain.raw.index(b"hybridcode in ") : plain.raw.index(b"/quit")]
    assert b"\x1b" not in talk
    folder = next(program.home.glob("hybridcode-demo-*"))
    assert "VAT_PERCENT = 21" in (folder / "shop/pricing.py").read_text()


def test_typing_ahead_and_empty_lines_decide_nothing(program: Program, plain: Screen):
    plain.see("answer with one of y, n, l")
    answer(plain, "y")
    plain.press("y\ry\rA\r")
    plain.see("question: a change for step vat waits", "VAT_PERCENT = 21", "answer with one of")
    plain.press("y\r\r\r")
    plain.see("nothing was decided")
    answer(plain, "")
    plain.wait(1.0)
    assert decided(program) == ["pending"]
    answer(plain, "l")
    plain.see("it stays pending")
    plain.press("y\r")
    plain.see("nothing is asked now, and y is no task")
    plain.press("?\r")
    plain.see("/steer TEXT tells the task")
    assert "this one comes after it" not in plain.text
    plain.press("/review\r")
    plain.wait(READ_S)
    answer(plain, "y")
    plain.see("ok: vat done")
    assert decided(program)[0] == "done"
