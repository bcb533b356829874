"""Where a proposal can stand, which moves there are, and where a session's events put it.

Invariant: a row stands where the events of its session put it, by legal moves alone; `differing` names the others.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, assert_never

import msgspec

from hybridcode.domain.action import (
    Amend,
    Applied,
    Approve,
    Committed,
    Decision,
    Declined,
    Denied,
    Expired,
    Failed,
    Held,
    Proposal,
    Ran,
    Receipt,
    Reject,
    Stale,
    Unanswered,
    Unknown,
)
from hybridcode.domain.canonical import canonical_json
from hybridcode.domain.events import EffectFinished, EffectStarted, Event, ProposalDecided, ProposalMade


class ApprovalState(StrEnum):
    """Where a proposal stands."""

    PENDING = "pending"
    APPROVED = "approved"
    EDITED = "edited"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    EXECUTING = "executing"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


LEGAL: dict[ApprovalState, frozenset[ApprovalState]] = {
    ApprovalState.PENDING: frozenset(
        {
            ApprovalState.APPROVED,
            ApprovalState.EDITED,
            ApprovalState.REJECTED,
            ApprovalState.EXPIRED,
            ApprovalState.SUPERSEDED,
        }
    ),
    ApprovalState.APPROVED: frozenset(
        {ApprovalState.EXECUTING, ApprovalState.REJECTED, ApprovalState.EXPIRED, ApprovalState.SUPERSEDED}
    ),
    ApprovalState.EXECUTING: frozenset(
        {ApprovalState.DONE, ApprovalState.FAILED, ApprovalState.UNKNOWN, ApprovalState.SUPERSEDED}
    ),
}
"""Every move there is; states that are not keys are final."""

UNDECIDED = (ApprovalState.PENDING, ApprovalState.APPROVED)
"""What a later proposal may supersede: nothing was refused and nothing was done."""

SENDING = "(sending)"
"""Step of questions about requests to models: a yes to one is used up when it begins, and nothing tells of its end."""

Rows = Callable[[str, Sequence[object]], Sequence[tuple[Any, ...]]]

_TYPES = ("ProposalMade", "ProposalDecided", "EffectStarted", "EffectFinished")
_EVENT = msgspec.json.Decoder[Event](Event)


def state_after(receipt: Receipt) -> ApprovalState | None:
    """Where a proposal with this receipt stands then; None for receipts that change nothing."""
    match receipt:
        case Applied() | Ran() | Committed():
            return ApprovalState.DONE
        case Stale():
            return ApprovalState.SUPERSEDED
        case Expired():
            return ApprovalState.EXPIRED
        case Failed():
            return ApprovalState.FAILED
        case Unknown():
            return ApprovalState.UNKNOWN
        case Declined() | Denied() | Held():
            return None
        case _:
            assert_never(receipt)


def differing(rows: Rows) -> list[str]:
    """Ids of the approval rows whose state or decision is not what the events of their sessions tell."""
    marks = ", ".join("?" * len(_TYPES))
    told = _Told()
    for (text,) in rows(f"SELECT event FROM event WHERE type IN ({marks}) ORDER BY session, seq", _TYPES):
        told.hear(_EVENT.decode(text))
    return [
        name
        for name, state, decision in rows("SELECT id, state, decision FROM approval ORDER BY id", ())
        if not told.fits(name, state) or told.decisions.get(name) != decision
    ]


class _Told:
    """Where events put each proposal."""

    def __init__(self) -> None:
        self.states: dict[str, ApprovalState] = {}
        self.decisions: dict[str, str] = {}
        self._requests = set[str]()

    def fits(self, name: str, state: str) -> bool:
        """True if a row may stand there."""
        told = self.states.get(name)
        is_used_up = name in self._requests and told == ApprovalState.EXECUTING and state == ApprovalState.DONE
        return told == state or is_used_up

    def hear(self, event: Event) -> None:
        match event:
            case ProposalMade(proposal=Proposal(id=name, step=step), supersedes=former):
                self.states[name] = ApprovalState.PENDING
                if step == SENDING:
                    self._requests.add(name)
                if self.states.get(former) in UNDECIDED:
                    self.states[former] = ApprovalState.SUPERSEDED
            case ProposalDecided(proposal=name, decision=decision):
                self.decisions[name] = canonical_json(decision).decode()
                self._move(name, _decided(decision))
            case EffectStarted(proposal=name):
                self._move(name, ApprovalState.EXECUTING)
            case EffectFinished(proposal=name, receipt=receipt):
                self._move(name, state_after(receipt))
            case _:
                pass

    def _move(self, name: str, to: ApprovalState | None) -> None:
        """Legal moves only: an event that tells of another one does not move anything."""
        state = self.states.get(name)
        if state is not None and to is not None and to in LEGAL.get(state, frozenset()):
            self.states[name] = to


def _decided(decision: Decision) -> ApprovalState | None:
    match decision:
        case Approve():
            return ApprovalState.APPROVED
        case Amend():
            return ApprovalState.EDITED
        case Reject():
            return ApprovalState.REJECTED
        case Unanswered():
            return None
        case _:
            assert_never(decision)
