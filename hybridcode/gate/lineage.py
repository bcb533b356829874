"""What a session's events tell of one proposal: how it ended, and what stands in for it.

Invariant: only stored events are read.
"""

import msgspec

from hybridcode.domain.action import Amend, Applied, Held, Proposal, Receipt
from hybridcode.domain.events import EffectFinished, ProposalDecided, ProposalMade
from hybridcode.journal.store import SessionJournal


def past(journal: SessionJournal, proposal_id: str) -> Receipt | None:
    """How a proposal ended earlier; None if it has not."""
    for envelope in reversed(journal.envelopes()):
        match envelope.event:
            case EffectFinished(proposal=name, receipt=receipt) if name == proposal_id:
                return None if isinstance(receipt, Held) else receipt
            case _:
                pass
    return None


def with_reason(journal: SessionJournal, proposal_id: str, receipt: Receipt) -> Receipt:
    """A receipt with what a person said when they took this and left out the rest."""
    if not isinstance(receipt, Applied):
        return receipt
    envelopes = journal.envelopes()
    made = (one.event for one in envelopes if isinstance(one.event, ProposalMade))
    former = next((event.supersedes for event in made if event.proposal.id == proposal_id), "")
    for envelope in envelopes if former else ():
        match envelope.event:
            case ProposalDecided(proposal=name, decision=Amend(reason=reason)) if name == former:
                return msgspec.structs.replace(receipt, reason=reason)
            case _:
                pass
    return receipt


def successor(journal: SessionJournal, proposal_id: str) -> str | None:
    """The proposal that stands in for another one, if any was made."""
    for envelope in reversed(journal.envelopes()):
        match envelope.event:
            case ProposalMade(proposal=Proposal(id=name), supersedes=former) if former == proposal_id:
                return name
            case _:
                pass
    return None
