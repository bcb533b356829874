import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import pytest

from hybridcode.domain.events import (
    CheckRan,
    Event,
    ModelAsked,
    NoticeGiven,
    PlannerChosen,
    ProposalMade,
    RepairAsked,
    StepEnded,
    TaskJudged,
)
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.model import Message
from hybridcode.domain.plan import Plan, Step
from hybridcode.domain.planned import BaselineTaken
from hybridcode.gate.approvers import Scripted, yes
from hybridcode.gate.sandbox import probe
from hybridcode.models.scripted import Script
from hybridcode.session.result import result_of
from tests.support.repos import git_repository
from tests.support.sessions import Scene, as_json, edit, fence, planning, proven, requests_of

Kind = TypeVar("Kind", bound=Event)
pytestmark = pytest.mark.skipif(probe().kind == "none", reason="this machine has no sandbox")
CHECK = "python3 check.py"
NOW = "# The check now, before any change"
SHOP = "RATE = 3\n\n\ndef total(items):\n    return sum(items)\n"
TESTS = """\
import sys

import shop

FAILING = [name for name, is_right in (
    ("test_rate.py::test_rate", shop.RATE == 5),
    ("test_total.py::test_total", shop.total([1]) == 1),
    ("test_network.py::test_reach", False),
) if not is_right]
for name in FAILING:
    print(f"FAILED {name} - AssertionError: no")
sys.exit(1 if FAILING else 0)
"""
FILES = {"shop.py": SHOP, "check.py": "import shop\nassert shop.RATE == 5, 'want five'\n", ".gitignore": "*.pyc\n"}
NOBODY = {"routing.frontier_hints": 0, "routing.frontier_tries": 0}
RATE = Plan((edit("rate", "shop.py#RATE"),))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", FILES)


def scene(
    workspace: Path,
    plan: Plan = RATE,
    *drafts: str,
    more: Mapping[str, object] = MappingProxyType({}),
    frontier: Script | None = None,
    local: Script | None = None,
) -> Scene:
    settings = {"verify.test_cmd": CHECK, "approval.allow": (f"Bash(={CHECK})",), **NOBODY, **more}
    return Scene(
        workspace,
        frontier if frontier is not None else planning(plan),
        local if local is not None else {"draft": [fence(draft) for draft in drafts]},
        settings=settings,
    )


def events(it: Scene, kind: type[Kind]) -> list[Kind]:
    assert it.session is not None
    return [one.event for one in it.session.state.envelopes if isinstance(one.event, kind)]


def asked_for(it: Scene, role: str) -> list[tuple[Message, ...]]:
    assert it.session is not None
    return requests_of(it.session, role)


async def test_a_check_that_fails_before_any_change_is_told_to_the_planner_and_proves_the_step(workspace: Path):
    it = scene(workspace, RATE, "RATE = 5")
    outcome = await it.run()
    assert (outcome.code, outcome.message) == (ExitCode.DONE, "done and verified")
    assert it.session is not None
    before = result_of(it.session.state, outcome.code, outcome.message)["verification"]["before"]
    assert before == {"command": CHECK, "passed": False, "exit_code": 1}
    (taken,) = events(it, BaselineTaken)
    assert (taken.passed, taken.exit_code, "want five" in taken.told) == (False, 1, True)
    (asked,) = asked_for(it, "plan")
    assert f"\n\n{NOW}\n$ {CHECK}\nexit code 1\n" in asked[1].content
    assert asked[1].content.index(NOW) < asked[1].content.index("# Task")
    assert [event.reason for event in events(it, TaskJudged)] == [f"`{CHECK}` proves the only step"]


async def test_a_check_that_passes_before_any_change_does_not_spare_the_judge(workspace: Path):
    (workspace / "check.py").write_text("import shop\n")
    it = scene(workspace, RATE, "RATE = 5", frontier=planning(RATE, judge="good"))
    assert (await it.run()).code == ExitCode.DONE
    assert [event.verdict for event in events(it, TaskJudged)] == ["good"]
    assert any("passed before any change too" in notice.text for notice in events(it, NoticeGiven))
    (asked,) = asked_for(it, "judge")
    assert "The check passed before the change too." in asked[1].content


