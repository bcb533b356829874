"""What else goes on while a proposal is decided and carried out.

Invariant: whatever goes on beside it, a proposal is decided by its approver and carried out only once it is approved.
"""

from typing import Protocol

from hybridcode.domain.action import Decision, Proposal
from hybridcode.domain.ports import Approver


class Beside(Protocol):
    """Work that shares a gate. Alone here; the steps of a plan in `agent.lanes`."""

    async def ask(self, approver: Approver, proposal: Proposal) -> Decision:
        """What an approver says; others may go on meanwhile."""
        ...

    async def enter(self, proposal: Proposal) -> None:
        """Wait until an approved proposal may be looked at for the last time and carried out."""
        ...


class Alone:
    """Nothing else goes on."""

    async def ask(self, approver: Approver, proposal: Proposal) -> Decision:
        """Ask at once."""
        return await approver.decide(proposal)

    async def enter(self, proposal: Proposal) -> None:
        """At once."""
