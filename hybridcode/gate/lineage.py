"""What a session's events tell of one proposal: how it ended, and what stands in for it.

Invariant: only stored events are read.
"""

from hybridcode.domain.action import Held, Proposal, Receipt
from hybridcode.domain.events import EffectFinished, ProposalMade
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


def successor(journal: SessionJournal, proposal_id: str) -> str | None:
    """The proposal that stands in for another one, if any was made."""
    for envelope in reversed(journal.envelopes()):
        match envelope.event:
            case ProposalMade(proposal=Proposal(id=name), supersedes=former) if former == proposal_id:
                return name
            case _:
                pass
    return None
