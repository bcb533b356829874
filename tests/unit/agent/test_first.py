from pathlib import Path
from typing import Any

import pytest

from hybridcode.agent.drafter import goal_of
from hybridcode.agent.first import First, choose_planner
from hybridcode.config.load import load
from hybridcode.config.settings import Settings
from hybridcode.domain.events import ModelAsked, PlanMade, PlannerChosen, TaskJudged
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan
from hybridcode.gate.sandbox import probe
from hybridcode.models.scripted import Script
from tests.support.repos import git_repository
from tests.support.sessions import Scene, as_json, edit, fence, planning

CHECK = "python3 check.py"
SMALL = "Set RATE in shop.py to 5."
FILES = {
    "shop.py": "RATE = 3\n\n\ndef total(items):\n    return sum(items)\n",
    "test_shop.py": "import shop\n\n\ndef test_rate():\n    assert shop.RATE == 3\n",
    "check.py": "import shop\nassert shop.RATE == 5\n",
}
PLAN = '{"s":[{"t":"shop.py#RATE"}]}'


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", FILES)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_with(tmp_path, **{"verify.test_cmd": CHECK})


def settings_with(folder: Path, **values: object) -> Settings:
    none = folder / "none"
    return load(folder, flags=values, env={}, user_config=none, managed_config=none, trust_store=none).settings


def chosen(task: str, settings: Settings, *named: str, **more: Any) -> First:
    both: dict[str, Any] = {"has_local": True, "has_frontier": True, "fits": True, **more}
    return choose_planner(task, named=named or ("shop.py",), settings=settings, **both)


def test_a_small_clear_task_with_a_check_goes_to_the_local_model(settings: Settings):
    assert chosen(SMALL, settings) == First("local", f"small and clear: 6 words, shop.py, check `{CHECK}`")


@pytest.mark.parametrize(
    ("task", "why"),
    [
        ("Why does shop.py set RATE to 3?", "a question"),
        ("explain shop.py", "a question"),
        ("When does shop.py round", "a question"),
        ("What happens in shop.py when the rate is 0", "a question"),
        ("Do we round in shop.py", "a question"),
        (f"{SMALL} {'really ' * 80}", "86 words; small is up to 80"),
        ("In shop.py:\n- set RATE\n- drop total\n- add tax", "3 points; small is up to 2"),
        ("one\n\ntwo\n\nthree", "3 points; small is up to 2"),
        ("Redesign shop.py", "`redesign` asks for judgement"),
        ("Make shop.py thread-safe", "`thread-safe` asks for judgement"),
    ],
)
def test_what_is_not_small_or_not_clear_goes_to_the_frontier(settings: Settings, task: str, why: str):
    assert chosen(task, settings) == First("frontier", why)


@pytest.mark.parametrize(
    "task",
    [
        "When the rate of shop.py is 0, raise ValueError.",
        "What total in shop.py returns should be rounded.",
        "Do not round in total of shop.py.",
    ],
)
def test_a_task_that_begins_like_a_question_and_asks_nothing_is_none(settings: Settings, task: str):
    assert chosen(task, settings).writer == "local"


def test_how_the_check_ends_before_any_change_stands_in_the_reason(settings: Settings):
    assert chosen(SMALL, settings, fails_now=True).why.endswith(f"check `{CHECK}`, which fails now")
    assert chosen(SMALL, settings, fails_now=False).why.endswith(f"check `{CHECK}`, which passes now")


def test_how_many_files_a_task_names_decides(settings: Settings):
    nothing_named = choose_planner(SMALL, named=(), settings=settings, has_local=True, has_frontier=True, fits=True)
    assert nothing_named == First("frontier", "it names no file or definition of this repository")
    assert chosen(SMALL, settings, "a.py", "b.py").writer == "local"
    assert chosen(SMALL, settings, "a.py", "b.py", "c.py") == First("frontier", "it names 3 files; small is up to 2")


