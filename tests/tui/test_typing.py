"""Random typing over many appearances, with the real guard and a clock in the test's hands.

Invariant: what a test counts as decided is what left the app for the session.
"""

import random

import pytest
from driving import Drive, driving
from scene_parts import ASKS_EDIT, CHANGES, PLAN, drafted, propose, talk
from scenes import SCENES, plan_waiting, review_command
from scripted_conversation import ScriptedConversation
from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.widget import Widget

from hybridcode.domain.action import Reject, Ruling, ShellCommand
from hybridcode.domain.events import PlanDecided, PlanMade, ProposalDecided, TaskGiven
from hybridcode.domain.plan import Task
from hybridcode.tui.guard import SLEEP_S
from hybridcode.tui.screens.pane import Pane
from hybridcode.tui.screens.questions import WordScreen
from hybridcode.tui.sight import ASK, LONG_PATIENCE_S, PATIENCE_S, Sight

KINDS = ("edit", "command", "destructive", "plan")
OTHERS = (
    "enter",
    "space",
    "tab",
    "up",
    "down",
    "pagedown",
    "left",
    "x",
    "q",
    "1",
    "h",
    "o",
    "l",
    "backspace",
    "ctrl+j",
)
DECIDING = ("y", "n", "a", "d", "A", "N", "s", "p", "r", "e")
GAPS = (0.0, 0.001, 0.02, 0.033, 0.1, 0.25, 0.4, 0.49)


def ask(conversation: ScriptedConversation, kind: str, number: int) -> str:
    """A question comes up; returns what it is known by."""
    name = f"q{number}"
    if kind == "plan":
        conversation.play(TaskGiven(Task(name, "one more"), "d" * 64))
        conversation.play(PlanMade(PLAN, "frontier"))
    elif kind == "edit":
        conversation.play(propose(conversation, conversation.seal(CHANGES), ruling=ASKS_EDIT, title="two", name=name))
    else:
        flags = ("destructive",) if kind == "destructive" else ()
        command = ShellCommand(argv=("make", kind), env_names=("PATH",))
        ruling = Ruling("ask", "runs code", "commands.unknown", person_only=bool(flags), flags=flags)
        conversation.play(propose(conversation, command, ruling=ruling, title=kind, name=name))
    return name


async def until_shown(drive: Drive, name: str) -> None:
    for _ in range(100):
        if drive.pane is not None and drive.pane.subject == name:
            break
        await drive.pilot.pause(0.01)
    assert drive.pane is not None
    await drive.settle()


def type_fast(drive: Drive, dice: random.Random) -> None:
    """A few keys at once, each typed less than half a second after the one before or after the appearance."""
    gaps = [dice.choice(GAPS) for _ in range(dice.randrange(2, 6))]
    drive.clock.now += sum(gaps)
    for number, _ in enumerate(gaps, 1):
        key = dice.choice(DECIDING if dice.random() < 0.7 else OTHERS)
        event = events.Key(key, key if len(key) == 1 else None)
        event.time -= sum(gaps[number:])
        drive.app.post_message(event)


@pytest.mark.parametrize(
    ("seed", "count"), [(0, 20), *(pytest.param(seed, 50, marks=pytest.mark.slow) for seed in range(1, 5))]
)
async def test_no_typing_decides_while_questions_come_and_go(seed: int, count: int) -> None:
    dice = random.Random(seed)
    conversation = talk()
    conversation.events = drafted()
    async with driving(conversation, size=(80, 24)) as drive:
        for number in range(count):
            kind = dice.choice(KINDS)
            name = ask(conversation, kind, number)
            await until_shown(drive, name)
            type_fast(drive, dice)
            await drive.settle()
            assert conversation.answers == []
            assert conversation.plans == []
            assert isinstance(drive.app.screen, Pane), "not even a small question may open"
            no = PlanDecided(False, "x") if kind == "plan" else ProposalDecided(name, Reject("no", "person:x"))
            conversation.play(no)
            while drive.pane is not None:
                await drive.pilot.pause(0.01)


async def test_a_letter_that_does_nothing_in_a_pane_puts_its_guard_to_sleep() -> None:
    async with driving(review_command()) as drive:
        await drive.press("h")
        await drive.press("y", after=0.1)
        assert drive.talk.answers == []
        assert drive.pane is not None
        await drive.press("y")
        assert len(drive.talk.answers) == 1


async def typed_late(drive: Drive, key: str, *, ago: float) -> None:
    """A key that was typed `ago` seconds before it is handled."""
    event = events.Key(key, key)
    event.time -= ago
    drive.app.post_message(event)
    await drive.settle()


