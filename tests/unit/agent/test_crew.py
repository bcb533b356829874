import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridcode.domain.action import ShellCommand
from hybridcode.domain.events import (
    CheckRan,
    EffectFinished,
    EffectStarted,
    Event,
    ModelAnswered,
    ModelAsked,
    PlanRevised,
    ProposalMade,
    RungTaken,
    StepEnded,
    StepStarted,
)
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.model import ModelRequest
from hybridcode.domain.plan import Plan, Step
from hybridcode.gate.approvers import PolicyOnly, Refuse
from hybridcode.gate.sandbox import probe
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.models import Models
from tests.support.crews import NAMES, STEPS, Stage, made, writes
from tests.support.sessions import FRONTIER, LOCAL, Scene, edit, fence, planning

sandboxed = pytest.mark.skipif(probe().kind == "none", reason="this machine has no sandbox")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return made(tmp_path / "shop")


def most_at_once(events: Sequence[Event], backend: str = "local") -> int:
    at_once, most = set[str](), 0
    for event in events:
        match event:
            case ModelAsked(call_id=name, backend=found, role="draft") if found == backend:
                at_once.add(name)
            case ModelAnswered(call_id=name):
                at_once.discard(name)
            case _:
                pass
        most = max(most, len(at_once))
    return most


async def test_the_next_steps_are_drafted_while_the_first_one_waits_for_a_person(workspace: Path):
    it = Stage(workspace)
    running = asyncio.create_task(it.scene.run())
    await it.desk.sees("a", "b", "c")
    assert (workspace / "a.py").read_text() == "A = 1\n"
    started = [event for event in it.events if isinstance(event, StepStarted)]
    assert [(event.step, event.ahead_of) for event in started] == [("a", ()), ("b", ("a",)), ("c", ("a", "b"))]
    assert {bool(event.tree) for event in started[1:]} == {True} and not started[0].tree
    it.desk.yes("b")
    await it.desk.sees("a", "b", "c", "d")
    for name in "acd":
        it.desk.yes(name)
    assert (await running).code == ExitCode.DONE
    assert most_at_once(it.events) == 1
    assert [(workspace / f"{name}.py").read_text() for name in NAMES] == [f"{n.upper()} = 2\n" for n in NAMES]


async def test_with_one_pending_at_most_steps_come_one_after_the_other(workspace: Path):
    it = Stage(workspace, limits__max_pending=1)
    running = asyncio.create_task(it.scene.run())
    for place, name in enumerate(NAMES, 1):
        await it.desk.sees(*NAMES[:place])
        await asyncio.sleep(0.02)
        assert len(it.desk.asked) == place
        it.desk.yes(name)
    assert (await running).code == ExitCode.DONE


async def test_proposals_come_in_the_order_of_the_plan_whoever_is_faster(workspace: Path):
    it = Stage(workspace, STEPS[:3], capacity=3)

    def slow_first(request: ModelRequest) -> str:
        return fence("A = 2" + "\n" * 400) if request.step == "a" else writes(request)

    local = ScriptedModel(msgspec.structs.replace(LOCAL, capacity=3), slow_first, piece_s=0.003)
    assert it.scene.models is not None
    it.scene.models = Models(it.scene.models.frontier, local)
    running = asyncio.create_task(it.scene.run())
    await it.desk.sees("a", "b", "c")
    assert [proposal.step for proposal in it.desk.asked] == ["a", "b", "c"]
    answered = [e.call_id for e in it.events if isinstance(e, ModelAnswered)]
    asked = {e.call_id: e.step for e in it.events if isinstance(e, ModelAsked)}
    assert [asked[name] for name in answered if asked[name]][-1] == "a"
    for name in "abc":
        it.desk.yes(name)
    await running


async def test_a_pool_writes_as_many_steps_at_once_as_it_has_servers(workspace: Path):
    it = Stage(workspace, capacity=2, piece_s=0.5, limits__max_pending=4)
    it.scene.make_approver = lambda approvals, sandbox: PolicyOnly(is_sandboxed=True)
    outcome = await it.scene.run()
    assert outcome.code == ExitCode.DONE, outcome.message
    assert most_at_once(it.events) == 2