def test_a_check_that_fails_now_makes_more_of_a_task_clear(settings: Settings):
    points = "In shop.py:\n- set RATE\n- drop total\n- add tax"
    assert chosen(points, settings, fails_now=True).writer == "local"
    assert chosen(points, settings, fails_now=False).writer == "frontier"
    assert chosen(SMALL, settings, "a.py", "b.py", "c.py", fails_now=True).writer == "local"
    assert chosen("Redesign shop.py", settings, fails_now=True).writer == "frontier"
    alone = choose_planner(SMALL, named=(), settings=settings, has_local=True, has_frontier=True, fails_now=True)
    assert alone == First("local", f"small and clear: 6 words, check `{CHECK}`, which fails now")


def test_documentation_alone_makes_no_task_clear(settings: Settings):
    assert chosen(SMALL, settings, "README.md") == First("frontier", "it names only documentation: README.md")
    assert chosen(SMALL, settings, "README.md", "shop.py").writer == "local"


def test_without_a_check_nothing_goes_to_the_local_model_first(tmp_path: Path):
    assert chosen(SMALL, settings_with(tmp_path)) == First("frontier", "no check would prove it (--test-cmd)")


def test_of_a_task_that_is_not_small_the_local_model_drafts_the_plan(settings: Settings, tmp_path: Path):
    assert chosen("Redesign shop.py", settings, fits=False).is_drafted
    assert not chosen("Redesign shop.py", settings, fits=True).is_drafted
    assert not chosen("Is shop.py right?", settings, fits=False).is_drafted
    assert not chosen("Redesign shop.py", settings, fits=False, is_tiny=True).is_drafted
    off = settings_with(tmp_path, **{"verify.test_cmd": CHECK, "routing.draft": "off"})
    assert not chosen("Redesign shop.py", off, fits=False).is_drafted


@pytest.mark.parametrize(
    ("values", "models", "first"),
    [
        ({"routing.first": "frontier"}, {}, First("frontier", "[routing] first")),
        ({"routing.first": "local"}, {}, First("local", "[routing] first")),
        ({"routing.first": "local"}, {"is_tiny": True}, First("frontier", "the shipped fixture cannot plan")),
        ({"roles.plan": "local"}, {}, First("local", "[roles] plan")),
        ({}, {"has_frontier": False}, First("local", "no frontier model")),
        ({}, {"has_local": False}, First("frontier", "")),
        ({"roles.plan": "local"}, {"has_local": False}, First("frontier", "no local model")),
    ],
)
def test_settings_and_missing_models_come_before_the_text(
    tmp_path: Path, values: dict[str, object], models: dict[str, Any], first: First
):
    settings = settings_with(tmp_path, **{"verify.test_cmd": CHECK, **values})
    assert chosen("Redesign it all", settings, **models) == first


def economic(workspace: Path, frontier: Script, local: Script, **more: object) -> Scene:
    settings = {"verify.test_cmd": CHECK, "approval.allow": (f"Bash({CHECK})",), **more}
    return Scene(workspace, frontier, local, settings=settings)


def events(it: Scene, *kinds: type) -> list[Any]:
    assert it.session is not None
    return [envelope.event for envelope in it.session.state.envelopes if isinstance(envelope.event, kinds)]


@pytest.mark.skipif(probe().kind == "none", reason="this machine has no sandbox: nobody knows how the check ends now")
async def test_a_small_task_is_planned_written_and_proven_without_the_frontier(workspace: Path):
    it = economic(workspace, {}, {"plan": [PLAN], "draft": [fence("RATE = 5")]})
    assert (await it.run(SMALL)).code == ExitCode.DONE
    assert it.read("shop.py").startswith("RATE = 5\n")
    assert [event.backend for event in events(it, ModelAsked)] == ["local", "local"]
    (verdict,) = events(it, TaskJudged)
    assert (verdict.verdict, verdict.reason) == ("skipped", f"`{CHECK}` proves the only step")


@pytest.mark.parametrize(
    "reply",
    [
        "I think you should edit shop.py.",
        '{"s":[{"t":"gone.py"}]}',
    ],
)
async def test_a_local_plan_that_cannot_be_used_is_made_by_the_frontier(workspace: Path, reply: str):
    it = economic(workspace, {"plan": [PLAN]}, {"plan": [reply] * 3, "draft": [fence("RATE = 5")]})
    assert (await it.run(SMALL)).code == ExitCode.DONE
    assert [event.writer for event in events(it, PlannerChosen)] == ["local", "frontier"]
    assert events(it, PlannerChosen)[1].why.startswith("the local model made no usable plan: ")
    assert [event.backend for event in events(it, ModelAsked) if event.role == "plan"][-1] == "frontier"


