from dataclasses import replace
from pathlib import Path

import pytest

from hybridcode.agent.again import Again, fresh_id, still_open
from hybridcode.cli.transcript import transcript
from hybridcode.domain.events import Event, ModelAsked, NoticeGiven, PlanMade, RepairAsked, TaskEnded
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Step
from hybridcode.gate.approvers import Scripted, yes
from hybridcode.models.ledger import Ledger
from hybridcode.session.report_blocks import blocks_of
from hybridcode.session.result import result_of
from hybridcode.tui.story import entries
from tests.support.repairs import AGAIN, CHECK, FILES, PROVEN, TAX, WRONG, events, interrupting, told
from tests.support.repos import git_repository
from tests.support.sessions import Scene, as_json, edit, fence, proven


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", FILES)


def judged(workspace: Path, *verdicts: str, **more: object) -> Scene:
    frontier = {"plan": [as_json(Plan((TAX,))), AGAIN], "judge": list(verdicts)}
    local = {"draft:tax": [fence("TAX = 2")], "draft:r1.1": [fence("RATE = 5")]}
    return Scene(workspace, frontier, local, settings=more)


async def test_the_frontier_is_told_the_plan_what_failed_and_the_diff_so_far(workspace: Path):
    it = judged(workspace, "bad The rate is still 3.", "good")
    assert (await it.run("set the rate to five")).code == ExitCode.DONE
    (asked,) = events(it, RepairAsked)
    assert asked == RepairAsked(1, "the judge objects: The rate is still 3.")
    request = events(it, ModelAsked)[3]
    assert (request.role, request.backend, request.step) == ("plan", "frontier", "(repair 1)")
    assert "tax.py" in request.files
    text = told(it, request)
    assert "# Task\nset the rate to five\n\n# A plan for this failed: the judge objects: The rate is still 3." in text
    assert "tax [done] edit tax.py#TAX: do tax" in text
    assert it.session is not None
    assert {line.verdict for line in proven(it.session) if line.kind in ("outline", "window", "request")} == {"ok"}
    assert "# Diff so far\n--- a/tax.py\n+++ b/tax.py\n@@ -1 +1 @@\n-TAX = 1\n+TAX = 2\n" in text


async def test_the_frontier_is_told_what_the_check_said(workspace: Path):
    frontier = {"hint": ["Five."], "plan": [AGAIN]}
    local = {"plan": [WRONG], "draft:1": [fence(f"TAX = {n}") for n in (2, 3, 4)], "draft:r1.1": [fence("RATE = 5")]}
    it = Scene(workspace, frontier, local, settings={**PROVEN, "routing.first": "local"})
    assert (await it.run("set the rate to five")).code == ExitCode.DONE
    text = told(it, next(event for event in events(it, ModelAsked) if event.step == "(repair 1)"))
    assert f"# A plan for this failed: step 1: `{CHECK}` failed in a scratch copy" in text
    assert "1 [failed] edit tax.py#TAX: set it to five" in text
    assert "AssertionError: the rate is wrong" in text
    assert "# Diff so far\n(nothing yet)" in text


async def test_the_frontier_is_shown_the_function_that_fails(workspace: Path):
    rates = "".join(f"def rate_{n}():\n    return {n}\n\n\n" for n in range(9))
    (workspace / "rates.py").write_text(f"{rates}def total():\n    rate = 3\n    assert rate == 5\n")
    (workspace / "check.py").write_text("import rates\nrates.total()\n")
    frontier = {"hint": ["Five."], "plan": [AGAIN]}
    local = {"plan": [WRONG], "draft:1": [fence(f"TAX = {n}") for n in (2, 3, 4)], "draft:r1.1": [fence("RATE = 5")]}
    it = Scene(workspace, frontier, local, settings={**PROVEN, "routing.first": "local"})
    await it.run("set the rate to five")
    request = next(event for event in events(it, ModelAsked) if event.step == "(repair 1)")
    shown = "## rates.py, lines 37-39\n```python\ndef total():\n    rate = 3\n    assert rate == 5\n"
    assert shown in told(it, request)
    assert "rates.py#L37-39" in request.files


async def test_places_of_the_plan_are_shown_where_they_stand_now(workspace: Path):
    lines = "".join(f"print('the line {n}')\n" for n in range(1, 31))
    (workspace / "out.py").write_text(lines)
    steps = edit("top", "out.py#L2-3"), edit("end", "out.py#L25-26", needs=("top",)), edit("rate", "shop.py#RATE")
    top = fence("".join(f"print('new {n}')\n" for n in range(9)).rstrip("\n"))
    local = {
        "draft:top": [top],
        "draft:end": ["", ""],
        "draft:rate": [fence("RATE = 4")],
        "draft:r1.1": [fence("RATE = 5")],
    }
    frontier = {"plan": [as_json(Plan(steps)), AGAIN], "judge": ["good"], "hint": [""], "draft": ["", ""]}
    it = Scene(workspace, frontier, local)
    await it.run("set the rate to five")
    text = told(it, next(event for event in events(it, ModelAsked) if event.step == "(repair 1)"))
    assert "top [done] edit out.py#L2-10: do top" in text
    assert "end [failed] edit out.py#L32-33 needs top: do end" in text
    assert "## out.py, lines 32-33\n```python\nprint('the line 25')\nprint('the line 26')\n" in text
    assert text.count("print('new 4')") == 1
    assert "+print('new 4')" in text
    assert text.count("RATE = 4") == 1