async def test_a_green_check_that_was_green_before_and_no_judge_is_not_called_verified(workspace: Path):
    (workspace / "check.py").write_text("import shop\n")
    it = scene(workspace, RATE, "RATE = 5", more={"routing.judge": "never"})
    outcome = await it.run()
    assert outcome.message == "done; the check passes, as it did before any change; [routing] judge is never"


async def test_a_doubt_of_the_judge_stands_in_the_last_line_where_the_check_is_proof(workspace: Path):
    it = scene(
        workspace,
        RATE,
        "RATE = 5",
        frontier=planning(RATE, judge="unsure The diff is cut off."),
        more={"routing.judge": "always"},
    )
    outcome = await it.run()
    assert outcome.code == ExitCode.DONE
    assert outcome.message == "done; the check passes; the judge is unsure: The diff is cut off."
    assert it.session is not None
    told = result_of(it.session.state, outcome.code, outcome.message)
    assert told["message"] == outcome.message
    assert told["verification"]["judge"] == {"verdict": "unsure", "reason": "The diff is cut off."}


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [(("unsure Why five?", "good"), ExitCode.DONE), (("unsure", "unsure Why six?"), ExitCode.VERIFICATION_FAILED)],
)
async def test_where_the_check_proves_nothing_a_doubt_of_the_judge_is_planned_for(
    workspace: Path, verdicts: tuple[str, ...], code: ExitCode
):
    (workspace / "check.py").write_text("import shop\n")
    frontier = {"plan": [as_json(RATE), '{"s":[{"t":"shop.py#RATE","g":"set it to six"}]}'], "judge": list(verdicts)}
    local = {"draft:rate": [fence("RATE = 5")], "draft:r1.1": [fence("RATE = 6")]}
    it = scene(workspace, frontier=frontier, local=local, more={"limits.max_repairs": 1})
    outcome = await it.run()
    assert outcome.code == code
    (asked,) = events(it, RepairAsked)
    assert asked.why == f"the judge is unsure{': Why five?' if code == ExitCode.DONE else ''}"
    if code != ExitCode.DONE:
        assert outcome.message == "the check passes, as it did before any change; the judge is unsure: Why six?"


@pytest.mark.parametrize(
    "setting",
    [
        {"verify.baseline": "off"},
        {"approval.ask": (f"Bash(={CHECK})",)},
        {"approval.sandbox": "off"},
        {"verify.scratch": "off"},
    ],
    ids=["off", "no consent", "no sandbox", "no copy"],
)
async def test_without_consent_copy_or_wish_nothing_runs_before_the_plan(workspace: Path, setting: dict[str, object]):
    it = scene(workspace, RATE, "RATE = 5", more=setting)
    person = Scripted((yes, yes))
    it.make_approver = lambda approvals, sandbox: person
    assert (await it.run()).code == ExitCode.DONE
    assert events(it, BaselineTaken) == []
    assert NOW not in asked_for(it, "plan")[0][1].content


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        (
            {"approval.sandbox": "off"},
            '[approval] sandbox is "off" (--no-sandbox), so it would not stay in a scratch copy',
        ),
        ({"verify.scratch": "off"}, '[verify] scratch is "off"'),
    ],
)
async def test_why_a_check_that_may_run_has_no_copy_to_run_in_is_said_once_in_a_session(
    workspace: Path, setting: dict[str, object], why: str
):
    it = scene(workspace, frontier={"plan": [as_json(Plan(answer="nothing to do"))] * 2}, more=setting)
    session = it.open()
    try:
        await session.run("look")
        await session.run("look again")
    finally:
        await session.close()
    said = [notice for notice in events(it, NoticeGiven) if "before planning" in notice.text]
    assert [(one.level, one.text) for one in said] == [("info", f"`{CHECK}` is not run before planning: {why}")]


async def test_without_consent_nothing_is_said_of_a_missing_copy(workspace: Path):
    more = {"verify.scratch": "off", "approval.ask": (f"Bash(={CHECK})",)}
    it = scene(workspace, frontier={"plan": [as_json(Plan(answer="nothing to do"))]}, more=more)
    await it.run("look")
    assert [notice for notice in events(it, NoticeGiven) if "before planning" in notice.text] == []


