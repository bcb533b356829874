import asyncio
from pathlib import Path

import pytest

from hybridcode.domain.action import Approve, Ran, Reject
from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import EffectStarted, Envelope, ModelAsked, RungTaken
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Step
from hybridcode.gate.approvers import PolicyOnly, Refuse, Scripted, yes
from hybridcode.gate.undo import undo
from hybridcode.journal.approvals import Approvals
from hybridcode.session.state import SessionState
from tests.support.repos import git_repository
from tests.support.sessions import Scene, as_json, edit, fence, planning

FILES = {"a.py": "X = 1\n", "b.py": "Y = 1\n", "ok.py": "print('ok')\n"}
NOBODY = {"routing.frontier_hints": 0, "routing.frontier_tries": 0}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return git_repository(tmp_path / "shop", FILES)


def held(workspace: Path, *steps: Step, drafts: list[str], **more: object) -> Scene:
    it = Scene(workspace, planning(Plan(steps)), {"draft": drafts}, settings={**NOBODY, **more})
    it.make_approver = lambda approvals, sandbox: Refuse()
    return it


def later(workspace: Path, *drafts: str, **more: object) -> Scene:
    return Scene(workspace, {"judge": ["good"]}, {"draft": list(drafts)}, settings={**NOBODY, **more})


def state_of(scene: Scene) -> SessionState:
    assert scene.session is not None
    return scene.session.state


def answer(scene: Scene, *, approve: bool, reason: str = "") -> None:
    """What another terminal does while no run is active."""
    state = state_of(scene)
    session = scene.open(state.session)
    (waiting,) = state.waiting
    proposal = waiting.proposal
    rows = Approvals(session.journal)
    decision = Approve(proposal.digest, "person:terminal") if approve else Reject(reason, "person:terminal")
    assert rows.answer(proposal.id, decision)
    session.journal.close()


async def test_a_later_task_is_not_mixed_up_with_an_earlier_one_of_the_same_step_ids(workspace: Path):
    first = Scene(workspace, {}, {"draft": [fence("X = 2")]}, settings=NOBODY)
    one, two = Plan((edit("1", "a.py#X"),)), Plan((edit("1", "b.py#Y"),))
    first.frontier = {"plan": [as_json(one), as_json(two)], "judge": ["good"]}
    session = first.open()
    assert (await session.run("one")).code == ExitCode.DONE
    assert (await session.run("two")).code == ExitCode.MODEL_UNAVAILABLE
    await session.close()

    second = later(workspace, fence("Y = 2"))
    outcome = await second.resume(session.id)
    assert (outcome.code, outcome.files) == (ExitCode.DONE, ("b.py",))
    assert second.read("b.py") == "Y = 2\n"


async def test_an_approval_from_another_terminal_is_carried_out_without_a_new_draft(workspace: Path):
    it = held(workspace, edit("1", "a.py#X"), drafts=[fence("X = 2")])
    assert (await it.run()).code == ExitCode.APPROVAL_PENDING
    answer(it, approve=True)
    again = later(workspace)
    assert (await again.resume(state_of(it).session)).code == ExitCode.DONE
    assert again.read("a.py") == "X = 2\n"


async def test_a_rejection_from_another_terminal_reaches_the_next_draft(workspace: Path):
    it = held(workspace, edit("1", "a.py#X"), drafts=[fence("X = 2")])
    assert (await it.run()).code == ExitCode.APPROVAL_PENDING
    answer(it, approve=False, reason="use SEVEN")
    again = later(workspace, fence("X = 7"))
    outcome = await again.resume(state_of(it).session)
    assert outcome.code == ExitCode.DONE, outcome.message
    assert again.read("a.py") == "X = 7\n"
    asked = [e.event for e in state_of(again).envelopes if isinstance(e.event, ModelAsked) and e.event.role == "draft"]
    assert again.session is not None
    prompt = again.open(state_of(it).session).log.get_blob(asked[-1].prompt_sha256).decode()
    assert "use SEVEN" in prompt


async def test_a_rejection_without_a_reason_is_final(workspace: Path):
    it = held(workspace, edit("1", "a.py#X"), drafts=[fence("X = 2")])
    assert (await it.run()).code == ExitCode.APPROVAL_PENDING
    answer(it, approve=False)
    again = later(workspace)
    assert (await again.resume(state_of(it).session)).code == ExitCode.DENIED
    assert again.read("a.py") == FILES["a.py"]