async def test_what_is_done_and_gone_is_not_shown(workspace: Path):
    (workspace / "out.py").write_text("def old():\n    return 1\n\n\ndef new():\n    return 2\n")
    steps = Step("gone", "Delete old.", touches=("out.py#old",)), TAX
    local = {"draft:gone": ["```python\n```"], "draft:tax": [fence("TAX = 2")], "draft:r1.1": [fence("RATE = 5")]}
    it = Scene(workspace, {"plan": [as_json(Plan(steps)), AGAIN], "judge": ["bad The rate.", "good"]}, local)
    assert (await it.run("set the rate to five")).code == ExitCode.DONE
    text = told(it, next(event for event in events(it, ModelAsked) if event.step == "(repair 1)"))
    assert "gone [done] edit out.py#old: Delete old." in text
    assert "does not define" not in text


async def test_what_an_earlier_plan_failed_does_not_count_once_another_one_is_proven(workspace: Path):
    (workspace / "fee.py").write_text("FEE = 1\n")
    frontier = {"plan": [as_json(Plan((TAX, edit("fee", "fee.py#FEE")))), AGAIN], "judge": ["good"]}
    local = {"draft:tax": [fence("TAX = 2")], "draft:fee": [fence("FEE = 2")], "draft:r1.1": [fence("RATE = 5")]}
    it = Scene(workspace, frontier, local, settings=PROVEN)
    assert (await it.run("set the rate to five")).code == ExitCode.DONE
    assert it.session is not None
    found = result_of(it.session.state, ExitCode.DONE, "")["verification"]
    assert found["passed"]
    assert False in {check["passed"] for check in found["checks"]}


async def test_the_plan_goes_on_behind_the_steps_that_are_done(workspace: Path):
    it = judged(workspace, "bad The rate is still 3.", "good")
    await it.run()
    plan = events(it, PlanMade)[-1].plan
    assert [(step.id, step.touches) for step in plan.steps] == [("tax", ("tax.py#TAX",)), ("r1.1", ("shop.py#RATE",))]
    assert it.session is not None
    assert {name: view.status for name, view in it.session.state.tasks[0].steps.items()} == {
        "tax": "done",
        "r1.1": "done",
    }


@pytest.mark.parametrize("cap", [12_000, 3_500])
async def test_what_the_frontier_is_shown_for_another_plan_stays_under_the_cap(workspace: Path, cap: int):
    for number in range(60):
        (workspace / f"rate_{number}.py").write_text(
            "".join(f"def rate_{n}():\n    return {n}\n\n\n" for n in range(60))
        )
    more = '{"read": ["rate_1.py", "rate_2.py", "rate_3.py"], "search": ["rate"]}'
    frontier = {
        "plan": [as_json(Plan((TAX,))), more, "nonsense", more, AGAIN],
        "judge": ["bad " + "It is 3. " * 90, "good"],
    }
    local = {"draft:tax": [fence("TAX = 2")], "draft:r1.1": [fence("RATE = 5")]}
    it = Scene(workspace, frontier, local, settings={"limits.step_input_tokens": cap, "context.plan_tokens": 8_000})
    await it.run("set the rate to five")
    assert len(events(it, RepairAsked)) == 1
    asked = [event for event in events(it, ModelAsked) if event.step == "(repair 1)"]
    assert len(asked) > (cap > 4_000)
    assert cap < sum(event.prompt_bytes for event in asked) <= 4 * cap


async def test_where_not_even_the_smallest_request_fits_the_task_ends_as_it_would_have(workspace: Path):
    it = judged(workspace, "bad no", **{"limits.step_input_tokens": 300})
    outcome = await it.run()
    assert (outcome.code, outcome.message) == (ExitCode.VERIFICATION_FAILED, "the judge objects: no")
    assert any("there is no other plan: The frontier was shown 0 tok" in one.text for one in events(it, NoticeGiven))


async def test_a_task_that_goes_on_is_not_planned_again_once_more_than_allowed(workspace: Path):
    once = {"limits.max_repairs": 1}
    it = judged(workspace, "bad no", "bad no", **once)
    it.frontier = {"plan": [as_json(Plan((TAX,))), AGAIN], "judge": ["bad no"]}
    it.make_approver = lambda approvals, sandbox: Scripted([yes, interrupting(it)])
    assert (await it.run()).code == ExitCode.INTERRUPTED
    assert it.session is not None
    again = {"plan": [AGAIN], "judge": ["bad no"]}
    later = Scene(workspace, again, {"draft:r1.1": [fence("RATE = 5")]}, settings=once)
    later.make_approver = lambda approvals, sandbox: Scripted([yes, yes])
    assert (await later.resume(it.session.id)).code == ExitCode.VERIFICATION_FAILED
    assert [event.number for event in events(later, RepairAsked)] == [1]


