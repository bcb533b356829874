import itertools
from pathlib import Path

import pytest

from hybridcode.agent.planner import MAX_REPAIRS
from hybridcode.agent.talk import REPLY_CHARS, Talk, asked_to_see
from hybridcode.context.passages import Taken
from hybridcode.domain.events import ModelAsked
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.model import Message
from hybridcode.domain.plan import Plan, Region
from hybridcode.domain.window import Excerpt
from tests.support.repos import git_repository
from tests.support.sessions import Scene, as_json, edit, fence, proven, requests_of

PLAN = Plan((edit("1", "long.py#f7"),))
LONG = "".join(f"def f{n}():\n    value = {n}\n    return value * {n} + offset_{n}\n\n\n" for n in range(60))
SETTINGS = {"context.plan_tokens": 900, "routing.draft": "off"}
BAD = '{"s":[{"t":"long.py#f7","g":7}]}'


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", {"long.py": LONG, "AGENTS.md": "Be kind.\n"})


async def asked(workspace: Path, *replies: str) -> tuple[Scene, list[tuple[Message, ...]], list[tuple[str, ...]]]:
    """A run whose planner answers that; its requests, and what of the tree their receipts name."""
    script = {"plan": [*replies, as_json(PLAN)], "judge": ["good"]}
    it = Scene(workspace, script, {"draft": [fence("def f7():\n    return 8")]}, settings=SETTINGS)
    outcome = await it.run("change f7")
    assert outcome.code == ExitCode.DONE, outcome.message
    assert it.session is not None
    events = [one.event for one in it.session.state.envelopes if isinstance(one.event, ModelAsked)]
    return it, requests_of(it.session, "plan"), [event.files for event in events if event.role == "plan"]


def lines_of(files: tuple[str, ...]) -> list[tuple[str, int]]:
    regions = [Region.parse(text) for text in files]
    return [(one.path, n) for one in regions for n in range(one.start or 1, (one.end or 0) + 1)]


async def test_each_request_for_a_plan_begins_with_the_one_before_to_the_byte(workspace: Path):
    more = ('{"read": ["long.py#L1-40"]}', BAD, '{"search": ["offset_30"]}')
    _, requests, _ = await asked(workspace, *more)
    assert len(requests) == 4
    for before, after in itertools.pairwise(requests):
        assert after[: len(before)] == before
        assert [message.role for message in after[len(before) :]] == ["assistant", "user"]
    assert [message.content for message in requests[-1][2::2]] == list(more)


async def test_no_line_of_the_tree_is_shown_to_a_planner_twice(workspace: Path):
    reads = ('{"read": ["long.py#L1-100", "long.py#f7", "long.py#L90-120"]}', '{"read": ["long.py#L80-140"]}')
    _, requests, receipts = await asked(workspace, *reads, '{"search": ["offset_7"]}')
    lines = lines_of(receipts[-1])
    assert len(lines) == len(set(lines))
    assert {("long.py", n) for n in range(1, 141)} <= set(lines)
    told = "".join(message.content for message in requests[-1] if message.role == "user")
    assert all(told.count(f"    value = {n}\n") == 1 for n in range(28))
    assert "Its lines are shown above." in told


async def test_a_planner_is_told_how_often_it_may_ask_again(workspace: Path):
    reads = ('{"read": ["long.py#L1-9"]}', '{"search": ["offset_30"]}', '{"read": ["long.py#f50"]}')
    _, requests, _ = await asked(workspace, *reads)
    first, second, third = (message.content for message in requests[-1][3::2])
    assert first.startswith("# You asked to see (you may ask once more)\n")
    assert second.startswith("# You asked to see (answer with the plan now)\n")
    assert "nothing more can be shown" in third
    assert asked_to_see("", left=3) == "# You asked to see (you may ask 3 more times)\n"


async def test_a_plan_that_does_not_fit_is_asked_for_again_with_the_place_and_without_the_window(workspace: Path):
    _, requests, _ = await asked(workspace, BAD)
    first, second = requests
    window = first[1].content
    assert sum(message.content.count(window) for message in second) == 1
    assert len(second[-1].content) < 300
    assert "Expected `str`, got `int` - at `$.s[0].g`" in second[-1].content


async def test_an_unusable_plan_is_sent_back_so_many_times_and_no_more(workspace: Path):
    it = Scene(workspace, {"plan": [BAD] * 9}, {}, settings=SETTINGS)
    outcome = await it.run("change f7")
    assert outcome.code != ExitCode.DONE
    assert it.session is not None
    assert len(requests_of(it.session, "plan")) == MAX_REPAIRS + 1


async def test_a_replayed_request_with_more_turns_is_still_compared(workspace: Path):
    it, _, _ = await asked(workspace, '{"read": ["long.py#f9"]}')
    assert it.session is not None
    lines = [line for line in proven(it.session) if line.kind == "request"]
    assert [line.verdict for line in lines if line.verdict != "ok"] == []
    assert len(lines) == 4


def test_a_long_answer_is_shown_again_with_a_count_of_what_is_left_out():
    talk = Talk("be brief", "what?")
    talk.go_on("x" * (REPLY_CHARS + 5), "no")
    talk.go_on("", "again")
    _, _, long, _, nothing, _ = talk.messages(())
    assert long.content.endswith("x\n[5 more characters]")
    assert nothing.content == "(no answer)"


def test_a_note_is_said_once_and_what_was_sent_stays():
    talk = Talk("be brief", "what?")
    first = talk.messages(["use two"])
    assert talk.messages(["use two"]) == first
    talk.go_on("{}", "no")
    later = talk.messages(["use two", "or three"])
    assert later[:2] == first
    assert later[-1].content == "no\n\n# A person says meanwhile\n> or three"


def test_lines_that_are_shown_leave_gaps():
    taken = Taken()
    taken.add("a.py", 3, 5)
    taken.add("a.py", 8, 9)
    assert taken.gaps("a.py", 1, 10) == [(1, 2), (6, 7), (10, 10)]
    assert taken.gaps("a.py", 3, 5) == []
    assert taken.gaps("b.py", 3, 5) == [(3, 5)]
    talk = Talk("be brief", "what?", (Excerpt("a.py", 1, 4, "rank"),))
    assert talk.show(lambda shown: str(shown.gaps("a.py", 1, 6))) == "[(5, 6)]"
