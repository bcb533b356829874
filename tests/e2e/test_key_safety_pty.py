import random
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest

from tests.support.processes import Program
from tests.support.screen import Screen

PROGRAM = str(Path(__file__).parent.parent / "tui" / "busy_program.py")
KINDS = ("edit", "command", "destructive", "plan")
SHOWN = {"edit": "undecided", "command": "make command", "destructive": "make destructive", "plan": "follow the plan"}
YES = {"edit": "A", "command": "y", "plan": "y"}
PASTES = ("\x1b[200~y\n\x1b[201~", "\x1b[200~A\ny\nyes\n\x1b[201~", "\x1b[200~yes\x1b[201~")
SEQUENCES = ("\x1b[A", "\x1b[B", "\x1b[5~", "\x1b[6~", "\x1bOP", "\x1b[1;2R", "\x1b[I", "\x1b[O")
LETTERS = "".join(chr(code) for code in range(33, 127))
EMPTIED = "\x15"
"""Ctrl+U: a pane opens over an empty composer only."""
Open = Callable[..., Screen]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def open_screen(tmp_path: Path, log: Path) -> Iterator[Open]:
    opened: list[Screen] = []

    def start(
        *kinds: str, pause: float = 0.35, busy: float = 0.0, is_answering: bool = True, log: Path = log
    ) -> Screen:
        arguments = (str(log), ",".join(kinds), str(pause), str(busy))
        opened.append(Screen(Program(tmp_path), *arguments, cwd=tmp_path, start=(PROGRAM,), is_answering=is_answering))
        return opened[-1]

    yield start
    for screen in opened:
        screen.close()


def told(log: Path, word: str) -> list[str]:
    """Names of the questions that appeared, or were answered here."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [line.split()[1] for line in lines if line.split()[0] == word]


def show_all(screens: Collection[Screen], *, seconds: float) -> None:
    """Let time pass for several terminals at once; each answers its program at least every half second."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for screen in screens:
            screen.wait(0.03)


def burst(dice: random.Random) -> str:
    """What fast hands and programs type in one go."""
    match dice.randrange(5):
        case 0:
            return dice.choice(PASTES)
        case 1:
            return dice.choice(SEQUENCES)
        case 2:
            return dice.choice(("\r", "\t", " ", "\r\r\r", "y\r", "\x7f"))
        case 3:
            return dice.choice("yYAnNadsperjk") * dice.randrange(1, 6)
        case _:
            return "".join(dice.choice(LETTERS) for _ in range(dice.randrange(1, 8)))


