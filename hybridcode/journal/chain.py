"""The hash chain of a session, and how a whole journal is checked against it.

Invariant: an envelope's hash is SHA-256 of canonical JSON [session, seq, at, prev_hash, event]; seq counts 1, 2, 3, ...
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hybridcode.domain.action import Approve, Proposal, action_digest
from hybridcode.domain.canonical import canonical_json, sha256_hex
from hybridcode.domain.errors import IntegrityError
from hybridcode.domain.events import Envelope, Event, ProposalDecided, ProposalMade

GENESIS = "0" * 64
"""`prev_hash` of a session's first envelope."""

Rows = Callable[[str, Sequence[object]], Sequence[tuple[Any, ...]]]
"""Something that answers queries: all rows of SQL with its parameters."""

_DECODER = msgspec.json.Decoder[Event](Event)
_AFTER_A_YES = frozenset({"approved", "executing", "done", "failed", "unknown"})
_ADVICE = "Do not go on with this journal: keep a copy and find out who changed it."


def link(session: str, seq: int, at: str, *, prev_hash: str, event: bytes) -> str:
    """Hash of one envelope; `event` is its canonical JSON."""
    return sha256_hex(canonical_json([session, seq, at, prev_hash, msgspec.Raw(event)]))


def envelope(session: str, seq: int, at: str, prev_hash: str, digest: str, event: str) -> Envelope:
    """A stored row as a value.

    Raises:
        IntegrityError: the event is none that this version knows.
    """
    try:
        return Envelope(session, seq, at, prev_hash, digest, _DECODER.decode(event))
    except msgspec.MsgspecError as error:
        raise IntegrityError(
            f"Event {seq} of session {session} cannot be read: {error}.",
            "It was altered, or written by another version of hybridcode.",
        ) from error


def verify(rows: Rows, *, load_blob: Callable[[str], bytes]) -> None:
    """Check every chain, blob and approval of a journal.

    Raises:
        IntegrityError: names the session and seq, blob or approval that does not match.
    """
    told = _Told()
    for session, head_seq, head_hash in rows("SELECT id, head_seq, head_hash FROM session ORDER BY id", ()):
        _verify_session(rows, session, head=(head_seq, head_hash), told=told)
    orphans = rows("SELECT session, seq FROM event WHERE session NOT IN (SELECT id FROM session) LIMIT 1", ())
    if orphans:
        raise IntegrityError(f"Event {orphans[0][1]} belongs to session {orphans[0][0]}, which is gone.", _ADVICE)
    for (sha256,) in rows("SELECT sha256 FROM blob ORDER BY sha256", ()):
        load_blob(sha256)
    for name, text, state, decision in rows("SELECT id, proposal, state, decision FROM approval ORDER BY id", ()):
        if told.made.get(name) != text.encode():
            raise IntegrityError(f"Approval {name} is not what its session recorded.", _ADVICE)
        if told.decided.get(name) != (decision.encode() if decision is not None else None):
            raise IntegrityError(f"Approval {name} bears another answer than its session recorded.", _ADVICE)
        if state in _AFTER_A_YES and not told.is_approved.get(name):
            raise IntegrityError(f"Approval {name} is {state}, and its session recorded no yes to its digest.", _ADVICE)


@dataclass
class _Told:
    """What the chains say of the approvals."""

    made: dict[str, bytes] = field(default_factory=dict[str, bytes])
    decided: dict[str, bytes] = field(default_factory=dict[str, bytes])
    is_approved: dict[str, bool] = field(default_factory=dict[str, bool])
    digests: dict[str, str] = field(default_factory=dict[str, str])

    def hear(self, found: Envelope) -> None:
        """Take in one envelope. Raises: IntegrityError when it contradicts itself."""
        match found.event:
            case ProposalMade(proposal=Proposal() as proposal):
                if action_digest(proposal.action) != proposal.digest:
                    raise IntegrityError(
                        f"Session {found.session}: event {found.seq} proposes something else than its digest says.",
                        _ADVICE,
                    )
                self.made[proposal.id] = canonical_json(proposal)
                self.digests[proposal.id] = proposal.digest
            case ProposalDecided(proposal=name, decision=decision):
                self.decided[name] = canonical_json(decision)
                self.is_approved[name] = isinstance(decision, Approve) and decision.digest == self.digests.get(name)
            case _:
                pass


def _verify_session(rows: Rows, session: str, *, head: tuple[int, str], told: _Told) -> None:
    seq, digest = 0, GENESIS
    for at_seq, at, prev_hash, stored, text in rows(
        "SELECT seq, at, prev_hash, hash, event FROM event WHERE session = ? ORDER BY seq", (session,)
    ):
        if at_seq != seq + 1:
            raise IntegrityError(f"Session {session}: event {seq + 1} is missing.", _ADVICE)
        if prev_hash != digest:
            raise IntegrityError(f"Session {session}: event {at_seq} does not follow event {seq}.", _ADVICE)
        if stored != link(session, at_seq, at, prev_hash=prev_hash, event=text.encode()):
            raise IntegrityError(f"Session {session}: event {at_seq} was altered.", _ADVICE)
        seq, digest = at_seq, stored
        told.hear(envelope(session, at_seq, at, prev_hash, stored, text))
    if (seq, digest) != head:
        raise IntegrityError(f"Session {session}: events after {seq} are missing.", _ADVICE)