async def test_what_a_dropped_step_applied_is_part_of_the_diff_after_going_on(workspace: Path):
    step = edit("tax", "tax.py#TAX", check="false")
    settings = {
        "routing.local_tries": 1,
        "routing.frontier_hints": 0,
        "routing.frontier_tries": 0,
        "approval.allow": ("Bash(=false)",),
        "verify.scratch": "off",
    }
    it = Scene(
        workspace,
        {"plan": [as_json(Plan((step,))), AGAIN]},
        {"draft:tax": [fence("TAX = 2")], "draft:r1.1": [fence("RATE = 5")]},
        settings=settings,
    )
    it.make_approver = lambda approvals, sandbox: Scripted([yes, interrupting(it)])
    assert (await it.run()).code == ExitCode.INTERRUPTED
    assert it.session is not None
    later = Scene(workspace, {"judge": ["good"]}, {"draft:r1.1": [fence("RATE = 5")]}, settings=settings)
    later.make_approver = lambda approvals, sandbox: Scripted([yes, yes])
    outcome = await later.resume(it.session.id)
    assert (outcome.code, outcome.files) == (ExitCode.DONE, ("shop.py", "tax.py"))
    text = told(later, events(later, ModelAsked)[-1])
    assert "+TAX = 2" in text
    assert "+RATE = 5" in text


async def test_a_plan_that_a_person_brought_is_not_replaced(workspace: Path):
    it = judged(workspace, "bad no")
    session = it.open()
    session.options = replace(session.options, plan=Plan((TAX,)))
    try:
        assert (await session.run("do it")).code == ExitCode.VERIFICATION_FAILED
    finally:
        await session.close()
    assert events(it, RepairAsked) == []


async def test_the_last_event_is_the_end_of_the_task(workspace: Path):
    it = judged(workspace, "bad no", "bad never", **{"limits.max_repairs": 1})
    outcome = await it.run()
    assert (outcome.code, outcome.message) == (ExitCode.VERIFICATION_FAILED, "the judge objects: never")
    ends: list[Event] = events(it, TaskEnded)
    assert len(ends) == 1
    assert len(events(it, RepairAsked)) == 1


async def test_a_plan_that_fails_as_the_one_before_it_did_is_not_followed_by_another(workspace: Path):
    it = judged(workspace, "bad no", "bad no", **{"limits.max_repairs": 5})
    outcome = await it.run()
    assert (outcome.code, outcome.message) == (ExitCode.VERIFICATION_FAILED, "the judge objects: no")
    assert [event.number for event in events(it, RepairAsked)] == [1]
    assert [one.text for one in events(it, NoticeGiven)][-1].endswith("this one failed as the one before it did")


async def test_why_the_frontier_plans_again_is_shown_everywhere(workspace: Path):
    it = judged(workspace, "bad no", "good")
    await it.run()
    assert it.session is not None
    state = it.session.state
    (asked,) = (one for one in state.envelopes if isinstance(one.event, RepairAsked))
    words = "the frontier plans again: the judge objects: no"
    assert [entry.text for entry in entries(asked.event, state)] == [words]
    assert words in "\n".join(transcript(asked, lambda digest: b""))
    blocks = blocks_of(state, lambda digest: b"", Ledger.of(state.envelopes), None)
    assert any("the frontier plans again, because: the judge objects: no" in str(block) for block in blocks)


def test_new_steps_have_names_of_their_own_and_need_each_other():
    kept = edit("r1.1", "a.py", needs=("gone",))
    again = Again(1, "", (), (kept,), frozenset({"r1.1", "x"}), "make check")
    plan = again.joined(Plan((edit("1", "b.py"), edit("2", "c.py", needs=("1",)))))
    assert [(step.id, step.needs) for step in plan.steps] == [("r1.1", ()), ("r1.1.r", ()), ("r1.2", ("r1.1.r",))]
    assert plan.check == "make check"


def test_a_name_stays_short_enough_for_an_id():
    taken = {"x" * 40}
    assert fresh_id("y" + "x" * 60, taken) == f"{'x' * 38}.r"


def test_what_is_done_need_not_fit_the_tree_any_more():
    plan = still_open(Plan((TAX, edit("rate", "shop.py", needs=("tax",)))), {"tax"})
    assert [(step.id, step.needs) for step in plan.steps] == [("rate", ())]


async def test_a_cap_that_leaves_no_room_for_the_tree_ends_the_task_as_it_was(workspace: Path):
    it = judged(workspace, "bad The rate is still 3.", **{"limits.step_input_tokens": 60})
    assert (await it.run()).code == ExitCode.VERIFICATION_FAILED
    assert any("there is no other plan" in one.text for one in events(it, NoticeGiven))
