"""What becomes of an answer to the planner: in a real session, and in the plain program."""

import asyncio
import os
from pathlib import Path

import pytest

from hybridcode.cli.lines import READ_S, Lines
from hybridcode.cli.plain_asking import Asker, LeftOpen
from hybridcode.domain.asked import Question, QuestionAnswered
from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import TaskEnded
from hybridcode.domain.plan import Plan
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.models import Models
from hybridcode.tui.live import LiveConversation
from tests.support.repos import git_repository
from tests.support.sessions import FRONTIER, LOCAL, as_json, edit, fence, loaded_for

ASK = '{"q": [{"q": "Which rate?", "o": ["five", "six"]}]}'
PLAN = as_json(Plan((edit("rate", "shop.py#RATE"),)))


async def _ended(talk: LiveConversation) -> TaskEnded:
    for _ in range(500):
        event = talk.envelopes[-1].event if talk.envelopes else None
        if isinstance(event, TaskEnded) and not talk.is_running:
            return event
        await asyncio.sleep(0.02)
    raise AssertionError("the task did not end")


async def test_an_answer_is_journalled_and_the_same_task_goes_on(tmp_path: Path) -> None:
    workspace = git_repository(tmp_path / "shop", {"shop.py": "RATE = 3\n"})
    loaded = loaded_for(workspace, approval__mode="acceptEdits")
    frontier = ScriptedModel(FRONTIER, {"plan": [ASK, PLAN], "judge": ["good fine"]})
    local = ScriptedModel(LOCAL, {"draft": [fence("RATE = 5")]})
    talk = LiveConversation(workspace, loaded, make_models=lambda _: Models(frontier, local), frontier_name="scripted")
    try:
        with pytest.raises(HybridcodeError, match="asks nothing now"):
            await talk.answer_questions("five")
        await talk.start("set the rate")
        assert (await _ended(talk)).exit_code == 4
        with pytest.raises(HybridcodeError, match="1 characters too long"):
            await talk.start("x" * 4_001)
        assert not talk.is_running
        await talk.answer_questions("five")
        assert (await _ended(talk)).exit_code == 0
        answers = [one.event.answer for one in talk.envelopes if isinstance(one.event, QuestionAnswered)]
        assert answers == ["five"]
        with pytest.raises(HybridcodeError, match="asks nothing now"):
            await talk.answer_questions("five")
    finally:
        await talk.close()
    assert (workspace / "shop.py").read_text() == "RATE = 5\n"


QUESTIONS = (Question("Which rate?", ("five", "six")), Question("Since when?"))


async def _plainly(*typed: str) -> tuple[str, list[str]]:
    """What is handed in after these lines, each typed once its question stands there, and what was said."""
    reader, writer = os.pipe()
    said: list[str] = []
    with os.fdopen(reader) as source, os.fdopen(writer, "w") as keyboard:
        asking = asyncio.ensure_future(Asker(Lines(source), said.append).questions(QUESTIONS))
        for line in typed:
            await asyncio.sleep(READ_S + 0.2)
            keyboard.write(f"{line}\n")
            keyboard.flush()
        return await asking, said


async def test_the_plain_program_takes_a_number_or_other_words() -> None:
    answer, said = await _plainly("7", "2", "1")
    assert answer == "1. six\n2. 1"
    assert "question 1 of 2 of the planner: Which rate?" in said
    assert "  2: six" in said
    assert "nothing was answered" in said


async def test_the_plain_program_leaves_a_question_open() -> None:
    with pytest.raises(LeftOpen):
        await _plainly("l")
