import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from hypothesis.strategies import sampled_from

from hybridcode.domain.action import (
    Amend,
    Approve,
    Decision,
    Proposal,
    Ran,
    Reject,
    Ruling,
    ShellCommand,
    Unanswered,
    action_digest,
)
from hybridcode.domain.errors import IntegrityError, JournalError, NoSuchProposal
from hybridcode.domain.events import EffectFinished, EffectStarted, ProposalDecided, ProposalMade
from hybridcode.domain.exits import ExitCode
from hybridcode.journal.approvals import LEGAL, Approvals, ApprovalState, new_proposal_id
from hybridcode.journal.store import Journal

COMMAND = ShellCommand(argv=("make", "test"))
DIGEST = action_digest(COMMAND)
APPROVE = Approve(DIGEST, "person:test")


def proposal(name: str = "abcd2345", step: str = "s1") -> Proposal:
    return Proposal(name, step, COMMAND, DIGEST, Ruling("ask", "why", "commands.unknown"))


@pytest.fixture
def approvals(tmp_path: Path):
    with Journal.open(tmp_path / "journal.db") as journal:
        yield Approvals(journal)


def events(approvals: Approvals, session: str = "s"):
    return [envelope.event for envelope in approvals.journal.session(session).envelopes()]


def test_add_records_the_proposal_and_its_row(approvals: Approvals):
    row = approvals.add("s", proposal())
    assert (row.state, row.session, row.proposal) == (ApprovalState.PENDING, "s", proposal())
    assert events(approvals) == [ProposalMade(proposal())]
    assert approvals.pending() == approvals.pending("s") == [row]
    assert approvals.pending("other") == []


def test_an_answer_and_its_event_are_one(approvals: Approvals):
    approvals.add("s", proposal())
    assert approvals.answer("abcd2345", APPROVE)
    row = approvals.get("abcd2345")
    assert (row.state, row.by, row.decision) == (ApprovalState.APPROVED, "person:test", APPROVE)
    assert events(approvals)[-1] == ProposalDecided("abcd2345", APPROVE)


@pytest.mark.parametrize("second", [APPROVE, Reject("no", "person:late"), Amend(COMMAND, "person:late")])
def test_only_the_first_answer_counts(approvals: Approvals, second: Decision):
    approvals.add("s", proposal())
    with Journal.open(approvals.journal.path) as other:
        assert Approvals(other).answer("abcd2345", Reject("too risky", "person:first"))
    assert not approvals.answer("abcd2345", second)
    assert approvals.get("abcd2345").reason == "too risky"
    assert len(events(approvals)) == 2


def test_unanswered_changes_nothing(approvals: Approvals):
    approvals.add("s", proposal())
    assert not approvals.answer("abcd2345", Unanswered("nobody"))
    assert approvals.get("abcd2345").state == ApprovalState.PENDING


def test_an_approval_of_other_bytes_is_refused(approvals: Approvals):
    approvals.add("s", proposal())
    with pytest.raises(IntegrityError, match="other bytes"):
        approvals.answer("abcd2345", Approve("0" * 64, "person:test"))
    assert approvals.get("abcd2345").state == ApprovalState.PENDING


def test_the_way_to_done(approvals: Approvals):
    approvals.add("s", proposal())
    approvals.answer("abcd2345", APPROVE)
    started, finished = EffectStarted("abcd2345", DIGEST), EffectFinished("abcd2345", Ran(0, "", "", 0.1))
    moves = [
        (ApprovalState.APPROVED, ApprovalState.EXECUTING, started),
        (ApprovalState.APPROVED, ApprovalState.EXECUTING, started),
        (ApprovalState.EXECUTING, ApprovalState.DONE, finished),
    ]
    results = [approvals.move("abcd2345", expect=expect, to=to, event=event) for expect, to, event in moves]
    assert results == [True, False, True]
    assert events(approvals)[-2:] == [started, finished]
    assert approvals.get("abcd2345").by == "person:test"


def test_moves_that_do_not_exist(approvals: Approvals):
    approvals.add("s", proposal())
    with pytest.raises(JournalError, match="cannot go from done to pending"):
        approvals.move("abcd2345", expect=ApprovalState.DONE, to=ApprovalState.PENDING, event=None)
    with pytest.raises(NoSuchProposal, match="no proposal") as raised:
        approvals.get("nothere1")
    assert raised.value.exit_code == ExitCode.USAGE


def test_superseding_closes_the_old_row(approvals: Approvals):
    approvals.add("s", proposal("old22222"))
    approvals.add("s", proposal("new22222"), supersedes="old22222")
    assert approvals.get("old22222").state == ApprovalState.SUPERSEDED
    assert [row.id for row in approvals.pending()] == ["new22222"]


def test_verify_covers_approval_rows(approvals: Approvals):
    approvals.add("s", proposal())
    approvals.journal.verify()
    with approvals.journal.transaction() as writes:
        writes.execute("UPDATE approval SET proposal = replace(proposal, 'make', 'fake')")
    with pytest.raises(IntegrityError, match="Approval abcd2345"):
        approvals.journal.verify()


def test_ids_are_short_and_typeable():
    names = {new_proposal_id() for _ in range(200)}
    assert len(names) == 200
    assert all(len(name) == 8 and not set(name) & set("ilouILO ") for name in names)


class Race(RuleBasedStateMachine):
    """Two processes move one row; the event chain and the row must always tell the same story."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "journal.db"
        self.sides = [Approvals(Journal.open(path)), Approvals(Journal.open(path))]
        self.sides[0].add("s", proposal())
        self.state = ApprovalState.PENDING
        self.moves = 0

    @rule(side=sampled_from([0, 1]), expect=sampled_from(list(LEGAL)), to=sampled_from(list(ApprovalState)))
    def move(self, side: int, expect: ApprovalState, to: ApprovalState) -> None:
        if to not in LEGAL[expect]:
            return
        is_yes = to == ApprovalState.APPROVED
        event = ProposalDecided("abcd2345", APPROVE) if is_yes else EffectStarted("abcd2345", to)
        moved = self.sides[side].move("abcd2345", expect=expect, to=to, event=event)
        assert moved == (self.state == expect)
        if moved:
            self.state, self.moves = to, self.moves + 1

    @invariant()
    def both_sides_agree(self) -> None:
        assert {side.get("abcd2345").state for side in self.sides} == {self.state}
        assert len(events(self.sides[0])) == 1 + self.moves

    def teardown(self) -> None:
        self.sides[0].journal.verify()
        for side in self.sides:
            side.journal.close()
        self.folder.cleanup()


TestRace = Race.TestCase
TestRace.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)


def test_a_state_or_an_answer_without_its_event_is_found(approvals: Approvals):
    row, journal = approvals.add("s1", proposal()), approvals.journal
    journal.verify()
    with journal.transaction() as writes:
        writes.execute("UPDATE approval SET state = 'approved' WHERE id = ?", (row.id,))
    with pytest.raises(IntegrityError, match=f"{row.id} is approved, and its session recorded no yes"):
        journal.verify()
    answer = '{"type":"approve","by":"person:nobody","digest":"' + row.proposal.digest + '"}'
    with journal.transaction() as writes:
        writes.execute("UPDATE approval SET decision = ? WHERE id = ?", (answer, row.id))
    with pytest.raises(IntegrityError, match="another answer"):
        journal.verify()
