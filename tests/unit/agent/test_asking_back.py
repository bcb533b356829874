from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from hybridcode.agent.plan_reply import AskedBack, parse_reply
from hybridcode.domain.asked import QuestionAnswered, TaskQuestioned
from hybridcode.domain.errors import PlanInvalid
from hybridcode.domain.events import Envelope, ModelAsked
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan
from tests.support.repos import git_repository
from tests.support.sessions import Scene, as_json, edit, fence

FILES = {"shop.py": "RATE = 3\n"}
ASK = '{"q": [{"q": "Which rate?", "o": ["five", "six"]}, {"q": "Why?"}]}'
PLAN = as_json(Plan((edit("rate", "shop.py#RATE"),)))
DRAFT = {"draft": [fence("RATE = 5")]}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", FILES)


def asking(workspace: Path, *plans: str) -> Scene:
    return Scene(workspace, {"plan": list(plans), "judge": ["good fine"]}, DRAFT)


async def test_questions_stop_the_run_saved_and_the_next_prompt_answers_them(workspace: Path):
    it = asking(workspace, ASK)
    outcome = await it.run("set the rate")
    assert outcome.code == ExitCode.APPROVAL_PENDING
    assert "1. Which rate? 2. Why?" in outcome.message
    assert it.session is not None
    name = it.session.id
    assert f'hybridcode run -r {name} "your answer"' in outcome.message
    task = it.session.state.task
    assert task is not None
    assert [question.options for question in task.questions] == [("five", "six"), ()]
    again = asking(workspace, PLAN)
    session = again.open(name)
    try:
        outcome = await session.run("five, since the list says so")
        asked = prompt_of(session.log.get_blob, session.state.envelopes)
    finally:
        await session.close()
    assert outcome.code == ExitCode.DONE, outcome.message
    assert again.read("shop.py") == "RATE = 5\n"
    assert len(session.state.tasks) == 1
    (answer,) = [e.event for e in session.state.envelopes if isinstance(e.event, QuestionAnswered)]
    assert answer.answer == "five, since the list says so"
    assert "# You asked\n1. Which rate?\n2. Why?\n# The person answers\nfive, since the list says so" in asked


def prompt_of(get_blob: Callable[[str], bytes], envelopes: Iterable[Envelope]) -> str:
    """What the planner was asked last."""
    digests = [e.event.prompt_sha256 for e in envelopes if isinstance(e.event, ModelAsked) and e.event.role == "plan"]
    return get_blob(digests[-1]).decode().replace("\\n", "\n")


async def test_resumed_without_an_answer_no_model_is_asked(workspace: Path):
    it = asking(workspace, ASK)
    await it.run("set the rate")
    assert it.session is not None
    again = asking(workspace)
    outcome = await again.resume(it.session.id)
    assert outcome.code == ExitCode.APPROVAL_PENDING
    assert "Which rate?" in outcome.message


async def test_a_second_round_is_refused_and_the_plan_made(workspace: Path):
    it = asking(workspace, ASK)
    await it.run("set the rate")
    assert it.session is not None
    again = asking(workspace, ASK, PLAN)
    session = again.open(it.session.id)
    try:
        assert (await session.run("five")).code == ExitCode.DONE
    finally:
        await session.close()
    assert len([e for e in session.state.envelopes if isinstance(e.event, TaskQuestioned)]) == 1


async def test_a_question_of_the_local_model_sends_the_task_to_the_frontier(workspace: Path):
    it = Scene(
        workspace,
        {"plan": [PLAN], "judge": ["good fine"]},
        {**DRAFT, "plan": [ASK] * 3},
        settings={"routing.first": "local"},
    )
    assert (await it.run("set the rate")).code == ExitCode.DONE


@pytest.mark.parametrize("reply", ['{"q": []}', '{"q": [{"q": ""}]}', '{"q": "which?"}', '{"q": [{"x": 1}]}'])
def test_what_is_no_question_is_refused_with_its_path(reply: str):
    with pytest.raises(PlanInvalid, match=r"\$"):
        parse_reply(reply, task="t")


def test_more_than_three_questions_are_refused_and_long_ones_counted():
    with pytest.raises(PlanInvalid):
        parse_reply('{"q": [' + ", ".join(['{"q": "a?"}'] * 4) + "]}", task="t")
    asked = parse_reply('{"q": [{"q": "' + "x" * 400 + '"}]}', task="t")
    assert isinstance(asked, AskedBack)
    assert asked.questions[0].text.endswith("[100 more characters]")
