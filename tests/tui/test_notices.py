import msgspec
import pytest
from driving import driving
from scene_parts import ASKS_EDIT, CHANGES, FACTS, drafted, propose, talk
from scripted_conversation import ScriptedConversation
from textual import events

from hybridcode.config.settings import Notify, UiSettings
from hybridcode.domain.events import TaskEnded, TaskGiven
from hybridcode.domain.plan import Task
from hybridcode.tui.notices import NOTICE_CELLS, Notices, notice_sequence, title_sequence

HOSTILE = "\x1b]52;c;aGk=\x07\x1b\\ \x9b31m \u202e \r\n" + "W" * 500
ENDED = TaskEnded(0, "done", (), "done and verified")


@pytest.mark.parametrize("kind", ["osc9", "osc777"])
@pytest.mark.parametrize("tmux", ["", "/tmp/tmux-1/default,1,0"])
def test_no_control_character_of_a_text_leaves_and_it_is_bounded(kind: Notify, tmux: str) -> None:
    sequence = notice_sequence(HOSTILE, kind, {"TMUX": tmux})
    inner = sequence.removeprefix("\x1bPtmux;").removesuffix("\x1b\\").replace("\x1b\x1b", "\x1b") if tmux else sequence
    assert inner.startswith("\x1b]9;" if kind == "osc9" else "\x1b]777;notify;hybridcode;")
    assert inner.count("\x1b") == inner.count("\x07") == 1
    assert inner.endswith("\x07")
    assert not {"\x9b", "\u202e", "\r", "\n"} & set(inner)
    assert len(inner) < NOTICE_CELLS + 40
    assert sequence.startswith("\x1bPtmux;") == bool(tmux)


def test_a_title_is_one_bounded_line() -> None:
    sequence = title_sequence(HOSTILE)
    assert sequence.startswith("\x1b]2;")
    assert sequence.count("\x1b") == sequence.count("\x07") == 1


def test_everything_is_off_by_default() -> None:
    ui = UiSettings()
    assert (ui.bell, ui.notify, ui.title) == (False, "off", False)
    assert notice_sequence("x", "off", {}) == ""


def noisy(**more: object) -> ScriptedConversation:
    conversation = talk(msgspec.structs.replace(FACTS, **more))
    conversation.events = drafted()
    return conversation


def ask(conversation: ScriptedConversation) -> None:
    conversation.play(propose(conversation, conversation.seal(CHANGES), ruling=ASKS_EDIT, title="two files"))


async def test_a_question_calls_unless_the_terminal_has_the_focus() -> None:
    conversation = noisy(bell=True, notify="osc9")
    async with driving(conversation) as drive:
        sent: list[str] = []
        drive.app.notices = Notices(drive.app.desk, lambda text: bool(sent.append(text)))
        drive.app.post_message(events.AppFocus())
        await drive.settle()
        ask(conversation)
        await drive.settle()
        assert sent == []
        drive.app.post_message(events.AppBlur())
        await drive.settle()
        ask(conversation)
        await drive.settle()
        assert sent[0] == "\x07"
        assert "waits for you: two files" in sent[1]


@pytest.mark.parametrize(("seconds", "calls"), [(3.0, 0), (30.0, 1)])
async def test_the_end_of_a_long_task_calls(seconds: float, calls: int) -> None:
    conversation = noisy(notify="osc777")
    async with driving(conversation) as drive:
        sent: list[str] = []
        drive.app.notices = Notices(drive.app.desk, lambda text: bool(sent.append(text)))
        conversation.play(TaskGiven(Task("t2", "more"), "d" * 64))
        await drive.settle()
        drive.clock.now += seconds
        conversation.play(ENDED)
        await drive.settle()
        assert len([text for text in sent if "done" in text]) == calls


async def test_what_happened_before_the_start_calls_nobody() -> None:
    conversation = noisy(bell=True)
    conversation.events.append(propose(conversation, conversation.seal(CHANGES), ruling=ASKS_EDIT, title="two files"))
    async with driving(conversation) as drive:
        sent: list[str] = []
        drive.app.notices = Notices(drive.app.desk, lambda text: bool(sent.append(text)))
        await drive.settle()
        assert sent == []


async def test_the_title_says_what_waits_and_the_old_one_comes_back() -> None:
    conversation = noisy(title=True)
    async with driving(conversation) as drive:
        sent: list[str] = []
        notices = drive.app.notices = Notices(drive.app.desk, lambda text: bool(sent.append(text)))
        notices.show_title()
        notices.show_title()
        assert sent == ["\x1b[22;2t", "\x1b]2;hybridcode ~/src/shop\x07"]
        ask(conversation)
        await drive.settle()
        assert sent[-1] == "\x1b]2;(1) hybridcode ~/src/shop\x07"
        notices.give_back_title()
        assert sent[-1] == "\x1b[23;2t"
