from pathlib import Path

import pytest

from hybridcode.agent.distil import frames
from hybridcode.cli.transcript import transcript
from hybridcode.domain.action import ChangeSet
from hybridcode.domain.events import CheckRan, ModelAsked, ProposalMade, StepMoved
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan
from hybridcode.gate.approvers import Refuse
from hybridcode.gate.sandbox import probe
from hybridcode.tui.story import entries
from tests.support.sessions import Scene, planning, requests_of
from tests.unit.agent.scenarios.together import ALLOWED, CHECK, FILES, STEPS, rate, total

pytestmark = pytest.mark.skipif(probe().kind == "none", reason="this machine has no sandbox")


def scene(workspace: Path, *drafts: str, first: str = "2") -> Scene:
    workspace.mkdir()
    for path, text in FILES.items():
        (workspace / path).write_text(text)
    local = {"draft:tax": rate(first), "draft:total": list(drafts)}
    return Scene(workspace, planning(Plan(STEPS)), local, settings=ALLOWED)


def checks_of(it: Scene) -> list[tuple[str | None, str, bool]]:
    assert it.session is not None
    events = [one.event for one in it.session.state.envelopes]
    return [(event.step, event.where, event.passed) for event in events if isinstance(event, CheckRan)]


def proposals_of(it: Scene) -> dict[str, tuple[str, tuple[str, ...]]]:
    assert it.session is not None
    made = [one.event.proposal for one in it.session.state.envelopes if isinstance(one.event, ProposalMade)]
    return {one.step: (one.proven_by, one.notes) for one in made if isinstance(one.action, ChangeSet)}


async def test_what_is_proven_with_all_steps_is_not_run_again_at_the_end(tmp_path: Path):
    it = scene(tmp_path / "shop", *total("3"))
    assert (await it.run()).code == ExitCode.DONE
    assert checks_of(it) == [("total", "scratch", True)]
    assert proposals_of(it) == {"tax": ("", ()), "total": (CHECK, ())}


async def test_the_judge_is_told_what_a_check_said_that_is_not_run_again(tmp_path: Path):
    it = scene(tmp_path / "shop", *total("3"))
    with (tmp_path / "shop" / "check.py").open("a") as file:
        file.write("print('2 of 2 fine')\n")
    assert (await it.run()).code == ExitCode.DONE
    assert it.session is not None
    (told,) = requests_of(it.session, "judge")
    assert f"$ {CHECK}\nexit code 0\n2 of 2 fine\n(already passed on this tree)" in told[-1].content


async def test_drafts_that_wait_are_proven_together(tmp_path: Path):
    it = scene(tmp_path / "shop", *total("4", "3"))
    it.make_approver = lambda approvals, sandbox: Refuse()
    assert (await it.run()).code == ExitCode.APPROVAL_PENDING
    assert checks_of(it) == [("total", "scratch", False), ("total", "scratch", True)]
    assert proposals_of(it)["total"] == (CHECK, (f"`{CHECK}` passed together with the drafts of tax, which wait",))


async def test_a_draft_that_fails_with_all_steps_is_shown_with_that(tmp_path: Path):
    it = scene(tmp_path / "shop", *total("5", "4"))
    assert (await it.run()).code == ExitCode.VERIFICATION_FAILED
    assert proposals_of(it)["total"] == ("", (f"`{CHECK}` failed on all steps of the plan together: exit code 1",))
    assert it.read("shop.py").endswith("return 4\n")


async def test_who_writes_an_earlier_place_again_is_told_why_and_what_for(tmp_path: Path):
    it = scene(tmp_path / "shop", *total("3"), *rate("2"), first="2 // 0")
    assert (await it.run()).code == ExitCode.DONE
    assert it.session is not None
    asked = requests_of(it.session, "draft")[-1][-1].content
    assert "put right what step tax wrote at tax.py#rate: do tax" in asked
    assert "# The failure points to tax.py#rate, which step tax wrote" in asked
    assert "ZeroDivisionError" in asked
    assert "which was not applied, together with the other steps of the plan\n" in asked
    events = [one.event for one in it.session.state.envelopes]
    assert [event.step for event in events if isinstance(event, ModelAsked) and event.role == "draft"] == [
        "tax",
        "total",
        "total",
    ]


async def test_a_place_that_is_taken_in_is_in_the_plan_and_on_every_screen(tmp_path: Path):
    it = scene(tmp_path / "shop", *total("3"), *rate("2"), first="4")
    assert (await it.run()).code == ExitCode.DONE
    assert it.session is not None
    state = it.session.state
    (found,) = (one for one in state.envelopes if isinstance(one.event, StepMoved))
    assert isinstance(found.event, StepMoved)
    assert (found.event.touches, found.event.earlier) == (("shop.py#total", "tax.py#rate"), "tax")
    assert state.tasks[0].plan is not None
    assert state.tasks[0].plan.steps[1].touches == found.event.touches
    assert state.tasks[0].plan.steps[1].goal == found.event.goal
    words = (
        "total is written at shop.py#total, tax.py#rate now, "
        "since the check of all steps together points to what step tax wrote"
    )
    assert [entry.text for entry in entries(found.event, state)] == [words]
    assert words in "\n".join(transcript(found, lambda digest: b""))


def test_places_are_those_of_the_tree_in_their_order():
    output = 'File "/x/shop/tax.py", line 2, in rate\n  shop.py:7: in total\n/usr/lib/other.py:3: x\nshop.py:9\n'
    assert frames(output, {"tax.py", "shop.py"}) == [("tax.py", 2), ("shop.py", 7), ("shop.py", 9)]


async def test_a_place_that_is_taken_in_twice_is_asked_for_once(tmp_path: Path):
    it = scene(tmp_path / "shop", *total("3"), *rate("3", "5", "6"), first="4")
    await it.run()
    assert it.session is not None
    moved = [one.event for one in it.session.state.envelopes if isinstance(one.event, StepMoved)]
    assert [event.goal.count("put right") for event in moved] == [1, 1]