@pytest.mark.parametrize(("first", "asked"), [("local", 1), ("frontier", 0)])
async def test_a_check_that_may_have_passed_before_does_not_spare_a_local_plan_the_judge(
    workspace: Path, first: str, asked: int
):
    plan = '{"s":[{"t":"shop.py#RATE","g":"set it to five"}]}'
    it = scene(
        workspace,
        frontier={"plan": [plan], "judge": ["good"]},
        local={"plan": [plan], "draft": [fence("RATE = 5")]},
        more={"verify.baseline": "off", "routing.first": first},
    )
    assert (await it.run()).code == ExitCode.DONE
    assert len(asked_for(it, "judge")) == asked


async def test_a_question_runs_no_check(workspace: Path):
    it = scene(workspace, frontier={"plan": ['{"a": "It is 3."}']})
    assert (await it.run("What is RATE?")).code == ExitCode.DONE
    assert events(it, ProposalMade) == []


async def test_a_check_that_takes_too_long_is_stopped_and_not_tried_before_the_next_plan(workspace: Path):
    (workspace / "check.py").write_text("import time\ntime.sleep(30)\n")
    answers = [as_json(Plan(answer="nothing to do"))] * 2
    it = scene(workspace, frontier={"plan": answers}, more={"verify.baseline_s": 0.5})
    session = it.open()
    try:
        assert (await session.run("look")).code == ExitCode.DONE
        assert (await session.run("look again")).code == ExitCode.DONE
    finally:
        await session.close()
    assert len(events(it, ProposalMade)) == 1
    (notice,) = [one for one in events(it, NoticeGiven) if "before planning" in one.text]
    assert "takes longer than" in notice.text
    assert events(it, BaselineTaken) == []
    proven(session)


async def test_the_same_tree_is_not_checked_twice_in_a_session(workspace: Path):
    it = scene(workspace, frontier={"plan": [as_json(Plan(answer="nothing to do"))] * 3})
    session = it.open()
    try:
        await session.run("look")
        await session.run("look again")
        (workspace / "other.py").write_text("X = 1\n")
        await session.run("look once more")
    finally:
        await session.close()
    assert [event.is_reused for event in events(it, BaselineTaken)] == [False, True, False]
    assert len(events(it, ProposalMade)) == 2
    assert all(NOW in asked[1].content for asked in asked_for(it, "plan"))
    proven(session)


async def test_a_task_that_follows_begins_with_what_the_check_of_the_last_one_said(workspace: Path):
    answer = as_json(Plan(answer="nothing to do"))
    it = scene(workspace, RATE, "RATE = 5", frontier={"plan": [as_json(RATE), answer, answer]})
    session = it.open()
    try:
        assert (await session.run("set the rate")).code == ExitCode.DONE
        ran = len(events(it, ProposalMade))
        assert (await session.run("look")).code == ExitCode.DONE
        assert len(events(it, ProposalMade)) == ran
        (workspace / "shop.py").write_text(SHOP)
        assert (await session.run("look again")).code == ExitCode.DONE
    finally:
        await session.close()
    assert [(one.passed, one.is_reused) for one in events(it, BaselineTaken)] == [
        (False, False),
        (True, True),
        (False, True),
    ]
    proven(session)


async def test_an_interruption_stops_the_check_and_the_run(workspace: Path):
    (workspace / "check.py").write_text("import time\ntime.sleep(30)\n")
    it = scene(workspace)
    session = it.open()
    running = asyncio.create_task(session.run("do it"))
    begun = asyncio.Event()
    session.subscribe(lambda envelope: begun.set() if isinstance(envelope.event, ProposalMade) else None)
    await asyncio.wait_for(begun.wait(), 20)
    session.interrupt("person")
    assert (await asyncio.wait_for(running, 10)).code == ExitCode.INTERRUPTED
    await session.close()
    assert events(it, ModelAsked) == []


