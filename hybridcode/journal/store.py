"""The journal of one repository: sessions of hash-chained events, and blobs by digest.

Invariant: `append` returns after the event is on disk, and subscribers see what was read back from there, in order,
exactly once. A Journal belongs to the thread that opened it; other processes may write the same file at any time.
"""

import contextlib
import secrets
import sqlite3
import zlib
from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import msgspec

from hybridcode.domain.canonical import canonical_json, sha256_hex
from hybridcode.domain.errors import IntegrityError, NoSuchSession, SessionBusy
from hybridcode.domain.events import Envelope, Event
from hybridcode.journal import chain, schema
from hybridcode.journal.claims import Claim

Clock = Callable[[], datetime]
Scrub = Callable[[Event], Event]
Callback = Callable[[Envelope], None]

_ID_LETTERS = "abcdefghjkmnpqrstvwxyz23456789"


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


def new_session_id(now: datetime | None = None) -> str:
    """A sortable id, `YYYYMMDD-HHMMSS-xxxx` (UTC)."""
    moment = now or utc_now()
    return f"{moment:%Y%m%d-%H%M%S}-{''.join(secrets.choice(_ID_LETTERS) for _ in range(4))}"


class SessionRow(msgspec.Struct, frozen=True):
    """What a list of sessions shows."""

    id: str
    opened_at: str
    title: str
    """Text of the first task, empty if none was given."""
    last_at: str
    exit_reason: str
    """Of the last task that ended; empty while none has."""
    pending: int
    """Proposals that wait for an answer."""
    is_calibration: bool = False
    """It holds trials of `hybridcode calibrate` and no task."""


@dataclass
class _Subscription:
    callback: Callback
    session: str
    seen: int
    is_delivering: bool = False


def _as_it_is(event: Event) -> Event:
    return event


