"""Where a proposal stands, for people and for programs.

Invariant: what a row says and whether its session runs are looked up once and shown together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hybridcode.domain.action import ChangeSet, Proposal, ShellCommand
from hybridcode.domain.events import SessionOpened
from hybridcode.gate.change_flags import flags_of_diff
from hybridcode.gate.flags import command_flags
from hybridcode.journal.approvals import ApprovalRow
from hybridcode.journal.states import ApprovalState
from hybridcode.journal.store import Journal
from hybridcode.patch.hunks import unified


@dataclass(frozen=True)
class Standing:
    """A row, and whether a process works on its session."""

    row: ApprovalRow
    is_running: bool

    @classmethod
    def of(cls, row: ApprovalRow, journal: Journal) -> "Standing":
        """Look it up."""
        return cls(row, is_running(journal, row.session))

    @property
    def is_unknown(self) -> bool:
        """It was begun, and nobody knows or will tell how it ended."""
        state = self.row.state
        return state == ApprovalState.UNKNOWN or (state == ApprovalState.EXECUTING and not self.is_running)


def is_running(journal: Journal, session: str) -> bool:
    """True while a process works on a session."""
    return bool(journal.who_works_on(session))


def said_of(standing: Standing) -> str:
    """Where it stands, in a few words."""
    row = standing.row
    if standing.is_unknown:
        return "unknown: check"
    if row.state == ApprovalState.APPROVED and not standing.is_running:
        return "approved, not carried out yet"
    return f"{row.state} by {row.by}" if row.by else str(row.state)


def row_json(standing: Standing) -> dict[str, Any]:
    """One row of a list."""
    row, proposal = standing.row, standing.row.proposal
    return {
        "id": row.id,
        "session": row.session,
        "state": row.state,
        "is_unknown": standing.is_unknown,
        "is_running": standing.is_running,
        "step": proposal.step,
        "title": proposal.title,
        "digest": proposal.digest,
        "action": proposal.action,
        "ruling": proposal.ruling,
        "proven_by": proposal.proven_by,
        "made_at": row.made_at,
        "changed_at": row.changed_at,
        "by": row.by,
        "reason": row.reason,
    }


def details_json(proposal: Proposal, get_blob: Callable[[str], bytes]) -> dict[str, Any]:
    """What else `show` tells of a proposal."""
    return {
        "files": _files(proposal, get_blob),
        "flags": sorted(all_flags(proposal, get_blob)),
        "writer": proposal.writer,
        "notes": proposal.notes,
        "proven_by": proposal.proven_by,
        "model_says": proposal.model_says,
    }


def all_flags(proposal: Proposal, get_blob: Callable[[str], bytes]) -> tuple[str, ...]:
    """What policy flagged, and what the eye must be told besides."""
    return tuple(dict.fromkeys((*proposal.ruling.flags, *_seen_flags(proposal, get_blob))))


def sandbox_of(journal: Journal, session: str) -> str:
    """The kind of sandbox that a session's commands run in, as its first event tells."""
    opened = next(iter(journal.envelopes(session)), None)
    return opened.event.sandbox if opened is not None and isinstance(opened.event, SessionOpened) else "none"


def _files(proposal: Proposal, get_blob: Callable[[str], bytes]) -> list[dict[str, Any]]:
    if not isinstance(proposal.action, ChangeSet):
        return []
    return [
        {
            "path": edit.path,
            "before_sha256": edit.before_sha256,
            "after_sha256": edit.after_sha256,
            "mode": f"{edit.mode:o}",
            "diff": _diff(edit.path, edit.before_sha256, edit.after_sha256, get_blob),
        }
        for edit in proposal.action.edits
    ]


def _diff(path: str, before: str | None, after: str | None, get_blob: Callable[[str], bytes]) -> str:
    return unified(path, get_blob(before) if before else None, get_blob(after) if after else None)


def _seen_flags(proposal: Proposal, get_blob: Callable[[str], bytes]) -> tuple[str, ...]:
    """What the eye must be told."""
    match proposal.action:
        case ShellCommand() as command:
            return command_flags(command.text)
        case ChangeSet():
            return tuple(flag for file in _files(proposal, get_blob) for flag in flags_of_diff(file["diff"]))
        case _:
            return ()
