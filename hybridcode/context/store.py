"""The index on disk: one SQLite file per work tree in the user's cache folder.

Invariant: everything in it can be rebuilt from the files at will and nothing in it touches a score but through the
bytes of the files; another version of the program, of a grammar or a broken file means an empty index, never a wrong
one.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from hybridcode.context.records import FileRecord
from hybridcode.context.segments import Segment
from hybridcode.repo.history import Commit
from hybridcode.repo.memory import Remembered

_SCHEMA = """
CREATE TABLE meta (version TEXT NOT NULL);
CREATE TABLE segment (id INTEGER PRIMARY KEY, chunks INTEGER NOT NULL);
CREATE TABLE file (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, segment INTEGER NOT NULL, first INTEGER NOT NULL,
    chunks INTEGER NOT NULL, lengths BLOB NOT NULL, unfit TEXT NOT NULL
);
CREATE TABLE record (file INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE posting (
    term TEXT NOT NULL, segment INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (term, segment)
) WITHOUT ROWID;
CREATE TABLE seen (path TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE past (id TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
"""
_PLACES = "SELECT key, id, segment, first, chunks, lengths, unfit FROM file WHERE key IN"
_BUSY_MS = 5_000
_MANY = 500
"""Values in one SQL statement."""


@dataclass(frozen=True)
class StoredFile:
    """Where a file's chunks are."""

    id: int
    segment: int
    first: int
    chunks: int
    lengths: bytes
    unfit: str
    """Why the content is not ranked; empty for most."""


class IndexStore:
    """Rows of the index. Safe to use from several threads; several processes may have the file open."""

    def __init__(self, connection: sqlite3.Connection, reason: str = "") -> None:
        self._connection = connection
        self._lock = threading.RLock()
        self.reason = reason
        """Why the index is kept in memory only; empty where it is on disk."""

    @classmethod
    def open(cls, path: Path | None, *, version: str) -> "IndexStore":
        """Open or make the index at `path`; in memory for None, and where the file cannot be used."""
        if path is None:
            return cls(_fresh(":memory:", version))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return cls(_opened(path, version))
        except (OSError, sqlite3.Error) as error:
            return cls(_fresh(":memory:", version), reason=f"the index cannot be kept in {path.parent}: {error}")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def files(self, keys: Collection[str]) -> dict[str, StoredFile]:
        """Those of `keys` that are indexed."""
        found: dict[str, StoredFile] = {}
        with self._lock:
            for key, *place in self._rows(
                "SELECT key, id, segment, first, chunks, lengths, unfit FROM file WHERE key IN", keys
            ):
                found[key] = StoredFile(*place)
        return found

    def segments(self) -> dict[int, int]:
        """Number of chunks of each segment."""
        with self._lock:
            return dict(self._connection.execute("SELECT id, chunks FROM segment ORDER BY id"))

    def postings(self, term: str) -> list[tuple[int, bytes]]:
        """Segment and packed postings of one term."""
        with self._lock:
            return self._connection.execute("SELECT segment, data FROM posting WHERE term = ?", (term,)).fetchall()

    def record(self, file: int) -> FileRecord:
        """The record of a stored file."""
        with self._lock:
            (data,) = self._connection.execute("SELECT data FROM record WHERE file = ?", (file,)).fetchone()
        return msgspec.msgpack.decode(data, type=FileRecord)

    def add(self, segment: Segment) -> None:
        """Store a segment, all of it or nothing; files that another process stored meanwhile keep their first place."""
        with self._writing() as connection:
            chunks = sum(file.chunks for file in segment.files)
            (number,) = connection.execute("INSERT INTO segment (chunks) VALUES (?) RETURNING id", (chunks,)).fetchone()
            for file in segment.files:
                row = connection.execute(
                    "INSERT OR IGNORE INTO file (key, segment, first, chunks, lengths, unfit) VALUES (?, ?, ?, ?, ?, ?)"
                    " RETURNING id",
                    (file.key, number, file.first, file.chunks, file.lengths, file.unfit),
                ).fetchone()
                if row is not None:
                    connection.execute("INSERT INTO record VALUES (?, ?)", (row[0], file.record))
            connection.executemany(
                "INSERT INTO posting VALUES (?, ?, ?)", ((term, number, data) for term, data in segment.postings)
            )

    def clear(self) -> None:
        """Forget all files (not what is remembered of the tree and of git's past)."""
        with self._writing() as connection:
            for table in ("segment", "file", "record", "posting"):
                connection.execute(f"DELETE FROM {table}")

    def recall(self) -> Mapping[str, Remembered]:
        """What the tree's files looked like when they were last read, by path."""
        with self._lock:
            rows = self._connection.execute("SELECT path, data FROM seen").fetchall()
        return {path: msgspec.msgpack.decode(data, type=Remembered) for path, data in rows}

    def remember(self, seen: Mapping[str, Remembered], forgotten: Collection[str]) -> None:
        """Keep what files look like now."""
        rows = [(path, msgspec.msgpack.encode(facts)) for path, facts in sorted(seen.items())]
        with self._writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?)", rows)
            connection.executemany("DELETE FROM seen WHERE path = ?", [(path,) for path in sorted(forgotten)])

    def commits(self, ids: Sequence[str]) -> dict[str, Commit]:
        """Those commits that were read before."""
        with self._lock:
            rows = list(self._rows("SELECT id, data FROM past WHERE id IN", ids))
        return {commit: msgspec.msgpack.decode(data, type=Commit) for commit, data in rows}

    def keep_commits(self, commits: Iterable[Commit]) -> None:
        """Keep commits for the next time."""
        rows = [(commit.id, msgspec.msgpack.encode(commit)) for commit in commits]
        with self._writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO past VALUES (?, ?)", rows)

    def _rows(self, query: str, values: Collection[str]) -> Iterator[tuple[Any, ...]]:
        wanted = sorted(values)
        for at in range(0, len(wanted), _MANY):
            part = wanted[at : at + _MANY]
            yield from self._connection.execute(f"{query} ({','.join('?' * len(part))})", part)

    @contextlib.contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        """One transaction. A full disk or a lock that never opens costs the index, not the query."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


def _opened(path: Path, version: str) -> sqlite3.Connection:
    """The index at `path`, made anew where it is broken or of another version."""
    try:
        connection = _connected(str(path))
        if _version(connection) == version:
            return connection
        connection.close()
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            raise
    for name in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        name.unlink(missing_ok=True)
    return _fresh(str(path), version)


def _connected(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, isolation_level=None, check_same_thread=False, timeout=_BUSY_MS / 1000)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _fresh(name: str, version: str) -> sqlite3.Connection:
    connection = _connected(name)
    connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
    connection.execute("INSERT INTO meta VALUES (?)", (version,))
    return connection


def _version(connection: sqlite3.Connection) -> str:
    exists = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone()
    row = connection.execute("SELECT version FROM meta").fetchone() if exists else None
    return str(row[0]) if row else ""
