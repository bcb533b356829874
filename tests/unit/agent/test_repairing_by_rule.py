from collections.abc import Mapping
from pathlib import Path

import pytest

from hybridcode.cli.transcript import transcript
from hybridcode.domain.events import ModelAsked, PlanMade, RepairAsked
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Step
from hybridcode.gate.approvers import Scripted, yes
from hybridcode.models.ledger import Ledger
from hybridcode.session.report_blocks import blocks_of
from hybridcode.tui.story import entries
from tests.support.repairs import AGAIN, CHECK, FILES, PROVEN, TAX, events, interrupting, told
from tests.support.repos import git_repository
from tests.support.sessions import Scene, as_json, edit, fence


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", FILES)


NAMES = "`shop.py#RATE` is 3; it must be 5."


def ruled(
    workspace: Path, *verdicts: str, planned: tuple[str, ...] = (), settings: Mapping[str, object] | None = None
) -> Scene:
    frontier = {"plan": [as_json(Plan((TAX,))), *planned], "judge": list(verdicts)}
    local = {"draft:tax": [fence("TAX = 2")], "draft:r1.1": [fence("RATE = 5")], "draft:r2.1": [fence("RATE = 6")]}
    return Scene(workspace, frontier, local, settings=settings or {})


async def test_what_the_judge_names_is_planned_without_asking(workspace: Path):
    it = ruled(workspace, f"bad {NAMES}", "good")
    assert (await it.run("set the rate to five")).code == ExitCode.DONE
    assert it.read("shop.py").startswith("RATE = 5\n")
    assert events(it, RepairAsked) == [RepairAsked(1, f"the judge objects: {NAMES}", is_ruled=True)]
    made = events(it, PlanMade)[-1]
    assert (made.source, [step.id for step in made.plan.steps]) == ("judge", ["tax", "r1.1"])
    step = made.plan.steps[-1]
    assert (step.goal, step.touches, step.writer) == (NAMES, ("shop.py#RATE",), "local")
    assert [event.role for event in events(it, ModelAsked)] == ["plan", "draft", "judge", "draft", "judge"]


async def test_the_step_that_follows_from_a_verdict_is_proven_by_the_check_of_the_plan(workspace: Path):
    (workspace / "check.py").write_text("import tax\nassert tax.TAX == 2\n")
    it = ruled(workspace, f"bad {NAMES}", "good", settings={**PROVEN, "routing.judge": "always"})
    assert (await it.run("set the rate to five")).code == ExitCode.DONE
    assert events(it, PlanMade)[-1].plan.steps[-1].check == CHECK


async def test_a_second_objection_goes_to_the_planner_though_it_is_the_same(workspace: Path):
    again = AGAIN.replace("five", "six")
    it = ruled(workspace, f"bad {NAMES}", f"bad {NAMES}", "good", planned=(again,))
    assert (await it.run("set the rate to five")).code == ExitCode.DONE
    assert [(event.number, event.is_ruled) for event in events(it, RepairAsked)] == [(1, True), (2, False)]
    assert [event.step for event in events(it, ModelAsked) if event.role == "plan"] == [None, "(repair 2)"]
    assert it.read("shop.py").startswith("RATE = 6\n")


@pytest.mark.parametrize("most", [0, 1])
async def test_a_step_by_rule_counts_as_a_repair(workspace: Path, most: int):
    it = ruled(workspace, f"bad {NAMES}", f"bad {NAMES}", planned=(AGAIN,), settings={"limits.max_repairs": most})
    assert (await it.run("set the rate to five")).code == ExitCode.VERIFICATION_FAILED
    assert len(events(it, RepairAsked)) == most


async def test_a_doubt_that_names_places_is_followed_where_it_would_be_repaired(workspace: Path):
    (workspace / "check.py").write_text("print('fine')\n")
    it = ruled(workspace, f"unsure {NAMES}", "good", settings=PROVEN)
    assert (await it.run("set the rate to five")).code == ExitCode.DONE
    assert [event.is_ruled for event in events(it, RepairAsked)] == [True]
    (workspace / "check.py").write_text("import tax\nassert tax.TAX == 7\n")
    local = {"draft:tax": [fence("TAX = 7")]}
    frontier = {"plan": [as_json(Plan((TAX,)))], "judge": [f"unsure {NAMES}"]}
    proved = Scene(workspace, frontier, local, settings={**PROVEN, "routing.judge": "always"})
    assert (await proved.run("set the tax to seven")).code == ExitCode.DONE
    assert events(proved, RepairAsked) == []


