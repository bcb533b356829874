"""Whether a proposal that waits can still be carried out: its time may be over, or its files another one's by now.

Invariant: looking writes nothing; a proposal that lapses leaves its state once, by compare-and-swap, with its receipt.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from hybridcode.domain.action import ChangeSet, Expired, FileEdit, Stale
from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.events import EffectFinished
from hybridcode.journal.approvals import ApprovalRow, Approvals
from hybridcode.journal.states import UNDECIDED, ApprovalState, state_after

Read = Callable[[str], tuple[bytes, int] | None]
"""Bytes and permission bits of an ordinary file of the workspace, None if there is none."""


def lapsed(row: ApprovalRow, *, read: Read, now: datetime, expires_s: float) -> Expired | Stale | None:
    """Why a pending or approved proposal cannot be carried out any more; None while it can."""
    if row.state not in UNDECIDED:
        return None
    if seconds_left(row, now=now, expires_s=expires_s) == 0:
        return Expired(f"it waited longer than {timedelta(seconds=expires_s)} (approval.expires_s)")
    if isinstance(row.proposal.action, ChangeSet) and (changed := changed_since(row.proposal.action, read)):
        return Stale(changed)
    return None


def lapse(approvals: Approvals, row: ApprovalRow, receipt: Expired | Stale) -> bool:
    """Record that a proposal lapsed. False: it had left its state before."""
    to = state_after(receipt)
    assert to is not None
    return approvals.move(
        row.id, expect=row.state, to=to, event=EffectFinished(row.id, receipt), reason=why_lapsed(receipt)
    )


def why_lapsed(receipt: Expired | Stale) -> str:
    """In a few words."""
    match receipt:
        case Expired(reason=reason):
            return reason
        case Stale(paths=paths):
            return f"{', '.join(paths)} changed on disk since it was proposed"


def seconds_left(row: ApprovalRow, *, now: datetime, expires_s: float) -> float | None:
    """How long it may still wait, counted anew from its approval; None = for ever."""
    if expires_s <= 0:
        return None
    since = datetime.fromisoformat(row.made_at if row.state == ApprovalState.PENDING else row.changed_at)
    return max(0.0, expires_s - (now - since).total_seconds())


def changed_since(change: ChangeSet, read: Read) -> tuple[str, ...]:
    """Paths that do not hold what the change was made for; one that cannot be read is left for the effect to tell."""
    return tuple(edit.path for edit in change.edits if not _is_base(edit, read))


def _is_base(edit: FileEdit, read: Read) -> bool:
    if edit.is_link:
        return True
    try:
        present = read(edit.path)
    except OSError:
        return True
    return edit.before_sha256 == (None if present is None else sha256_hex(present[0]))