async def test_with_yes_and_one_model_nothing_is_drafted_ahead(workspace: Path):
    it = Stage(workspace, piece_s=0.002)
    it.scene.make_approver = lambda approvals, sandbox: PolicyOnly(is_sandboxed=True)
    assert (await it.scene.run()).code == ExitCode.DONE
    order = [(type(e).__name__, e.step) for e in it.events if isinstance(e, StepStarted | StepEnded)]
    assert order == [(kind, name) for name in NAMES for kind in ("StepStarted", "StepEnded")]


@sandboxed
async def test_one_step_at_a_time_changes_the_workspace_and_checks_it(workspace: Path):
    steps = [msgspec.structs.replace(step, check=f"grep -q 2 {step.id}.py") for step in STEPS]
    rules = tuple(f"Bash(={step.check})" for step in steps)
    it = Stage(workspace, steps, verify__scratch="off", approval__allow=rules, limits__max_pending=4)
    running = asyncio.create_task(it.scene.run())
    await it.desk.sees(*NAMES)
    for name in reversed(NAMES):
        it.desk.yes(name)
    assert (await running).code == ExitCode.DONE
    assert not overlapping(it.events)


def overlapping(events: Sequence[Event]) -> list[str]:
    """Steps that changed the workspace between another one's change and the end of its check."""
    step_of = {e.proposal.id: e.proposal.step for e in events if isinstance(e, ProposalMade)}
    busy, found = "", list[str]()
    for event in events:
        match event:
            case EffectStarted(proposal=name):
                if busy not in ("", step_of[name]):
                    found.append(step_of[name])
                busy = step_of[name]
            case StepEnded(step=name) if name == busy:
                busy = ""
            case _:
                pass
    return found


@sandboxed
async def test_what_was_proven_on_an_older_tree_is_proven_again_before_it_is_applied(workspace: Path):
    check = "grep -q 2 b.py"
    steps = [STEPS[0], msgspec.structs.replace(STEPS[1], check=check)]
    it = Stage(workspace, steps, capacity=2, approval__allow=(f"Bash(={check})",))
    it.scene.make_approver = lambda approvals, sandbox: PolicyOnly(is_sandboxed=True)
    assert (await it.scene.run()).code == ExitCode.DONE
    proposals = [e.proposal for e in it.events if isinstance(e, ProposalMade)]
    trees = [p.action.tree for p in proposals if isinstance(p.action, ShellCommand) and p.action.tree]
    assert trees and len(trees) == len(set(trees))
    applied = [e for e in it.events if isinstance(e, EffectFinished)]
    assert applied
    assert {e.where for e in it.events if isinstance(e, CheckRan)} == {"scratch"}


async def test_esc_ends_all_and_a_resumed_run_takes_every_proposal_up_again(workspace: Path):
    it = Stage(workspace)
    running = asyncio.create_task(it.scene.run())
    await it.desk.sees("a", "b", "c")
    assert it.scene.session is not None
    it.scene.session.interrupt("Esc")
    assert (await running).code == ExitCode.INTERRUPTED
    assert len(it.state.waiting) == 3
    assert not [e for e in it.events if isinstance(e, StepEnded)]

    again = Stage(workspace)
    resumed = asyncio.create_task(again.scene.resume(it.state.session))
    await again.desk.sees("a", "b", "c")
    assert {p.id for p in again.desk.asked} == {p.id for p in it.desk.asked}
    again.desk.yes("a")
    await again.desk.sees("a", "b", "c", "d")
    for name in "bcd":
        again.desk.yes(name)
    assert (await resumed).code == ExitCode.DONE
    assert len([e for e in again.events if isinstance(e, RungTaken)]) == 4