async def test_a_local_plan_that_is_too_long_is_a_draft_for_the_frontier(workspace: Path):
    long = '{"s":[' + '{"t":"shop.py","g":"x"},' * 3 + '{"t":"shop.py","k":"delete"}]}'
    it = economic(workspace, {"plan": [PLAN]}, {"plan": [long, PLAN], "draft": [fence("RATE = 5")]})
    assert (await it.run(SMALL)).code == ExitCode.DONE
    assert [(event.role, event.backend) for event in events(it, ModelAsked)][:2] == [
        ("plan", "local"),
        ("plan", "frontier"),
    ]
    assert events(it, PlannerChosen)[1].why == "the local model's plan has 4 steps, a small task up to 3: it is a draft"


@pytest.mark.parametrize(("repairs", "roles"), [(0, ["hint", "draft"]), (1, ["hint", "plan", "draft"])])
async def test_the_frontier_takes_over_what_the_check_refuses_of_the_local_model(
    workspace: Path, repairs: int, roles: list[str]
):
    local = {"plan": [PLAN], "draft": [fence("RATE = 4")] * 3}
    frontier = {
        "hint": ["Five."],
        "plan": ['{"s":[{"t":"shop.py#RATE","w":"the local model cannot"}]}'],
        "draft": [fence("RATE = 5")],
    }
    it = economic(workspace, frontier, local, **{"limits.max_repairs": repairs})
    assert (await it.run(SMALL)).code == ExitCode.DONE
    assert it.read("shop.py").startswith("RATE = 5\n")
    assert [event.role for event in events(it, ModelAsked) if event.backend == "frontier"] == roles


async def test_a_step_that_changes_tests_which_were_there_is_judged(workspace: Path):
    step = edit("both", "shop.py#RATE", "test_shop.py#test_rate")
    test = fence("def test_rate():\n    assert shop.RATE == 5")
    it = economic(
        workspace,
        {**planning(Plan((step,))), "judge": ["good"]},
        {"draft": [fence("RATE = 5"), test]},
        **{"routing.first": "frontier"},
    )
    assert (await it.run(SMALL)).code == ExitCode.DONE
    assert [(event.verdict, event.reason) for event in events(it, TaskJudged)] == [("good", "")]


@pytest.mark.parametrize(("judge", "asked"), [("always", 1), ("never", 0), ("auto", 0)])
async def test_whether_a_proven_result_is_judged_is_a_setting(workspace: Path, judge: str, asked: int):
    frontier = {"plan": [as_json(Plan((edit("rate", "shop.py#RATE"),)))], "judge": ["good"]}
    it = economic(
        workspace, frontier, {"draft": [fence("RATE = 5")]}, **{"routing.first": "frontier", "routing.judge": judge}
    )
    assert (await it.run(SMALL)).code == ExitCode.DONE
    assert len([event for event in events(it, ModelAsked) if event.role == "judge"]) == asked


async def test_the_only_step_reads_what_the_task_mentions_and_is_proven_by_the_check(workspace: Path):
    it = economic(workspace, {}, {"plan": [PLAN], "draft": [fence("RATE = 5")]})
    assert (await it.run("Set RATE in shop.py to what @check.py wants.")).code == ExitCode.DONE
    (step,) = events(it, PlanMade)[0].plan.steps
    assert (step.reads, step.check) == (("check.py",), CHECK)


def test_a_writer_is_told_the_task_where_the_goal_is_another():
    step = edit("rate", "shop.py#RATE")
    assert goal_of(step, "do rate\n") == "# Step\ndo rate"
    assert goal_of(step, "Raise it.") == "# Task, of which this is one step\nRaise it.\n\n# Step\ndo rate"
    assert len(goal_of(step, "x" * 9_000)) < 1_700