class Journal:
    """One open journal file."""

    def __init__(self, path: Path, connection: sqlite3.Connection, clock: Clock) -> None:
        self.path = path
        self.clock = clock
        self.scrub: Scrub = _as_it_is
        """What is done to each event before it is written: secrets leave it."""
        self._connection = connection
        self._subscriptions: list[_Subscription] = []
        self._claims: dict[str, Claim] = {}

    @classmethod
    def open(cls, path: Path, *, clock: Clock = utc_now) -> Self:
        """Open or create the file.

        Raises:
            JournalError: no permission, full disk, locked, or written by a newer version.
            IntegrityError: the file is damaged or not a journal.
        """
        return cls(path, schema.connect(path), clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file and what was claimed back; may be called twice."""
        for session in tuple(self._claims):
            self.release(session)
        self._connection.close()

    def claim(self, session_id: str) -> None:
        """Take a session for this process until `release` or `close`; taking it again here changes nothing.

        Raises:
            SessionBusy: another process works on it, or another Journal of this one; nothing changed.
            JournalError: the lock file cannot be made.
        """
        if session_id not in self._claims:
            self._claims[session_id] = Claim.take(self.path, session_id)

    def release(self, session_id: str) -> None:
        """Give a claimed session back; nothing happens if it was not claimed here."""
        claim = self._claims.pop(session_id, None)
        if claim is not None:
            claim.release()

    @contextlib.contextmanager
    def claimed(self, session_id: str) -> Generator[None]:
        """Inside, nobody else works on the session: as claimed before, or else claimed for this while.

        Raises:
            SessionBusy: another process works on it.
        """
        was_claimed = session_id in self._claims
        self.claim(session_id)
        try:
            yield
        finally:
            if not was_claimed:
                self.release(session_id)

    def who_works_on(self, session_id: str) -> str:
        """Who else has claimed a session, as a sentence; empty if nobody has."""
        try:
            with self.claimed(session_id):
                return ""
        except SessionBusy as error:
            return error.message

    def session(self, session_id: str) -> "SessionJournal":
        """A session's part of the journal; it exists on disk from its first record on."""
        return SessionJournal(self, session_id)

    def sessions(self) -> list[SessionRow]:
        """All sessions, newest first."""
        return [SessionRow(*row[:-1], is_calibration=bool(row[-1])) for row in self.rows(_SESSIONS)]

    @contextlib.contextmanager
    def transaction(self) -> Generator["Transaction"]:
        """One write, all or nothing; subscribers hear of its events after the commit.

        Raises:
            JournalError: full disk, read-only, locked.
            IntegrityError: the file is damaged.
        """
        writes = Transaction(self._connection, self.clock, self.scrub)
        with schema.translated(self.path), schema.transaction(self._connection):
            yield writes
        if writes.has_events:
            self.catch_up()

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with schema.translated(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    def subscribe(self, session: str, callback: Callback, *, after: int) -> Callable[[], None]:
        """Call back with each later envelope of a session; returns the function that ends it."""
        subscription = _Subscription(callback, session, after)
        self._subscriptions.append(subscription)

        def unsubscribe() -> None:
            with contextlib.suppress(ValueError):
                self._subscriptions.remove(subscription)

        return unsubscribe

    def catch_up(self) -> None:
        """Deliver what subscribers have not seen yet, other processes' events included."""
        for subscription in tuple(self._subscriptions):
            if subscription.is_delivering:
                continue
            subscription.is_delivering = True
            try:
                while fresh := self.envelopes(subscription.session, after=subscription.seen):
                    for envelope in fresh:
                        subscription.seen = envelope.seq
                        subscription.callback(envelope)
            finally:
                subscription.is_delivering = False

    def envelopes(self, session: str, *, after: int = 0) -> list[Envelope]:
        """Envelopes of a session with seq > `after`, in order.

        Raises:
            IntegrityError: a stored event cannot be read.
        """
        return [
            chain.envelope(*row)
            for row in self.rows(
                "SELECT session, seq, at, prev_hash, hash, event FROM event WHERE session = ? AND seq > ? ORDER BY seq",
                (session, after),
            )
        ]

    def verify(self) -> None:
        """Check every chain, blob and approval.

        Raises:
            IntegrityError: names the session and seq, blob or approval that does not match.
        """
        chain.verify(self.rows, load_blob=self.load_blob)

    def load_blob(self, sha256: str) -> bytes:
        """The bytes behind a digest, checked.

        Raises:
            IntegrityError: there is no such blob, or it is damaged.
        """
        found = self.rows("SELECT is_zlib, data FROM blob WHERE sha256 = ?", (sha256,))
        if not found:
            raise IntegrityError(f"The journal has no blob {sha256}.", "Run `hybridcode audit verify`.")
        is_zlib, stored = found[0]
        try:
            data = zlib.decompress(stored) if is_zlib else bytes(stored)
        except zlib.error as error:
            raise IntegrityError(f"Blob {sha256} is damaged.", "Run `hybridcode audit verify`.") from error
        if sha256_hex(data) != sha256:
            raise IntegrityError(f"Blob {sha256} is damaged.", "Run `hybridcode audit verify`.")
        return data

    def delete(self, session: str) -> None:
        """Remove a session with its approvals, and blobs that no other session uses; their bytes are overwritten.

        Raises:
            SessionBusy: another process works on it.
        """
        with self.claimed(session), self.transaction() as writes:
            for table in ("event", "approval", "blob_use"):
                writes.execute(f"DELETE FROM {table} WHERE session = ?", (session,))
            writes.execute("DELETE FROM session WHERE id = ?", (session,))
            writes.execute("DELETE FROM blob WHERE sha256 NOT IN (SELECT sha256 FROM blob_use)")
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)")


@dataclass
class Transaction:
    """A write in progress; only valid inside `Journal.transaction`."""

    _connection: sqlite3.Connection
    _clock: Clock
    _scrub: Scrub
    has_events: bool = field(default=False, init=False)

    def now(self) -> str:
        """UTC, ISO 8601 with microseconds and `Z`."""
        return self._clock().astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self._connection.execute(sql, parameters)

    def append(self, session: str, event: Event) -> Envelope:
        """Add an event to the end of a session's chain, wherever other processes have moved that end."""
        at, event = self.now(), self._scrub(event)
        head = self.execute("SELECT head_seq, head_hash FROM session WHERE id = ?", (session,)).fetchone()
        if head is None:
            head = (0, chain.GENESIS)
            self.execute("INSERT INTO session VALUES (?, ?, ?, ?)", (session, at, *head))
        seq, prev_hash = int(head[0]) + 1, str(head[1])
        text = canonical_json(event)
        digest = chain.link(session, seq, at, prev_hash=prev_hash, event=text)
        self.execute(
            "INSERT INTO event (session, seq, at, prev_hash, hash, event) VALUES (?, ?, ?, ?, ?, ?)",
            (session, seq, at, prev_hash, digest, text.decode()),
        )
        self.execute("UPDATE session SET head_seq = ?, head_hash = ? WHERE id = ?", (seq, digest, session))
        self.has_events = True
        return Envelope(session, seq, at, prev_hash, digest, event)

    def put_blob(self, session: str, data: bytes) -> str:
        """Store bytes under their SHA-256, compressed where that is smaller."""
        digest = sha256_hex(data)
        if not self.keep_blob(session, digest):
            packed = zlib.compress(data)
            is_zlib = len(packed) < len(data)
            self.execute("INSERT INTO blob VALUES (?, ?, ?)", (digest, is_zlib, packed if is_zlib else data))
            self.execute("INSERT OR IGNORE INTO blob_use VALUES (?, ?)", (session, digest))
        return digest

    def keep_blob(self, session: str, sha256: str) -> bool:
        """Note that a session uses a blob. False: there is none with this digest."""
        if self.execute("SELECT 1 FROM blob WHERE sha256 = ?", (sha256,)).fetchone() is None:
            return False
        self.execute("INSERT OR IGNORE INTO blob_use VALUES (?, ?)", (session, sha256))
        return True

    def drop_blob(self, session: str, sha256: str) -> None:
        """Remove a blob from a session, and altogether if no other one uses it."""
        self.execute("DELETE FROM blob_use WHERE session = ? AND sha256 = ?", (session, sha256))
        self.execute("DELETE FROM blob WHERE sha256 = ? AND sha256 NOT IN (SELECT sha256 FROM blob_use)", (sha256,))


class SessionJournal:
    """One session's events and blobs. Implements the Recorder port."""

    def __init__(self, journal: Journal, session_id: str) -> None:
        self.journal = journal
        self.id = session_id

    def append(self, event: Event) -> Envelope:
        """Add an event; on disk when this returns.

        Raises:
            JournalError: it could not be written, and nothing was.
        """
        with self.journal.transaction() as writes:
            return writes.append(self.id, event)

    def record(self, event: Event) -> None:
        """`append` for those who need no envelope."""
        self.append(event)

    def envelopes(self, after: int = 0) -> list[Envelope]:
        """Envelopes with seq > `after`, in order."""
        return self.journal.envelopes(self.id, after=after)

    def put_blob(self, data: bytes) -> str:
        """Store bytes under their SHA-256 and return it; on disk when this returns."""
        with self.journal.transaction() as writes:
            return writes.put_blob(self.id, data)

    def put_blobs(self, contents: Iterable[bytes]) -> None:
        """`put_blob` of many, all or none."""
        with self.journal.transaction() as writes:
            for data in contents:
                writes.put_blob(self.id, data)

    def keep_known(self, digests: Collection[str]) -> set[str]:
        """Those of `digests` whose bytes the journal has, kept from now on for this session too."""
        with self.journal.transaction() as writes:
            return {digest for digest in digests if writes.keep_blob(self.id, digest)}

    def drop_blob(self, sha256: str) -> None:
        """Let go of bytes that only this session's present needed."""
        with self.journal.transaction() as writes:
            writes.drop_blob(self.id, sha256)

    def get_blob(self, sha256: str) -> bytes:
        """The bytes behind a digest, checked. Raises IntegrityError."""
        return self.journal.load_blob(sha256)

    def subscribe(self, callback: Callback) -> Callable[[], None]:
        """Call back with every envelope that is appended from now on, by whatever process; returns `unsubscribe`."""
        head = self.journal.rows("SELECT head_seq FROM session WHERE id = ?", (self.id,))
        return self.journal.subscribe(self.id, callback, after=int(head[0][0]) if head else 0)

    def catch_up(self) -> None:
        """Deliver events that other processes appended."""
        self.journal.catch_up()

    def claimed(self) -> contextlib.AbstractContextManager[None]:
        """Inside, nobody else works on this session. Raises SessionBusy."""
        return self.journal.claimed(self.id)

    def require(self) -> Self:
        """This session, if anything was ever recorded in it.

        Raises:
            NoSuchSession: there is no such session.
        """
        if not self.journal.rows("SELECT 1 FROM session WHERE id = ?", (self.id,)):
            raise NoSuchSession(f"There is no session {self.id}.", "`hybridcode sessions list` shows those there are.")
        return self


_SESSIONS = """
SELECT id, opened_at,
    coalesce((SELECT json_extract(event, '$.task.text') FROM event
              WHERE session = id AND type = 'TaskGiven' ORDER BY seq LIMIT 1),
             (SELECT 'calibrate: ' || json_extract(event, '$.check') FROM event
              WHERE session = id AND type = 'CalibrationBegun' LIMIT 1), ''),
    (SELECT at FROM event WHERE session = id AND seq = head_seq),
    coalesce((SELECT json_extract(event, '$.exit_reason') FROM event
              WHERE session = id AND type = 'TaskEnded' ORDER BY seq DESC LIMIT 1), ''),
    (SELECT count(*) FROM approval WHERE approval.session = session.id AND state = 'pending'),
    EXISTS (SELECT 1 FROM event WHERE session = id AND type = 'CalibrationBegun')
FROM session ORDER BY opened_at DESC, id DESC
"""
