"""The hash chain of a session, and how a whole journal is checked against it.

Invariant: an envelope's hash is SHA-256 of canonical JSON [session, seq, at, prev_hash, event]; seq counts 1, 2, 3, ...
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from hybridcode.domain.action import Proposal, action_digest
from hybridcode.domain.canonical import canonical_json, sha256_hex
from hybridcode.domain.errors import IntegrityError
from hybridcode.domain.events import Envelope, Event, ProposalMade
from hybridcode.journal import states

GENESIS = "0" * 64
"""`prev_hash` of a session's first envelope."""

Rows = Callable[[str, Sequence[object]], Sequence[tuple[Any, ...]]]
"""Something that answers queries: all rows of SQL with its parameters."""

_DECODER = msgspec.json.Decoder[Event](Event)
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
    made: dict[str, bytes] = {}
    for session, head_seq, head_hash in rows("SELECT id, head_seq, head_hash FROM session ORDER BY id", ()):
        made |= verify_session(rows, session, head=(head_seq, head_hash))
    orphans = rows("SELECT session, seq FROM event WHERE session NOT IN (SELECT id FROM session) LIMIT 1", ())
    if orphans:
        raise IntegrityError(f"Event {orphans[0][1]} belongs to session {orphans[0][0]}, which is gone.", _ADVICE)
    for (sha256,) in rows("SELECT sha256 FROM blob ORDER BY sha256", ()):
        load_blob(sha256)
    for name, text in rows("SELECT id, proposal FROM approval ORDER BY id", ()):
        if made.get(name) != text.encode():
            raise IntegrityError(f"Approval {name} is not what its session recorded.", _ADVICE)
    for name in states.differing(rows):
        raise IntegrityError(f"Approval {name} does not stand where its session's events put it.", _ADVICE)


def verify_session(rows: Rows, session: str, *, head: tuple[int, str] | None = None) -> dict[str, bytes]:
    """Check the chain of one session; returns its proposals as they were recorded.

    Raises:
        IntegrityError: names the first event that does not fit.
    """
    if head is None:
        found = rows("SELECT head_seq, head_hash FROM session WHERE id = ?", (session,))
        head = (int(found[0][0]), str(found[0][1])) if found else (0, GENESIS)
    made: dict[str, bytes] = {}
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
        made |= _proposal_made(envelope(session, at_seq, at, prev_hash, stored, text))
    if (seq, digest) != head:
        raise IntegrityError(f"Session {session}: events after {seq} are missing.", _ADVICE)
    return made


def readable(rows: Rows, session: str) -> tuple[list[Envelope], list[str]]:
    """The envelopes of a session that can be read, in order, and what is wrong with the others."""
    envelopes: list[Envelope] = []
    problems: list[str] = []
    for row in rows(
        "SELECT session, seq, at, prev_hash, hash, event FROM event WHERE session = ? ORDER BY seq", (session,)
    ):
        try:
            envelopes.append(envelope(*row))
        except IntegrityError as error:
            problems.append(error.message)
    return envelopes, problems


def blobs_of(rows: Rows, session: str) -> list[str]:
    """Digests of all blobs that a session uses, sorted."""
    return [str(row[0]) for row in rows("SELECT sha256 FROM blob_use WHERE session = ? ORDER BY sha256", (session,))]


def _proposal_made(found: Envelope) -> dict[str, bytes]:
    match found.event:
        case ProposalMade(proposal=Proposal() as proposal):
            if action_digest(proposal.action) != proposal.digest:
                raise IntegrityError(
                    f"Session {found.session}: event {found.seq} proposes something else than its digest says.", _ADVICE
                )
            return {proposal.id: canonical_json(proposal)}
        case _:
            return {}