async def test_a_resumed_task_keeps_what_its_check_said_before_any_change(workspace: Path):
    (workspace / "check.py").write_text("import shop\n")
    first = scene(workspace, RATE, "RATE = 5", frontier={"plan": ['{"q": [{"q": "Which rate?"}]}']})
    assert (await first.run()).code == ExitCode.APPROVAL_PENDING
    assert first.session is not None
    again = scene(workspace, RATE, "RATE = 5", frontier=planning(RATE, judge="good"))
    session = again.open(first.session.id)
    try:
        assert (await session.run("5")).code == ExitCode.DONE
    finally:
        await session.close()
    proven(session)
    assert len(events(again, BaselineTaken)) == 1
    assert NOW in asked_for(again, "plan")[-1][1].content
    assert [event.verdict for event in events(again, TaskJudged)] == ["good"]


async def test_a_red_check_counts_for_the_choice_of_the_planner_and_stands_for_the_test_that_reproduces(
    workspace: Path,
):
    it = scene(
        workspace,
        more={"verify.reproduce": True},
        frontier={},
        local={"plan": ['{"s":[{"t":"shop.py#RATE"}]}'], "draft": [fence("RATE = 5")]},
    )
    assert (await it.run("Set RATE in shop.py to 5.")).code == ExitCode.DONE
    (chosen,) = events(it, PlannerChosen)
    assert chosen.why.endswith(f"check `{CHECK}`, which fails now")
    assert "Reproduce first" not in asked_for(it, "plan")[0][1].content


@pytest.fixture
def tested(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "tested", {**FILES, "check.py": TESTS})


async def test_a_test_that_failed_before_is_not_held_against_a_step_and_a_newly_broken_one_is(tested: Path):
    plan = Plan((Step("total", "sum the items", touches=("shop.py#total",)),))
    broken = "def total(items):\n    return 2 * sum(items)"
    good = "def total(items):\n    return sum(items[:])"
    it = scene(tested, plan, broken, good, more={"verify.detect": "off"})
    (tested / "shop.py").write_text(SHOP.replace("3", "5"))
    outcome = await it.run("sum the items without a copy")
    assert [(event.outcome, event.why) for event in events(it, StepEnded)] == [
        ("done", "no test newly broken; 1 test failed before any change too")
    ]
    assert it.read("shop.py").endswith("return sum(items[:])\n")
    drafts = [one[-1].content for one in asked_for(it, "draft")]
    assert len(drafts) == 2
    assert "newly broken: test_total.py::test_total; 1 test failed before any change too" in drafts[-1]
    assert outcome.code == ExitCode.VERIFICATION_FAILED
    assert outcome.message.endswith("no test newly broken; 1 test failed before any change too")
    assert [event.where for event in events(it, CheckRan)] == ["scratch", "scratch", "tree"]


async def test_a_failing_test_that_the_step_is_about_is_held_against_it(tested: Path):
    it = scene(tested, RATE, "RATE = 4", "RATE = 6")
    assert (await it.run("set the rate")).code == ExitCode.VERIFICATION_FAILED
    assert [event.outcome for event in events(it, StepEnded)] == ["failed"]


async def test_an_earlier_step_answers_for_its_own_tests_and_the_last_one_for_those_of_the_task(tested: Path):
    plan = Plan(
        (
            Step("total", "sum the items", touches=("shop.py#total",), check=CHECK),
            Step("rate", "five", touches=("shop.py#RATE",), needs=("total",), check=CHECK),
        )
    )
    sums = fence("def total(items):\n    return sum(list(items))")
    local = {"draft:total": [sums], "draft:rate": [fence("RATE = 4"), fence("RATE = 5")]}
    it = scene(tested, plan, local=local)
    assert (await it.run("count with five")).code == ExitCode.VERIFICATION_FAILED
    assert [(event.outcome, event.why) for event in events(it, StepEnded)] == [
        ("done", "no test newly broken; 2 tests failed before any change too"),
        ("done", "no test newly broken; 1 test failed before any change too"),
    ]
    assert it.read("shop.py").startswith("RATE = 5")


async def test_where_the_task_is_a_repair_every_failing_test_is_held_against_the_last_step(tested: Path):
    (tested / "shop.py").write_text(SHOP.replace("3", "5"))
    plan = Plan((Step("total", "sum the items", touches=("shop.py#total",)),))
    sums = "def total(items):\n    return sum(list(items))"
    it = scene(tested, plan, sums, f"{sums}  # again")
    assert (await it.run("fix what is broken")).code == ExitCode.VERIFICATION_FAILED
    assert [event.outcome for event in events(it, StepEnded)] == ["failed"]
