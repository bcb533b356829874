"""Proposals that wait, seen from outside their session: whether they still can be carried out.

Invariant: looking at a proposal closes it if it lapsed, by the same compare-and-swap as everywhere.
"""

from pathlib import Path

from hybridcode.domain.action import Expired, Stale
from hybridcode.gate.lapsing import lapse, lapsed, why_lapsed
from hybridcode.journal.approvals import ApprovalRow, Approvals
from hybridcode.journal.states import ApprovalState
from hybridcode.session.gates import reader_of
from hybridcode.session.worktrees import root_of


def why_stale(approvals: Approvals, row: ApprovalRow, workspace: Path, *, expires_s: float) -> Expired | Stale | None:
    """What keeps a pending proposal from being carried out; None: nothing does, or it does not wait any more."""
    if row.state != ApprovalState.PENDING:
        return None
    root = root_of(approvals.journal, row.session, workspace)
    return lapsed(row, read=reader_of(root), now=approvals.journal.clock(), expires_s=expires_s)


def looked_at(approvals: Approvals, row: ApprovalRow, workspace: Path, *, expires_s: float) -> tuple[ApprovalRow, str]:
    """The row as it stands after a look at the clock and at the files, and why it was closed now, if it was."""
    receipt = why_stale(approvals, row, workspace, expires_s=expires_s)
    if receipt is None:
        return row, ""
    why = why_lapsed(receipt) if lapse(approvals, row, receipt) else ""
    return approvals.get(row.id), why