def type_for(screen: Screen, dice: random.Random, seconds: float, *, split: bool = False) -> None:
    """Type without ever being silent for half a second."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        keys = burst(dice) + EMPTIED
        for part in keys if split else [keys]:
            screen.press(part)
            screen.wait(0.03 if split else 0.0)
        screen.wait(dice.uniform(0.0, 0.3))
        if dice.random() < 0.2:
            screen.press("\x1b")
            screen.wait(0.15)


@pytest.mark.parametrize(("seed", "split"), [(1, False), pytest.param(2, True, marks=pytest.mark.slow)])
def test_fast_typing_decides_nothing_while_panes_come_and_go(open_screen: Open, log: Path, seed: int, split: bool):
    dice = random.Random(seed)
    kinds = [dice.choice(KINDS) for _ in range(11)] + ["edit"]
    screen = open_screen(*kinds)
    screen.see("undecided" if kinds[0] == "edit" else SHOWN[kinds[0]], within=20)
    end = time.monotonic() + 120
    while f"edit{len(kinds)}" not in told(log, "appeared"):
        assert time.monotonic() < end, f"{told(log, 'appeared')}\n{screen.text}"
        type_for(screen, dice, 0.3, split=split)
    assert told(log, "answered") == []
    assert len(told(log, "appeared")) > 8
    screen.wait(0.7)
    screen.press("\x1b")
    screen.wait(0.3)
    screen.press("\x1b\x15\x19")
    screen.see("undecided")
    screen.wait(1.0)
    screen.press("A")
    screen.wait(0.5)
    assert told(log, "answered") == [f"edit{len(kinds)}"], "a key after silence decides"


@pytest.mark.parametrize(
    "kind", ["edit", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("command", "plan"))]
)
def test_a_key_held_down_across_the_appearance_decides_nothing(open_screen: Open, log: Path, kind: str):
    screen = open_screen(kind)
    end = time.monotonic() + 20
    while not told(log, "appeared"):
        assert time.monotonic() < end
        screen.press(YES[kind] + EMPTIED)
        screen.wait(0.03)
    for _ in range(20):
        screen.press(YES[kind])
        screen.wait(0.03)
    assert told(log, "answered") == []
    screen.wait(0.8)
    screen.press(YES[kind])
    screen.wait(0.4)
    assert len(told(log, "answered")) == 1


@pytest.mark.parametrize("is_answering", [True, False], ids=["a terminal that answers", "one that does not"])
def test_keys_typed_before_a_busy_program_showed_the_pane_do_not_decide_when_it_reads_them(
    open_screen: Open, log: Path, is_answering: bool
):
    screen = open_screen("edit", busy=1.2, is_answering=is_answering)
    while not told(log, "appeared"):
        screen.wait(0.02)
    screen.press("A")
    screen.wait(0.3)
    screen.press("A\r")
    screen.wait(1.8)
    assert told(log, "answered") == []
    assert "undecided" in screen.text
    screen.press("A")
    screen.wait(0.5)
    assert told(log, "answered") == ["edit1"]


@pytest.mark.parametrize("after", [0.0, 0.2], ids=["before its frame is known to be seen", "after that"])
def test_keys_typed_while_the_program_stands_still_do_not_decide_when_it_goes_on(
    open_screen: Open, log: Path, after: float
):
    screen = open_screen("plan", "edit", pause=0.5)
    screen.see("follow the plan", within=20)
    while "plan1" not in told(log, "appeared"):
        screen.wait(0.02)
    screen.stand_still(seconds=1.0, typing="yyA")
    while "edit2" not in told(log, "appeared"):
        screen.wait(0.01)
    screen.wait(after)
    screen.stand_still(seconds=1.0, typing="A")
    screen.wait(0.3)
    assert [name for name in told(log, "answered") if name.startswith("edit")] == []


def test_a_pasted_yes_is_not_a_typed_yes(open_screen: Open, log: Path):
    screen = open_screen("destructive")
    screen.see("make destructive", within=20)
    screen.wait(1.0)
    screen.press("y")
    screen.see("type yes to do it")
    screen.wait(1.0)
    screen.press("\x1b[200~yes\x1b[201~")
    screen.wait(0.4)
    assert told(log, "answered") == []
    for letter in "yes":
        screen.press(letter)
        screen.wait(0.1)
    screen.wait(0.4)
    assert told(log, "answered") == ["destructive1"]


def test_a_word_typed_ahead_of_its_question_is_not_the_answer(open_screen: Open, log: Path):
    screen = open_screen("destructive")
    screen.see("make destructive", within=20)
    screen.wait(1.0)
    screen.press("yyes")
    screen.wait(1.0)
    assert told(log, "answered") == []


@pytest.mark.parametrize(
    "typed",
    [
        ("/All", "rA better one", "eA", "?A", "mA", "\tA", "EA"),
        ("/yAyA", "sA", "wA", "jy", "]A", "Ay", "yes"),
    ],
    ids=["behind one key", "behind several"],
)
def test_what_is_typed_for_somewhere_else_in_one_go_decides_nothing(
    open_screen: Open, tmp_path: Path, typed: tuple[str, ...]
):
    screens: dict[str, Screen] = {}
    for number, keys in enumerate(typed):
        screens[keys] = open_screen("edit", log=tmp_path / f"log{number}")
    for screen in screens.values():
        screen.see("undecided")
    show_all(screens.values(), seconds=1.0)
    for keys, screen in screens.items():
        screen.press(keys)
    show_all(screens.values(), seconds=0.8)
    answered = {keys: told(tmp_path / f"log{number}", "answered") for number, keys in enumerate(typed)}
    assert not any(answered.values()), answered


def test_letters_typed_right_behind_the_key_that_searches_are_searched_for(open_screen: Open):
    screen = open_screen("edit")
    screen.see("undecided")
    screen.wait(1.0)
    screen.press("/yes")
    screen.wait(0.8)
    assert "yes" in screen.text