async def test_an_approved_step_check_proves_the_step_and_nothing_is_drafted_again(workspace: Path):
    step = edit("1", "a.py#X", check="python3 ok.py")
    it = held(workspace, step, drafts=[fence("X = 2")], **{"approval.mode": "acceptEdits"})
    assert (await it.run()).code == ExitCode.APPROVAL_PENDING
    assert it.read("a.py") == "X = 2\n"
    answer(it, approve=True)
    again = later(workspace)
    outcome = await again.resume(state_of(it).session)
    assert outcome.code == ExitCode.DONE, outcome.message
    assert len([e for e in state_of(again).envelopes if isinstance(e.event, RungTaken)]) == 1


async def test_two_checks_that_need_approval_end_after_two_answers(workspace: Path):
    settings = {"approval.mode": "acceptEdits"}
    it = held(workspace, edit("1", "a.py#X"), drafts=[fence("X = 2")], **settings)
    it.frontier = planning(Plan((edit("1", "a.py#X"),), check="python3 ok.py"))
    assert (await it.run()).code == ExitCode.APPROVAL_PENDING
    answer(it, approve=True)
    again = later(workspace, **settings)
    assert (await again.resume(state_of(it).session)).code == ExitCode.DONE
    runs = [v for v in state_of(again).proposals.values() if isinstance(v.receipt, Ran)]
    assert len(runs) == 1


async def test_a_proof_is_void_after_another_command_ran(workspace: Path):
    (workspace / "break.py").write_text("open('ok.py', 'w').write('raise SystemExit(1)')\n")
    steps = (
        Step("prove", "prove it", kind="command", command="python3 ok.py"),
        Step("break", "break it", kind="command", command="python3 break.py", needs=("prove",)),
    )
    it = Scene(workspace, planning(Plan(steps, check="python3 ok.py")), {}, settings=NOBODY)
    it.make_approver = lambda approvals, sandbox: PolicyOnly(is_sandboxed=True)  # as with --no-sandbox
    assert (await it.run()).code == ExitCode.VERIFICATION_FAILED


async def test_undo_opens_a_step_again(workspace: Path):
    it = Scene(workspace, {}, {"draft": [fence("X = 2")]}, settings=NOBODY)
    it.frontier = planning(Plan((edit("1", "a.py#X"), edit("2", "b.py#Y", needs=("1",)))))
    assert (await it.run()).code == ExitCode.MODEL_UNAVAILABLE
    session = it.open(state_of(it).session)
    assert (await undo(session.log, session.gate)).restored == ("a.py",)
    await session.close()
    again = later(workspace, fence("X = 3"), fence("Y = 3"))
    assert (await again.resume(session.id)).files == ("a.py", "b.py")
    assert (again.read("a.py"), again.read("b.py")) == ("X = 3\n", "Y = 3\n")


async def test_a_command_that_was_stopped_is_only_run_again_by_a_person(workspace: Path):
    step = Step("slow", "wait", kind="command", command="sleep 30")
    it = Scene(workspace, planning(Plan((step,))), {}, settings=NOBODY)
    session = it.open()

    def stop(envelope: Envelope) -> None:
        if isinstance(envelope.event, EffectStarted):
            session.interrupt("test")

    session.subscribe(stop)
    assert (await session.run("wait")).code == ExitCode.INTERRUPTED
    await session.close()

    headless = later(workspace)
    assert (await headless.resume(session.id)).code == ExitCode.APPROVAL_PENDING
    person = later(workspace, **{"approval.timeout_s": 1})
    person.make_approver = lambda approvals, sandbox: Scripted([yes])
    outcome = await person.resume(session.id)
    assert outcome.code == ExitCode.VERIFICATION_FAILED
    assert "slow" in outcome.message


async def test_resuming_a_task_that_was_denied_is_still_denied(workspace: Path):
    it = Scene(workspace, planning(Plan((edit("1", "a.py#X"),))), {"draft": [fence("X = 2")]})
    it.settings = {**NOBODY, "approval.deny": ("Edit(a.py)",)}
    assert (await it.run()).code == ExitCode.DENIED
    assert (await later(workspace).resume(state_of(it).session)).code == ExitCode.DENIED


async def test_only_one_task_runs_at_a_time(workspace: Path):
    step = Step("slow", "wait", kind="command", command="sleep 30")
    it = Scene(workspace, planning(Plan((step,))), {}, settings=NOBODY)
    session = it.open()
    running = asyncio.create_task(session.run("wait"))
    await asyncio.sleep(0)
    with pytest.raises(HybridcodeError, match="A task is running"):
        await session.run("another")
    session.interrupt("test")
    assert (await running).code == ExitCode.INTERRUPTED
    await session.close()


async def test_a_session_that_runs_elsewhere_cannot_be_taken_up(workspace: Path):
    it = held(workspace, edit("1", "a.py#X"), drafts=[fence("X = 2")])
    session = it.open()
    await session.run("one")
    with pytest.raises(HybridcodeError, match="in use"):
        later(workspace).open(session.id)
    await session.close()
    later(workspace).open(session.id).journal.close()