async def test_nobody_there_leaves_all_of_them_for_another_terminal(workspace: Path):
    it = Stage(workspace)
    it.scene.make_approver = lambda approvals, sandbox: Refuse()
    assert (await it.scene.run()).code == ExitCode.APPROVAL_PENDING
    assert [view.proposal.step for view in it.state.waiting] == ["a", "b", "c"]
    again = Stage(workspace)
    again.scene.make_approver = lambda approvals, sandbox: PolicyOnly(is_sandboxed=True)
    assert (await again.scene.resume(it.state.session)).code == ExitCode.DONE
    assert (workspace / "d.py").read_text() == "D = 2\n"


async def test_a_crash_in_one_ends_the_others_and_says_so(workspace: Path):
    it = Stage(workspace)

    def crashes(request: ModelRequest) -> str:
        if request.step == "c":
            raise ZeroDivisionError("a bug")
        return writes(request)

    assert it.scene.models is not None
    it.scene.models = Models(it.scene.models.frontier, ScriptedModel(LOCAL, crashes))
    outcome = await it.scene.run()
    assert outcome.code == ExitCode.INTERNAL
    ends = {e.step: e.outcome for e in it.events if isinstance(e, StepEnded)}
    assert ends == {"a": "interrupted", "b": "interrupted"}
    assert len(it.state.waiting) == 2


async def test_a_model_that_fails_ahead_ends_the_run_only_after_the_steps_before(workspace: Path):
    nobody = {"routing.frontier_hints": 0, "routing.frontier_tries": 0}
    it = Stage(workspace, STEPS[:3], **nobody)
    local = ScriptedModel(LOCAL, {"draft:a": [fence("A = 2")], "draft:c": [fence("C = 2")]})
    assert it.scene.models is not None
    it.scene.models = Models(it.scene.models.frontier, local)
    running = asyncio.create_task(it.scene.run())
    await it.desk.sees("a")
    await asyncio.sleep(0.05)
    assert not running.done()
    it.desk.yes("a")
    assert (await running).code == ExitCode.MODEL_UNAVAILABLE
    assert (workspace / "a.py").read_text() == "A = 2\n"


async def test_a_model_that_fails_ahead_of_what_waits_for_another_terminal_does_not_hide_that(workspace: Path):
    it = Stage(workspace, STEPS[:2])
    it.scene.make_approver = lambda approvals, sandbox: Refuse()
    assert it.scene.models is not None
    it.scene.models = Models(it.scene.models.frontier, ScriptedModel(LOCAL, {"draft:a": [fence("A = 2")]}))
    outcome = await it.scene.run()
    assert outcome.code == ExitCode.APPROVAL_PENDING
    assert [view.proposal.step for view in it.state.waiting] == ["a"]


def with_another_plan(workspace: Path, *, piece_s: float = 0.0) -> Stage:
    """Without `a`, which `b` needs, the frontier sets `d`."""
    steps = (STEPS[0], msgspec.structs.replace(STEPS[1], needs=("a",)), STEPS[2])
    it = Stage(workspace, steps)
    plan = planning(Plan(steps), revise=['{"s": [{"t": "d.py#D", "g": "set it"}]}'])

    def rule(request: ModelRequest) -> str:
        return fence("D = 2") if request.step == "a.1" else writes(request)

    it.scene.models = Models(ScriptedModel(FRONTIER, plan, piece_s=piece_s), ScriptedModel(LOCAL, rule))
    return it


async def test_a_declined_step_is_planned_around_once_while_others_wait(workspace: Path):
    it = with_another_plan(workspace)
    running = asyncio.create_task(it.scene.run())
    await it.desk.sees("a", "c")
    it.desk.no("a")
    await it.desk.sees("a", "c", "a.1")
    it.desk.yes("c")
    it.desk.yes("a.1")
    outcome = await running
    assert outcome.code == ExitCode.DENIED
    assert [(e.step, e.dropped) for e in it.events if isinstance(e, PlanRevised)] == [("a", ("b",))]
    statuses = {name: view.status for name, view in it.state.tasks[0].steps.items()}
    assert statuses == {"a": "declined", "c": "done", "a.1": "done"}
    asked = next(e for e in it.events if isinstance(e, ModelAsked) and e.role == "revise")
    assert asked.prompt_bytes < 12_000


