import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from hybridcode.config.layers import Origin
from hybridcode.config.load import Loaded
from hybridcode.domain.action import Applied, Approve, Decision, Proposal
from hybridcode.domain.errors import ConfigError
from hybridcode.domain.events import ModeChanged, PlanDecided
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan
from hybridcode.gate.sandbox import Sandbox
from hybridcode.journal.approvals import Approvals
from hybridcode.session.modes import MODES, SWITCHABLE, checked_mode, mode_at_start, next_mode
from hybridcode.session.session import Session, SessionOptions
from hybridcode.session.state import SessionState
from tests.support.repos import git_repository
from tests.support.sessions import Scene, edit, fence, loaded_for, planning

ME = "person:test"
TWO = Plan((edit("1", "a.py#X"), edit("2", "b.py#Y", needs=("1",))))


@dataclass
class Desk:
    session: Session | None = None
    switches: list[str] = field(default_factory=list[str])
    asked: list[Proposal] = field(default_factory=list[Proposal])

    def __call__(self, approvals: Approvals, sandbox: Sandbox) -> "Desk":
        return self

    async def decide(self, proposal: Proposal) -> Decision:
        self.asked.append(proposal)
        assert self.session is not None
        if self.switches:
            self.session.switch_mode(self.switches.pop(0), by=ME)
        return Approve(proposal.digest, ME)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "ws", {"a.py": "X = 1\n", "b.py": "Y = 1\n"})


def scene(workspace: Path, desk: Desk, **settings: object) -> Scene:
    it = Scene(workspace, make_approver=desk)
    it.settings = {name.replace("__", "."): value for name, value in settings.items()}
    it.frontier, it.local = planning(TWO), {"draft": [fence("X = 2"), fence("Y = 2")]}
    desk.session = it.open()
    return it


def changes(session: Session) -> list[ModeChanged]:
    return [e.event for e in session.state.envelopes if isinstance(e.event, ModeChanged)]


def test_the_keys_go_round_three_modes_and_never_reach_bypass_or_dont_ask():
    assert [next_mode(mode) for mode in ("default", "acceptEdits", "plan")] == ["acceptEdits", "plan", "default"]
    assert {next_mode(mode) for mode in MODES} == {"default", "acceptEdits", "plan"}
    assert (next_mode("bypass"), next_mode("dontAsk")) == ("default", "default")


@pytest.mark.parametrize(("name", "said"), [("bypass", "--unsafe"), ("yolo", "acceptEdits, plan")])
def test_no_command_switches_to_bypass_or_to_what_there_is_not(workspace: Path, name: str, said: str):
    with pytest.raises(ConfigError) as refused:
        checked_mode(name, loaded_for(workspace))
    assert said in refused.value.advice


def managed(loaded: Loaded) -> Loaded:
    return msgspec.structs.replace(loaded, origin={**loaded.origin, "approval.mode": Origin("managed")})


def test_what_an_administrator_set_can_only_be_tightened(workspace: Path):
    loaded = managed(loaded_for(workspace))
    assert checked_mode("plan", loaded) == "plan"
    assert checked_mode("default", loaded) == "default"
    with pytest.raises(ConfigError, match="administrator"):
        checked_mode("acceptEdits", loaded)


async def test_a_switch_counts_from_the_next_judgement_and_what_is_asked_stays_asked(workspace: Path):
    desk = Desk(switches=["acceptEdits"])
    session = scene(workspace, desk).session
    assert session is not None
    try:
        outcome = await session.run("do it")
        assert [proposal.step for proposal in desk.asked if proposal.step in "12"] == ["1"]
        assert [view.receipt for view in session.state.proposals.values() if isinstance(view.receipt, Applied)]
        assert (workspace / "b.py").read_text() == "Y = 2\n", outcome.message
        assert changes(session) == [ModeChanged("acceptEdits", ME)]
        assert (session.state.mode, session.mode) == ("acceptEdits", "acceptEdits")
    finally:
        await session.close()


async def test_plan_mode_while_steps_run_stops_before_the_next_effect_and_the_task_goes_on_later(workspace: Path):
    desk = Desk()
    it = scene(workspace, desk)
    session = it.session
    assert session is not None

    def switched(envelope: object) -> None:
        if (workspace / "a.py").read_text() == "X = 2\n" and session.mode == "default" and not changes(session):
            session.switch_mode("plan", by=ME)

    session.subscribe(switched)
    try:
        outcome = await session.run("do it")
        assert (outcome.code, (workspace / "b.py").read_text()) == (ExitCode.INTERRUPTED, "Y = 1\n")
        assert "plan mode" in outcome.message
        session.switch_mode("default", by=ME)
        await session.resume()
        assert (workspace / "b.py").read_text() == "Y = 2\n"
    finally:
        await session.close()


@dataclass
class AtThePlan:
    desk: Desk
    mode: str

    async def decide_plan(self, plan: Plan) -> Plan | None:
        assert self.desk.session is not None
        await asyncio.sleep(0)
        if self.mode:
            self.desk.session.switch_mode(self.mode, by=ME)
        return plan


@pytest.mark.parametrize(
    ("mode", "written", "said"), [("default", "X = 2\n", ""), ("", "X = 1\n", "plan mode: 2 steps")]
)
async def test_a_plan_of_plan_mode_is_followed_once_the_mode_is_another(
    workspace: Path, mode: str, written: str, said: str
):
    desk = Desk()
    it = scene(workspace, desk, approval__mode="plan")
    assert it.session is not None
    await it.session.close()
    options = SessionOptions(
        workspace=workspace,
        loaded=loaded_for(workspace, approval__mode="plan"),
        make_approver=desk,
        plan_approver=AtThePlan(desk, mode),
        make_models=it.session.options.make_models,
    )
    desk.session = session = Session.open(options)
    try:
        outcome = await session.run("do it")
        assert (outcome.code, (workspace / "a.py").read_text()) == (ExitCode.DONE, written), outcome.message
        assert said in outcome.message
        assert any(isinstance(e.event, PlanDecided) for e in session.state.envelopes) == bool(mode)
    finally:
        await session.close()


async def test_the_mode_is_kept_on_resume_unless_the_start_says_otherwise(workspace: Path):
    it = scene(workspace, Desk())
    assert it.session is not None
    it.session.switch_mode("acceptEdits", by=ME)
    await it.session.close()
    again = it.open(it.session.id)
    assert (again.mode, again.gate.policy.mode) == ("acceptEdits", "acceptEdits")
    assert len(changes(again)) == 1
    await again.close()
    it.settings = {"approval.mode": "plan"}
    strict = it.open(again.id)
    assert (strict.mode, changes(strict)[-1]) == ("plan", ModeChanged("plan", "start"))
    await strict.close()
    it.settings = {}
    assert it.open(again.id).mode == "default", "what a start said holds for that start"
    await it.session.close()


def test_a_session_of_before_there_were_modes_begins_in_the_mode_of_the_settings(workspace: Path):
    assert mode_at_start(loaded_for(workspace), SessionState()) == "default"
    assert "bypass" not in SWITCHABLE
