"""Proposals and where they stand: rows that change only by compare-and-swap, with their event in the same transaction.

Invariant: a state is left at most once, whoever asks and however many processes do; the event that tells of the change
is in the chain if and only if the change is in the row.
"""

import difflib
import secrets
from collections.abc import Collection
from typing import Any, assert_never

import msgspec

from hybridcode.domain.action import Amend, Approve, Decision, Proposal, Reject, Unanswered
from hybridcode.domain.canonical import canonical_json
from hybridcode.domain.errors import IntegrityError, JournalError, NoSuchProposal
from hybridcode.domain.events import Event, ProposalDecided, ProposalMade
from hybridcode.journal.states import LEGAL, UNDECIDED, ApprovalState
from hybridcode.journal.store import Journal

_ID_LETTERS = "abcdefghjkmnpqrstvwxyz0123456789"
_NAMED = 5
"""Ids that a complaint names."""


class ApprovalRow(msgspec.Struct, frozen=True):
    """A proposal and where it stands."""

    id: str
    session: str
    state: ApprovalState
    proposal: Proposal
    decision: Decision | None
    """What was answered, None while nothing was."""
    made_at: str
    changed_at: str
    by: str
    reason: str


def new_proposal_id() -> str:
    """Eight letters and digits that are easy to type and not easily mistaken for each other (40 random bits)."""
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(8))


class Approvals:
    """The approval rows of a journal."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def add(self, session: str, proposal: Proposal, *, supersedes: str = "") -> ApprovalRow:
        """Record a proposal: ProposalMade and its pending row, in one transaction; an open `supersedes` row ends."""
        with self.journal.transaction() as writes:
            writes.append(session, ProposalMade(proposal, supersedes))
            now = writes.now()
            writes.execute(
                "INSERT INTO approval VALUES (?, ?, ?, ?, NULL, ?, ?, '', '')",
                (proposal.id, session, ApprovalState.PENDING, canonical_json(proposal).decode(), now, now),
            )
            if supersedes:
                writes.execute(
                    "UPDATE approval SET state = ?, changed_at = ?, reason = ? WHERE id = ? AND state IN (?, ?)",
                    (ApprovalState.SUPERSEDED, now, f"superseded by {proposal.id}", supersedes, *UNDECIDED),
                )
        return self.get(proposal.id)

    def get(self, proposal_id: str) -> ApprovalRow:
        """One row.

        Raises:
            NoSuchProposal: there is none with this id.
        """
        found = self.journal.rows(f"{_SELECT} WHERE id = ?", (proposal_id,))
        if not found:
            raise NoSuchProposal(
                f"There is no proposal {proposal_id}.", "`hybridcode approvals list` shows those that wait."
            )
        return _row(found[0])

    def find(self, prefix: str) -> ApprovalRow:
        """The one row whose id begins with `prefix`.

        Raises:
            NoSuchProposal: there is none, or there are several; names those that come near.
        """
        found = self.journal.rows(f"{_SELECT} WHERE substr(id, 1, ?) = ? ORDER BY id", (len(prefix), prefix))
        exact = [row for row in found if row[0] == prefix]
        if prefix and len(exact or found) == 1:
            return _row((exact or found)[0])
        if prefix and found:
            names = ", ".join(row[0] for row in found[:_NAMED])
            raise NoSuchProposal(f"{prefix} is the beginning of {len(found)} proposals.", f"Say which: {names}.")
        known = [row[0] for row in self.journal.rows("SELECT id FROM approval ORDER BY made_at DESC, id")]
        near = difflib.get_close_matches(prefix, known, n=3)
        listed = "`hybridcode approvals list --all` shows those there are."
        raise NoSuchProposal(
            f"There is no proposal {prefix}.", f"Did you mean {' or '.join(near)}? {listed}" if near else listed
        )

    def pending(self, session: str | None = None) -> list[ApprovalRow]:
        """Rows that wait for an answer, oldest first."""
        return self.in_state(ApprovalState.PENDING, session=session)

    def in_state(self, *states: ApprovalState, session: str | None = None) -> list[ApprovalRow]:
        """Rows in one of these states, oldest first."""
        marks = ", ".join("?" * len(states))
        where = f"WHERE state IN ({marks})" + ("" if session is None else " AND session = ?")
        parameters = (*states,) if session is None else (*states, session)
        return [_row(row) for row in self.journal.rows(f"{_SELECT} {where} ORDER BY made_at, id", parameters)]

    def move(
        self,
        proposal_id: str,
        *,
        expect: ApprovalState | Collection[ApprovalState],
        to: ApprovalState,
        event: Event | None,
        by: str = "",
        reason: str = "",
    ) -> bool:
        """Compare-and-swap the state and append `event` in the same transaction. False: somebody was faster.

        Raises:
            JournalError: a move that does not exist.
            NoSuchProposal: there is none with this id.
        """
        decision = event.decision if isinstance(event, ProposalDecided) else None
        expected = (expect,) if isinstance(expect, ApprovalState) else tuple(expect)
        for state in expected:
            if to not in LEGAL.get(state, frozenset()):
                raise JournalError(f"A proposal cannot go from {state} to {to}.")
        session = self.get(proposal_id).session
        with self.journal.transaction() as writes:
            marks = ", ".join("?" * len(expected))
            changed = writes.execute(
                f"""UPDATE approval SET state = ?, changed_at = ?, by = coalesce(nullif(?, ''), by), reason = ?,
                    decision = coalesce(?, decision) WHERE id = ? AND state IN ({marks})""",
                (
                    to,
                    writes.now(),
                    by,
                    reason,
                    canonical_json(decision).decode() if decision is not None else None,
                    proposal_id,
                    *expected,
                ),
            )
            if changed.rowcount != 1:
                return False
            if event is not None:
                writes.append(session, event)
        return True

    def answer(self, proposal_id: str, decision: Decision) -> bool:
        """Record a decision on a pending proposal. False: it was not pending any more, or nobody answered.

        Raises:
            IntegrityError: an Approve of other bytes than the proposal's.
        """
        match decision:
            case Approve(digest=digest, by=by):
                if digest != self.get(proposal_id).proposal.digest:
                    raise IntegrityError(
                        f"The approval of {proposal_id} is for other bytes than it proposes.",
                        f"Look at it again: `hybridcode approvals show {proposal_id}`.",
                    )
                to, reason = ApprovalState.APPROVED, ""
            case Reject(reason=reason, by=by):
                to = ApprovalState.REJECTED
            case Amend(by=by):
                to, reason = ApprovalState.EDITED, ""
            case Unanswered():
                return False
            case _:
                assert_never(decision)
        return self.move(
            proposal_id,
            expect=ApprovalState.PENDING,
            to=to,
            event=ProposalDecided(proposal_id, decision),
            by=by,
            reason=reason,
        )


_SELECT = "SELECT id, session, state, proposal, decision, made_at, changed_at, by, reason FROM approval"
_PROPOSAL = msgspec.json.Decoder(Proposal)
_DECISION = msgspec.json.Decoder[Decision](Decision)


def _row(row: tuple[Any, ...]) -> ApprovalRow:
    name, session, state, proposal, decision, *rest = row
    try:
        return ApprovalRow(
            name,
            session,
            ApprovalState(state),
            _PROPOSAL.decode(proposal),
            _DECISION.decode(decision) if decision is not None else None,
            *rest,
        )
    except (ValueError, msgspec.MsgspecError) as error:
        raise IntegrityError(
            f"The row of approval {name} cannot be read: {error}.", "Run `hybridcode audit verify`."
        ) from error