async def test_a_key_typed_before_the_pane_was_seen_does_not_decide_when_it_is_handled_late() -> None:
    async with driving(review_command()) as drive:
        drive.clock.now += 0.8
        await typed_late(drive, "y", ago=0.7)
        assert drive.talk.answers == []
        await drive.press("y")
        assert len(drive.talk.answers) == 1


async def test_a_key_typed_while_the_pane_slept_does_not_decide_when_it_is_handled_awake() -> None:
    async with driving(plan_waiting()) as drive:
        drive.clock.now += 2.0
        await typed_late(drive, "y", ago=1.6)
        assert drive.talk.plans == []


async def test_pasted_text_decides_nothing_and_keys_after_it_wait() -> None:
    async with driving(review_command()) as drive:
        drive.clock.now += 1.0
        drive.app.post_message(events.Paste("y\n"))
        await drive.settle()
        await drive.press("y", after=0.1)
        assert drive.talk.answers == []
        assert drive.pane is not None


class _Terminal:
    """What a Sight sees: a clock, what was sent, and timers that a test lets run out."""

    def __init__(self) -> None:
        self.now = 100.0
        self.sent: list[str] = []
        self.timers: list[tuple[float, object]] = []
        self.sight = Sight(lambda: self.now, self._send, self._later)

    def _send(self, sequence: str) -> bool:
        self.sent.append(sequence)
        return True

    def _later(self, seconds: float, then: object) -> None:
        self.timers.append((self.now + seconds, then))

    def wait(self, seconds: float) -> None:
        self.now += seconds
        due = [then for at, then in self.timers if at <= self.now]
        self.timers = [(at, then) for at, then in self.timers if at > self.now]
        for then in due:
            assert callable(then)
            then()


def test_a_frame_is_seen_when_the_terminal_answers_each_in_its_turn() -> None:
    terminal, seen = _Terminal(), list[str]()
    terminal.sight.when_seen(lambda at: seen.append("first"))
    terminal.sight.when_seen(lambda at: seen.append("second"))
    assert terminal.sent == [ASK, ASK]
    assert seen == []
    terminal.sight.take_answer(Message())
    assert seen == ["first"]
    terminal.wait(LONG_PATIENCE_S)
    assert seen == ["first", "second"]
    terminal.sight.when_seen(lambda at: seen.append("third"))
    terminal.sight.take_answer(Message())
    assert seen == ["first", "second"], "an answer that comes late belongs to its own question"
    terminal.sight.take_answer(Message())
    assert seen == ["first", "second", "third"]


def test_a_terminal_that_never_answers_is_asked_once() -> None:
    terminal, seen = _Terminal(), list[float]()
    terminal.sight.when_seen(seen.append)
    terminal.wait(PATIENCE_S)
    assert seen == [100.0]
    terminal.sight.when_seen(seen.append)
    assert seen == [100.0, 101.0]
    assert terminal.sent == [ASK]


def focusable(widget: Widget) -> bool:
    return widget.can_focus


@pytest.mark.parametrize("scene", ["review_diff", "review_command", "review_destructive", "plan_waiting"])
async def test_no_widget_that_can_have_the_focus_approves(scene: str) -> None:
    async with driving(SCENES[scene]()) as drive:
        assert drive.pane is not None
        for widget in [widget for widget in drive.pane.query("*").results(Widget) if focusable(widget)]:
            widget.focus()
            for key in ("enter", "space", "tab"):
                await drive.press(key)
            bindings = [binding for kind in type(widget).__mro__ for binding in vars(kind).get("BINDINGS", ())]
            deciding = [each for each in bindings if isinstance(each, Binding) and each.key in DECIDING]
            assert deciding == [], f"{widget} decides by itself"
        assert drive.talk.answers == []
        assert drive.talk.plans == []


@pytest.mark.parametrize("scene", ["review_diff", "review_command", "plan_waiting"])
async def test_a_click_anywhere_decides_nothing(scene: str) -> None:
    conversation = SCENES[scene]()
    async with driving(conversation, size=(80, 24)) as drive:
        drive.clock.now += 2.0
        for y in range(0, 24, 4):
            for x in range(1, 80, 26):
                await drive.pilot.click(offset=(x, y))
        assert conversation.answers == []
        assert conversation.plans == []
        assert not isinstance(drive.app.screen, WordScreen)
        assert drive.pane is not None


def test_the_guard_sleeps_for_half_a_second() -> None:
    assert SLEEP_S == 0.5