async def test_a_step_that_ends_while_others_are_planned_anew_is_done_once(workspace: Path):
    it = with_another_plan(workspace, piece_s=0.1)
    running = asyncio.create_task(it.scene.run())
    await it.desk.sees("a", "c")
    it.desk.no("a")
    it.desk.yes("c")
    await it.desk.sees("a", "c", "a.1")
    it.desk.yes("a.1")
    await running
    assert [event.step for event in it.events if isinstance(event, StepStarted)] == ["a", "c", "a.1"]


async def test_what_the_frontier_is_shown_of_a_step_stays_under_its_cap_whatever_happens(workspace: Path):
    (workspace / "a.py").write_text("A = 1\n" + "".join(f"# line {n} of many that fill a window\n" for n in range(900)))
    step = edit("a", "a.py#L1-1")
    it = Stage(workspace, [step], limits__step_input_tokens=6_000, routing__local_tries=9, routing__frontier_hints=9)
    tries = iter(range(1_000))
    plan = planning(Plan((step,)))

    def refuses(request: ModelRequest) -> str:
        if request.role in ("plan", "judge"):
            return str(plan[request.role][0])
        return f"I cannot do that, for reason {next(tries)}. " + "x" * 2_000

    it.scene.models = Models(ScriptedModel(FRONTIER, refuses), ScriptedModel(LOCAL, refuses))
    it.scene.settings = {**it.scene.settings, "routing.frontier_tries": 9}
    outcome = await it.scene.run()
    assert outcome.code == ExitCode.VERIFICATION_FAILED
    asked = [e for e in it.events if isinstance(e, ModelAsked) and e.step == "a"]
    shown = sum(e.prompt_bytes for e in asked if e.backend == "frontier")
    assert 4_000 * 4 < shown <= 6_000 * 4
    assert len([e for e in asked if e.backend == "local"]) > 9


PLANS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sets(st.integers(0, 6), max_size=2), st.booleans()), min_size=1, max_size=7
)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=PLANS)
async def test_side_by_side_gives_the_bytes_of_one_after_the_other(
    rows: list[tuple[str, set[int], bool]], tmp_path_factory: pytest.TempPathFactory
):
    steps = [
        Step(
            str(place),
            f"append {place}",
            touches=(f"{name}.py",),
            needs=tuple(str(need) for need in sorted(needs) if need < place),
            reads=(f"{NAMES[place % 4]}.py",) if reads else (),
        )
        for place, (name, needs, reads) in enumerate(rows)
    ]
    trees: list[tuple[dict[str, str], list[tuple[str, str]]]] = []
    for capacity, pending in ((1, 1), (3, 4)):
        folder = made(tmp_path_factory.mktemp("run") / "shop")
        models = Models(
            ScriptedModel(FRONTIER, planning(Plan(tuple(steps)))),
            ScriptedModel(msgspec.structs.replace(LOCAL, capacity=capacity), appends),
        )
        scene = Scene(folder, models=models, settings={"limits.max_pending": pending, "routing.judge": "never"})
        await scene.run()
        assert scene.session is not None
        events = [one.event for one in scene.session.state.envelopes]
        rungs = sorted((event.step, event.rung) for event in events if isinstance(event, RungTaken))
        trees.append(({name: (folder / f"{name}.py").read_text() for name in NAMES}, rungs))
    assert trees[0] == trees[1]


def appends(request: ModelRequest) -> str:
    """A model that adds a line with its step's name to the file it is shown."""
    shown = re.findall(r"```\w*\n(.*?)\n?```", request.messages[-1].content, re.DOTALL)
    return fence(f"{shown[-1]}\nSTEP_{request.step} = 1" if shown else f"STEP_{request.step} = 1")
