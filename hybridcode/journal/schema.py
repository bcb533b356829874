"""How a journal file is laid out and opened, and what SQLite's errors mean for a person.

Invariant: a transaction that was left without an error is on disk (WAL, synchronous=FULL); no sqlite3 error leaves
this room: they become JournalError or IntegrityError, with advice.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Generator
from pathlib import Path

from hybridcode.domain.errors import HybridcodeError, IntegrityError, JournalError

VERSION = 1
APPLICATION_ID = 0x68796272
BUSY_MS = 10_000
"""How long one process waits for another one's transaction, in milliseconds."""

TABLES = """
CREATE TABLE session (
    id        TEXT PRIMARY KEY,
    opened_at TEXT NOT NULL,
    head_seq  INTEGER NOT NULL,
    head_hash TEXT NOT NULL
);
CREATE TABLE event (
    session   TEXT NOT NULL,
    seq       INTEGER NOT NULL,
    at        TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash      TEXT NOT NULL,
    event     TEXT NOT NULL,
    type      TEXT GENERATED ALWAYS AS (json_extract(event, '$.type')) VIRTUAL,
    PRIMARY KEY (session, seq)
);
CREATE INDEX event_by_type ON event (session, type, seq);
CREATE TABLE blob (
    sha256  TEXT PRIMARY KEY,
    is_zlib INTEGER NOT NULL,
    data    BLOB NOT NULL
);
CREATE TABLE blob_use (
    session TEXT NOT NULL,
    sha256  TEXT NOT NULL,
    PRIMARY KEY (session, sha256)
) WITHOUT ROWID;
CREATE TABLE approval (
    id         TEXT PRIMARY KEY,
    session    TEXT NOT NULL,
    state      TEXT NOT NULL,
    proposal   TEXT NOT NULL,
    decision   TEXT,
    made_at    TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    by         TEXT NOT NULL,
    reason     TEXT NOT NULL
);
CREATE INDEX approval_by_state ON approval (state, session);
"""

_WAIT = "Wait for the other hybridcode to finish, then try again."
_ADVICE = {
    sqlite3.SQLITE_FULL: ("the disk is full", "Free some space; what was recorded so far is safe."),
    sqlite3.SQLITE_READONLY: ("it is read-only", "Make the file and its folder writable, or set [audit] state_dir."),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "Make its folder writable, or set [audit] state_dir."),
    sqlite3.SQLITE_PERM: ("access is refused", "Make the file and its folder writable, or set [audit] state_dir."),
    sqlite3.SQLITE_BUSY: (
        "another process keeps it locked",
        _WAIT,
    ),
    sqlite3.SQLITE_LOCKED: ("it is locked", _WAIT),
    sqlite3.SQLITE_IOERR: ("the disk reports an error", "Check the file system (dmesg, fsck), then try again."),
}
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)


def connect(path: Path) -> sqlite3.Connection:
    """Open or create a journal file (mode 0600, a new folder gets 0700).

    Raises:
        JournalError: no permission, full disk, locked, or written by a newer version.
        IntegrityError: the file is damaged or not a journal.
    """
    _create_privately(path)
    with translated(path):
        connection = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _create_privately(path: Path) -> None:
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.parent.chmod(0o700)
        # Only when missing: closing a descriptor of the file would drop this process's SQLite locks on it.
        if not path.exists():
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW, 0o600))
    except OSError as error:
        raise JournalError(
            f"The journal {path} cannot be created: {error.strerror or error}.",
            "Make its folder writable, or set [audit] state_dir to one that is.",
        ) from error


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    _enter_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    with transaction(connection):
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version == 0:
            if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                raise IntegrityError(f"{path} is not a journal of hybridcode.", "Move it away; a new one is made.")
            for statement in TABLES.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            return
        if int(connection.execute("PRAGMA application_id").fetchone()[0]) != APPLICATION_ID:
            raise IntegrityError(f"{path} is not a journal of hybridcode.", "Move it away; a new one is made.")
        if version > VERSION:
            raise JournalError(f"{path} was written by a newer version of hybridcode.", "Upgrade hybridcode.")


def _enter_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL. SQLite does not wait for others here, so two first openers have to take turns."""
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """BEGIN IMMEDIATE ... COMMIT; anything raised inside rolls back."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def translated(path: Path) -> Generator[None]:
    """Turn sqlite3 errors into ours.

    Raises:
        JournalError: the file cannot be used now.
        IntegrityError: the file is damaged.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _advice(error, path) from error


def _advice(error: sqlite3.Error, path: Path) -> HybridcodeError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _DAMAGED:
        return IntegrityError(
            f"The journal {path} is damaged: {error}.", "Keep a copy, move it away, and start a new session."
        )
    what, hint = _ADVICE.get(code, (str(error), "Run `hybridcode doctor`."))
    return JournalError(f"The journal {path} cannot be used: {what}.", hint)
