"""Asks before a request leaves for a remote model: the same approvals, approvers and journal as for any other act.

Invariant: a yes covers one request, byte for byte, to one host; it is used up by compare-and-swap before the request
leaves.
"""

import msgspec

from hybridcode.domain.action import Expired, Proposal, Ruling, ToolCall, Unanswered, action_digest
from hybridcode.domain.canonical import canonical_json
from hybridcode.domain.errors import EgressForbidden, SendingHeld
from hybridcode.domain.events import EffectStarted
from hybridcode.gate.gate import Gate
from hybridcode.gate.lapsing import lapse
from hybridcode.journal.approvals import ApprovalRow, new_proposal_id
from hybridcode.journal.states import SENDING, ApprovalState
from hybridcode.models.egress import ASK_RULE, Sending

STEP = SENDING
"""The step that questions about requests belong to; no plan can use this id."""
_TOOL = "send"


class AskToSend:
    """The consent of a session whose [egress] mode is `ask`."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._granted = set[str]()
        """Digests of requests that may leave, also once more after a transient failure."""

    async def __call__(self, sending: Sending) -> None:
        """Return once this request may leave.

        Raises:
            EgressForbidden: somebody, or the mode, said no.
            SendingHeld: nobody can be asked; the question is on disk.
        """
        action = ToolCall(f"{sending.model} at {sending.host}", _TOOL, msgspec.Raw(canonical_json(sending)))
        digest = action_digest(action)
        if digest in self._granted or self._gate.policy.mode == "bypass":
            return
        if self._gate.policy.mode == "dontAsk":
            raise _refused(sending, "mode dontAsk turns questions into no")
        row = self._waiting(digest) or self._proposed(action, sending)
        if row.state == ApprovalState.PENDING:
            row = await self._decided(row)
        if row.state == ApprovalState.REJECTED:
            raise _refused(sending, row.reason or f"no, said {row.by}")
        self._use_up(row, digest)

    def _waiting(self, digest: str) -> ApprovalRow | None:
        """An earlier question about exactly this request that is open or answered with yes; others are closed."""
        found: ApprovalRow | None = None
        approvals = self._gate.approvals
        for row in approvals.in_state(ApprovalState.PENDING, ApprovalState.APPROVED, session=self._gate.journal.id):
            if row.proposal.step != STEP:
                continue
            if row.proposal.digest == digest and found is None:
                found = row
            else:
                lapse(approvals, row, Expired("what was to be sent is another request now"))
        return found

    def _proposed(self, action: ToolCall, sending: Sending) -> ApprovalRow:
        title = f"send a {sending.role} request of {sending.prompt_bytes:,} bytes to {sending.model} at {sending.host}"
        ruling = Ruling("ask", f"sends {sending.prompt_bytes:,} bytes to {sending.host}", ASK_RULE, flags=("network",))
        proposal = Proposal(
            new_proposal_id(), STEP, action, action_digest(action), ruling, title=title, notes=_notes(sending)
        )
        return self._gate.approvals.add(self._gate.journal.id, proposal)

    async def _decided(self, row: ApprovalRow) -> ApprovalRow:
        decision = await self._gate.approver.decide(row.proposal)
        approvals = self._gate.approvals
        if not isinstance(decision, Unanswered):
            approvals.answer(row.id, decision)
        row = approvals.get(row.id)
        if row.state == ApprovalState.PENDING:
            raise SendingHeld(
                f"The request to {row.proposal.title.rpartition(' to ')[2]} waits for approval {row.id}.",
                f"`hybridcode approvals show {row.id}`, then approve it and resume.",
            )
        if row.state == ApprovalState.EDITED:
            raise EgressForbidden("A request cannot be edited.", "Answer yes or no.")
        return row

    def _use_up(self, row: ApprovalRow, digest: str) -> None:
        approvals = self._gate.approvals
        started = EffectStarted(row.id, digest)
        if not approvals.move(row.id, expect=ApprovalState.APPROVED, to=ApprovalState.EXECUTING, event=started):
            raise EgressForbidden(f"Approval {row.id} was used or withdrawn meanwhile.", "Ask again.")
        approvals.move(row.id, expect=ApprovalState.EXECUTING, to=ApprovalState.DONE, event=None)
        self._granted.add(digest)


def _notes(sending: Sending) -> tuple[str, ...]:
    files = [f"shows {name}" for name in sending.files]
    taken = [f"{count} x {kind} redacted" for kind, count in sending.redacted.items()]
    withheld = [f"{sending.withheld} quotations of denied files withheld"] if sending.withheld else []
    via = [f"through the proxy {sending.via}"] if sending.via else []
    return (*files, *taken, *withheld, *via, f"its text: hybridcode egress --show {sending.prompt_sha256[:16]}")


def _refused(sending: Sending, reason: str) -> EgressForbidden:
    return EgressForbidden(
        f"The {sending.role} request to {sending.model} at {sending.host} was not sent: {reason}.",
        "[egress] mode = 'allow' asks nobody; a local model is never asked about.",
    )
