import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from hybridcode.agent.lanes import Lanes
from hybridcode.agent.run import Outcome
from hybridcode.domain.action import Amend, Applied, Approve, ChangeSet, Decision, Proposal, Reject
from hybridcode.domain.events import EffectFinished, ModelAsked, ProposalMade, RepairAsked, RungTaken
from hybridcode.domain.plan import Plan
from hybridcode.gate.approvers import Refuse
from hybridcode.journal.store import Journal, SessionJournal
from hybridcode.session.session import Session
from tests.support.sessions import Scene, planning, yes
from tests.unit.agent.scenarios import ladder, repairs, shapes, together
from tests.unit.agent.scenarios.case import NOBODY, YES, Case

CASES = (*ladder.CASES, *repairs.CASES, *shapes.CASES, *together.CASES)
PERSON = "person:script"


class Person:
    """Answers what was written beforehand, step by step, once everything is drafted that can be."""

    def __init__(self, case: Case, scene: Scene) -> None:
        assert not isinstance(case.person, str)
        self.left = {step: list(answers) for step, answers in case.person.items()}
        self.meddles = {step: list(texts) for step, texts in case.meddles.items()}
        self.scene = scene

    async def decide(self, proposal: Proposal) -> Decision:
        session = self.scene.session
        assert session is not None
        await nothing_is_written(session)
        answer = self.left[proposal.step].pop(0)
        if texts := self.meddles.get(proposal.step):
            path, text = texts.pop(0)
            (self.scene.workspace / path).write_text(text)
        match answer.partition(": "):
            case ("yes", _, _):
                return Approve(proposal.digest, PERSON)
            case ("no", _, reason):
                return Reject(reason, PERSON)
            case ("edit", _, words):
                old, _, new = words.partition(" -> ")
                return Amend(amended(session.log, proposal, old, new), PERSON)
            case ("part", _, words):
                change, _, reason = words.partition("; ")
                old, _, new = change.partition(" -> ")
                return Amend(amended(session.log, proposal, old, new), PERSON, reason)
            case ("interrupt", _, _):
                session.interrupt(PERSON)
            case _:
                assert answer == "wait"
        await asyncio.sleep(60)
        raise AssertionError("nobody stopped it")


async def nothing_is_written(session: Session) -> None:
    lanes = session.gate.beside
    assert isinstance(lanes, Lanes)
    for _ in range(5):
        await asyncio.sleep(0)
    await lanes.bell.until(lambda: "writing" not in lanes.doing.values())


def amended(log: SessionJournal, proposal: Proposal, old: str, new: str) -> ChangeSet:
    assert isinstance(proposal.action, ChangeSet)
    (edit,) = proposal.action.edits
    assert edit.after_sha256 is not None
    text = log.get_blob(edit.after_sha256).decode()
    assert old in text
    digest = log.put_blob(text.replace(old, new).encode())
    return ChangeSet((msgspec.structs.replace(edit, after_sha256=digest),))


def scene_of(case: Case, workspace: Path) -> tuple[Scene, Person | None]:
    workspace.mkdir()
    for path, text in case.files.items():
        (workspace / path).write_text(text)
    frontier = None
    if case.frontier is not None:
        frontier = {**planning(Plan(tuple(case.steps)), judge=case.judge), **case.frontier}
        if case.replies:
            frontier["plan"] = case.replies
    local = case.local
    if frontier is None and local is not None:
        local = {**planning(Plan(tuple(case.steps)), judge=case.judge), **local}
    scene = Scene(workspace, frontier, local, settings=case.settings)
    person = None
    if case.person == NOBODY:
        scene.make_approver = lambda approvals, sandbox: Refuse()
    elif case.person == YES:
        scene.make_approver = yes
    else:
        person = Person(case, scene)
        scene.make_approver = lambda approvals, sandbox: person
    return scene, person


def tree_of(workspace: Path) -> dict[str, bytes]:
    found = (path for path in workspace.rglob("*") if path.is_file())
    return {str(path.relative_to(workspace)): path.read_bytes() for path in found}


def rungs_of(scene: Scene) -> Sequence[RungTaken]:
    assert scene.session is not None
    return [one.event for one in scene.session.state.envelopes if isinstance(one.event, RungTaken)]


def holds_in_order(texts: Sequence[str], words: Sequence[str]) -> bool:
    left = iter(texts)
    return all(any(word in text for text in left) for word in words)


def expect(case: Case, scene: Scene, outcome: Outcome) -> None:
    assert outcome.code == case.code, outcome.message
    expected = {path: text for path, text in {**case.files, **case.after}.items() if text is not None}
    assert tree_of(scene.workspace) == {path: text.encode() for path, text in expected.items()}
    taken = rungs_of(scene)
    if case.rungs or not case.steps:
        assert [f"{event.step}:{event.rung}" for event in taken] == list(case.rungs)
    assert case.says in outcome.message
    assert scene.session is not None
    asked = [one.event for one in scene.session.state.envelopes if isinstance(one.event, RepairAsked)]
    assert case.repairs in (None, len(asked)), asked
    assert holds_in_order([event.why for event in taken], case.whys), [event.why for event in taken]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_tree_is_right_to_the_byte(case: Case, tmp_path: Path):
    scene, person = scene_of(case, tmp_path / "shop")
    outcome = await scene.run("make the change")
    expect(case, scene, outcome)
    assert person is None or not any(person.left.values()), person.left
    assert scene.session is not None
    events = [one.event for one in scene.session.state.envelopes]
    assert not [event for event in events if isinstance(event, ProposalMade) and event.proposal.step == ""]
    shown = sum(e.prompt_bytes for e in events if isinstance(e, ModelAsked) and e.step and e.backend == "frontier")
    assert shown <= 4 * scene.session.settings.limits.step_input_tokens * max(1, len(case.steps))


async def test_what_a_person_said_to_a_part_stands_in_the_request_and_in_the_record(tmp_path: Path):
    case = next(case for case in CASES if case.name.startswith("a reason for a part reaches"))
    scene, _ = scene_of(case, tmp_path / "shop")
    await scene.run("make the change")
    assert scene.session is not None
    events = [one.event for one in scene.session.state.envelopes]
    reasons = [e.receipt.reason for e in events if isinstance(e, EffectFinished) and isinstance(e.receipt, Applied)]
    assert reasons == ["hunk at shop.py:1: it must be 5", ""]
    asked = [e.prompt_sha256 for e in events if isinstance(e, ModelAsked) and e.role == "draft"]
    with Journal.open(scene.session.journal.path) as journal:
        prompt = journal.load_blob(asked[-1]).decode()
    assert "took a part of your last answer" in prompt
    assert "> hunk at shop.py:1: it must be 5" in prompt
    assert [rung.is_last for rung in rungs_of(scene)] == [False, False]


async def test_the_last_rung_is_told_as_such(tmp_path: Path):
    case = next(case for case in CASES if case.name.startswith("a reason for a part with nobody left"))
    scene, _ = scene_of(case, tmp_path / "shop")
    await scene.run("make the change")
    assert [rung.is_last for rung in rungs_of(scene)] == [True]


@pytest.mark.parametrize("value", [Amend(ChangeSet(()), "person"), Applied(())])
def test_a_decision_and_a_receipt_of_before_there_were_reasons_are_read(value: Amend | Applied):
    fields = msgspec.json.decode(msgspec.json.encode(value))
    del fields["reason"]
    assert msgspec.json.decode(msgspec.json.encode(fields), type=type(value)) == value


def test_there_are_fifty_scenarios_and_no_two_have_one_name():
    assert len({case.name for case in CASES}) == len(CASES) >= 50