async def test_a_step_by_rule_is_followed_once_in_a_task_though_it_goes_on_later(workspace: Path):
    it = ruled(workspace, f"bad {NAMES}")
    it.make_approver = lambda approvals, sandbox: Scripted([yes, interrupting(it)])
    assert (await it.run("set the rate to five")).code == ExitCode.INTERRUPTED
    assert it.session is not None
    later = ruled(workspace, f"bad {NAMES}", "good")
    later.frontier = {"plan": [AGAIN.replace("five", "six")], "judge": [f"bad {NAMES}", "good"]}
    later.make_approver = lambda approvals, sandbox: Scripted([yes, yes, yes])
    assert (await later.resume(it.session.id)).code == ExitCode.DONE
    assert [event.is_ruled for event in events(later, RepairAsked)] == [True, False]


async def test_that_no_model_is_asked_is_shown_everywhere(workspace: Path):
    it = ruled(workspace, f"bad {NAMES}", "good")
    await it.run("set the rate to five")
    assert it.session is not None
    state = it.session.state
    (asked,) = (one for one in state.envelopes if isinstance(one.event, RepairAsked))
    rule = "planned again by rule, at the places that the judge names"
    words = f"{rule}: the judge objects: {NAMES}"
    assert [entry.text for entry in entries(asked.event, state)] == [words]
    assert words in "\n".join(transcript(asked, lambda digest: b""))
    blocks = blocks_of(state, lambda digest: b"", Ledger.of(state.envelopes), None)
    assert any(f"{rule}, because: the judge objects: {NAMES}" in str(block) for block in blocks)
    assert any("Plan by judge" in str(block) for block in blocks)


async def test_what_the_judge_names_comes_first_and_stands_whole(workspace: Path):
    (workspace / "a.md").write_text("old\n")
    (workspace / "shop.py").write_text("RATE = 3\n" + "".join(f"def f{n}():\n    return {n}\n\n\n" for n in range(9)))
    steps = edit("doc", "a.md"), edit("tax", "tax.py"), edit("rate", "shop.py#RATE")
    said = f"shop.py#RATE is 4, {'and so on, ' * 38}; gone.py and shop.py#f3 miss it."
    drafts = {
        "draft:doc": [fence("\n".join(f"a line of words {n}" for n in range(300)), "markdown")],
        "draft:tax": [fence("TAX = 2")],
        "draft:rate": [fence("RATE = 4\n" + "\n".join(f"R{n} = {n}" for n in range(200)))],
        "draft:r1.1": [fence("RATE = 5")],
    }
    it = Scene(workspace, {"plan": [as_json(Plan(steps)), AGAIN], "judge": [f"bad {said}", "good"]}, drafts)
    await it.run("set the rate to five")
    (asked,) = events(it, RepairAsked)
    assert (asked.is_ruled, asked.why) == (False, f"the judge objects: {said}")
    text = told(it, next(event for event in events(it, ModelAsked) if event.step == "(repair 1)"))
    assert f"# A plan for this failed: the judge objects: {said}\n" in text
    diff = text.partition("# Diff so far\n")[2]
    assert diff.startswith("--- a/shop.py\n")
    assert "+R199 = 199" in diff
    assert "def f3():" in text.partition("# Task")[0]


async def test_steps_that_are_done_and_not_concerned_give_way(workspace: Path):
    words = "put it right in every place of it " * 12
    done = tuple(Step(f"s{n}", words, touches=(f"d{n}.py",)) for n in range(12))
    for n in range(12):
        (workspace / f"d{n}.py").write_text("A = 1\n")
    drafts = {f"draft:s{n}": [fence("A = 2")] for n in range(12)}
    frontier = {"plan": [as_json(Plan(done)), AGAIN], "judge": ["bad d7.py is 2, new.py is missing.", "good"]}
    it = Scene(workspace, frontier, {**drafts, "draft:r1.1": [fence("RATE = 5")]})
    await it.run("set the rate to five")
    text = told(it, next(event for event in events(it, ModelAsked) if event.step == "(repair 1)"))
    rows = text.partition("Its steps were:\n")[2].partition("\n\n")[0].splitlines()
    assert rows[0] == "[11 more steps, done]"
    assert rows[1].startswith("s7 [done] edit d7.py: put it right")
    assert rows[1].endswith(" ...")
    assert len(rows) == 2
