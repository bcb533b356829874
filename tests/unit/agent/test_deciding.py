import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace

from hybridcode.domain.action import Approve, Decision, Proposal, Reject
from hybridcode.domain.events import NoticeGiven, PlanDecided, PlanMade
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.model import ModelRequest
from hybridcode.domain.plan import Plan, Step
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.models import Models
from hybridcode.tui.waiting import waiting_plan
from tests.support.repos import write_tree
from tests.support.sessions import FRONTIER, LOCAL, Scene, edit, fence, planning

PERSON = "person:script"
Told = TypeVar("Told")
NEW = Step("new", "write it", kind="create", touches=("new.py",))
PLAN = Plan((NEW, edit("a", "a.py#A", needs=("new",)), edit("b", "b.py#B", needs=("a",)), edit("c", "c.py#C")))
REVISED = '{"s": [{"t": "d.py#D", "g": "set it"}]}'


class Declines:
    """A person who says no to step a and yes to the rest."""

    async def decide(self, proposal: Proposal) -> Decision:
        return Reject("", PERSON) if proposal.step == "a" else Approve(proposal.digest, PERSON)


class Person:
    """Answers plans one after the other; where no answer is left, they think."""

    def __init__(self, *answers: Callable[[Plan], Plan | None]) -> None:
        self.asked: list[Plan] = []
        self._answers = list(answers)
        self.thinks = asyncio.Event()

    async def decide_plan(self, plan: Plan) -> Plan | None:
        self.asked.append(plan)
        if not self._answers:
            self.thinks.set()
            await asyncio.Event().wait()
        return self._answers.pop(0)(plan)


def as_it_is(plan: Plan) -> Plan:
    return plan


def refused(plan: Plan) -> None:
    return None


def writes(request: ModelRequest) -> str:
    name = {"a.1": "d", "new": "new"}.get(request.step or "", request.step or "")
    return fence(f"{name.upper()} = 2")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "shop", {f"{name}.py": f"{name.upper()} = 1\n" for name in "abcd"})


def scene(workspace: Path, person: Person) -> Scene:
    models = Models(ScriptedModel(FRONTIER, planning(PLAN, revise=[REVISED])), ScriptedModel(LOCAL, writes))
    it = Scene(workspace, models=models, settings={"limits.max_pending": 1}, plan_approver=person)
    it.make_approver = lambda approvals, sandbox: Declines()
    return it


def statuses(it: Scene) -> dict[str, str]:
    assert it.session is not None
    return {name: view.status for name, view in it.session.state.tasks[0].steps.items()}


def events(it: Scene, kind: type[Told]) -> list[Told]:
    assert it.session is not None
    return [one.event for one in it.session.state.envelopes if isinstance(one.event, kind)]


async def test_whoever_was_asked_about_the_plan_is_asked_about_the_revised_one(workspace: Path):
    person = Person(as_it_is, as_it_is)
    it = scene(workspace, person)
    assert (await it.run()).code == ExitCode.DENIED
    assert [[step.id for step in plan.steps] for plan in person.asked] == [
        ["new", "a", "b", "c"],
        ["new", "a", "c", "a.1"],
    ]
    assert statuses(it) == {"new": "done", "a": "declined", "c": "done", "a.1": "done"}


async def test_a_no_leaves_the_plan_as_it_was_and_the_rest_goes_on(workspace: Path):
    it = scene(workspace, Person(as_it_is, refused))
    assert (await it.run()).code == ExitCode.DENIED
    assert statuses(it) == {"new": "done", "a": "declined", "b": "waiting", "c": "done"}
    assert [(made.source, len(made.plan.steps)) for made in events(it, PlanMade)][-1] == ("person", 4)
    assert events(it, PlanDecided)[-1] == PlanDecided(True, "person", "the new steps were declined")
    assert (workspace / "d.py").read_text() == "D = 1\n"


async def test_an_edit_may_not_touch_what_has_begun(workspace: Path):
    def without_new(plan: Plan) -> Plan:
        return replace(plan, steps=plan.steps[1:])

    def reworded(plan: Plan) -> Plan:
        steps = (*PLAN.steps[:2], PLAN.steps[3], edit("a.1", "d.py#D"))
        return replace(plan, steps=steps)

    person = Person(as_it_is, without_new, reworded)
    it = scene(workspace, person)
    assert (await it.run()).code == ExitCode.DENIED
    (said,) = [event.text for event in events(it, NoticeGiven) if "cannot be followed" in event.text]
    assert said == "the plan cannot be followed: step new has begun and stays as it was"
    assert statuses(it)["a.1"] == "done"


async def test_a_revised_plan_that_nobody_answered_waits_and_is_asked_anew_on_resume(workspace: Path):
    person = Person(as_it_is)
    it = scene(workspace, person)
    running = asyncio.create_task(it.run())
    await asyncio.wait_for(person.thinks.wait(), 20)
    assert it.session is not None
    waiting = waiting_plan(it.session.state, "default")
    assert waiting is not None and waiting.is_revised
    assert (workspace / "new.py").exists()
    it.session.interrupt("you")
    assert (await running).code == ExitCode.INTERRUPTED
    again = scene(workspace, Person(as_it_is))
    assert (await again.resume(it.session.id)).code == ExitCode.DENIED
    assert statuses(again) == {"new": "done", "a": "declined", "c": "done", "a.1": "done"}
