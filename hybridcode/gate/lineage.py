"""What a session's events tell of one proposal: how it ended, and what stands in for it.

Invariant: only stored events are read, from the last one back: what is asked about is nearly always the newest.
"""

import msgspec

from hybridcode.domain.action import Amend, Applied, Held, Receipt
from hybridcode.domain.events import EffectFinished, ProposalDecided, ProposalMade
from hybridcode.journal.newest import newest
from hybridcode.journal.store import SessionJournal


def past(journal: SessionJournal, proposal_id: str) -> Receipt | None:
    """How a proposal ended earlier; None if it has not."""
    ended = (event.receipt for event in newest(journal, EffectFinished) if event.proposal == proposal_id)
    receipt = next(ended, None)
    return None if isinstance(receipt, Held) else receipt


def with_reason(journal: SessionJournal, proposal_id: str, receipt: Receipt) -> Receipt:
    """A receipt with what a person said when they took this and left out the rest."""
    if not isinstance(receipt, Applied):
        return receipt
    made = newest(journal, ProposalMade)
    former = next((event.supersedes for event in made if event.proposal.id == proposal_id), "")
    for event in newest(journal, ProposalDecided) if former else ():
        if event.proposal == former and isinstance(event.decision, Amend):
            return msgspec.structs.replace(receipt, reason=event.decision.reason)
    return receipt


def successor(journal: SessionJournal, proposal_id: str) -> str | None:
    """The proposal that stands in for another one, if any was made."""
    made = newest(journal, ProposalMade)
    return next((event.proposal.id for event in made if event.supersedes == proposal_id), None)
