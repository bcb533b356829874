"""The index on disk: one SQLite file per work tree in the user's cache folder.

Invariant: everything in it can be rebuilt from the files at will and nothing in it touches a score but through the
bytes of the files; another version of the program, of a grammar or a broken file means an empty index, never a wrong
one. What one process put away, another may go on reading: no name of a file is ever used twice.
"""

import contextlib
import fcntl
import secrets
import sqlite3
import threading
import zlib
from array import array
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from hybridcode.context.records import FileRecord
from hybridcode.context.segments import DEFINES, REFERS, Segment, bucket_of, unpack
from hybridcode.domain.errors import ContextError
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
    bucket INTEGER NOT NULL, segment INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (bucket, segment)
) WITHOUT ROWID;
CREATE TABLE seen (path TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE past (id TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
"""
_PLACES = "SELECT key, id, segment, first, chunks, lengths, unfit FROM file WHERE key IN"
_COMMITS = "SELECT id, data FROM past WHERE id IN"
_POSTINGS = "SELECT bucket, segment, data FROM posting WHERE bucket IN"
_RECORDS = "SELECT file, data FROM record WHERE file IN"
_BUCKET = msgspec.msgpack.Decoder(dict[str, bytes])
_RECORD = msgspec.msgpack.Decoder(FileRecord)
_BUSY_S = 5.0
_MANY = 500
"""Values in one SQL statement."""
_PART = 4
"""Who asks for less than this part (1/4) of what was asked for last does not ask for a whole tree."""
_KEPT_BYTES = 8_000_000
"""Of records, as they are stored; in memory they take about four times as much."""
_NAMED = 12
"""Characters of the version and of a random part in the name of a file."""
_SEAL_BYTES = 4
_PRIMARY = 0xFF
"""The part of SQLite's error codes that says what kind of error it is."""


class IndexBroken(ContextError):
    """What is stored cannot be read or added to. The store has put its file away; another one does the same work."""


@dataclass(frozen=True)
class StoredFile:
    """Where a file's chunks are."""

    id: int
    segment: int
    first: int
    chunks: int
    lengths: "array[int]"
    """Identifiers in each chunk."""
    unfit: str
    """Why the content is not ranked; empty for most."""


class IndexStore:
    """Rows of the index. Safe to use from several threads; several processes may have the file open."""

    def __init__(self, connection: sqlite3.Connection, *, path: Path | None, version: str, reason: str = "") -> None:
        self._connection = connection
        self._path = path
        self._version = version
        self._lock = threading.RLock()
        self.reason = reason
        """Why the index is kept in memory only; empty where it is on disk."""
        self._places: Mapping[str, StoredFile] = {}
        """Those asked for last, and since then for parts of a tree: an edited one asks for nearly the same ones, and a
        row is never changed."""
        self._records = _Records()
        self._seen: Mapping[str, Remembered] | None = None
        """What files looked like, once it was asked for."""

    @classmethod
    def open(cls, folder: Path | None, *, version: str) -> "IndexStore":
        """Open or make the index in `folder`; in memory for None, and where no file can be kept there."""
        if folder is None:
            return cls.in_memory(version=version)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with _locked(folder):
                path, connection = _opened(folder, version)
            return cls(connection, path=path, version=version)
        except (OSError, sqlite3.Error) as error:
            return cls.in_memory(version=version, reason=f"the index cannot be kept in {folder}: {error}")

    @classmethod
    def in_memory(cls, *, version: str, reason: str = "") -> "IndexStore":
        """A store that is gone when it is closed."""
        return cls(_fresh(":memory:", version), path=None, version=version, reason=reason)

    def renewed(self) -> "IndexStore":
        """An empty store in place of this one, which stays as it is for those who still read it."""
        if self._path is None:
            return self.in_memory(version=self._version, reason=self.reason)
        self._put_away()
        return self.open(self._path.parent, version=self._version)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def files(self, keys: Collection[str]) -> Mapping[str, StoredFile]:
        """Those of `keys` that are indexed."""
        with self._reading() as connection:
            places = {key: place for key in keys if (place := self._places.get(key)) is not None}
            for key, number, segment, first, chunks, lengths, unfit in _rows(
                connection, _PLACES, [key for key in keys if key not in places]
            ):
                places[key] = StoredFile(number, segment, first, chunks, unpack(_unsealed(lengths)), unfit)
            is_part = len(places) * _PART < len(self._places)
            self._places = {**self._places, **places} if is_part else places
            return places

    def segments(self) -> dict[int, int]:
        """Number of chunks of each segment."""
        with self._reading() as connection:
            return dict(connection.execute("SELECT id, chunks FROM segment ORDER BY id"))

    def postings(self, terms: Collection[str]) -> dict[str, list[tuple[int, bytes]]]:
        """Segments and packed postings of each term."""
        wanted: dict[int, set[str]] = {}
        for term in terms:
            wanted.setdefault(bucket_of(term), set()).add(term)
        return {term: [] for term in terms} | self._held(wanted)

    def links(self, names: Collection[str]) -> Mapping[str, list[tuple[int, bytes]]]:
        """The same of names, with DEFINES and with REFERS in front, where they stand at all."""
        wanted: dict[int, set[str]] = {}
        for name in names:
            wanted.setdefault(bucket_of(DEFINES + name), set()).update((DEFINES + name, REFERS + name))
        return self._held(wanted)

    def _held(self, wanted: Mapping[int, set[str]]) -> dict[str, list[tuple[int, bytes]]]:
        """Segments and packed postings of what is wanted of each bucket and stands there."""
        found: dict[str, list[tuple[int, bytes]]] = {}
        with self._reading() as connection:
            for bucket, segment, data in _rows(connection, _POSTINGS, wanted):
                held = _BUCKET.decode(_unsealed(data))
                for term in held.keys() & wanted[bucket]:
                    found.setdefault(term, []).append((segment, held[term]))
        return found

    def records(self, files: Collection[int]) -> dict[int, FileRecord]:
        """The records of stored files."""
        with self._reading() as connection:
            found = {file: record for file in files if (record := self._records.get(file)) is not None}
            for file, data in _rows(connection, _RECORDS, [file for file in files if file not in found]):
                found[file] = self._records.keep(file, _RECORD.decode(_unsealed(data)), size=len(data))
            if len(found) < len(set(files)):
                raise _Damaged("a record is missing")
            return found

    def record_at_hand(self, file: int) -> FileRecord | None:
        """The record of a stored file, if it was read lately."""
        return self._records.get(file)

    def add(self, segment: Segment) -> None:
        """Store a segment, all of it or nothing; files that another process stored meanwhile keep their first place."""
        with self._writing() as connection:
            chunks = sum(file.chunks for file in segment.files)
            (number,) = connection.execute("INSERT INTO segment (chunks) VALUES (?) RETURNING id", (chunks,)).fetchone()
            for file in segment.files:
                row = connection.execute(
                    "INSERT OR IGNORE INTO file (key, segment, first, chunks, lengths, unfit) VALUES (?, ?, ?, ?, ?, ?)"
                    " RETURNING id",
                    (file.key, number, file.first, file.chunks, _sealed(file.lengths), file.unfit),
                ).fetchone()
                if row is not None:
                    connection.execute("INSERT INTO record VALUES (?, ?)", (row[0], _sealed(file.record)))
            connection.executemany(
                "INSERT INTO posting VALUES (?, ?, ?)",
                ((bucket, number, _sealed(data)) for bucket, data in segment.postings),
            )

    def recall(self) -> Mapping[str, Remembered]:
        """What the tree's files looked like when they were last read, by path; what another process has put there since
        the first time is not looked at."""
        with self._reading() as connection:
            if self._seen is None:
                rows = connection.execute("SELECT path, data FROM seen").fetchall()
                self._seen = {path: msgspec.msgpack.decode(_unsealed(data), type=Remembered) for path, data in rows}
            return self._seen

    def remember(self, seen: Mapping[str, Remembered], forgotten: Collection[str]) -> None:
        """Keep what files look like now."""
        rows = [(path, _sealed(msgspec.msgpack.encode(facts))) for path, facts in sorted(seen.items())]
        with self._writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?)", rows)
            connection.executemany("DELETE FROM seen WHERE path = ?", [(path,) for path in sorted(forgotten)])
        with self._lock:
            known = {**(self._seen or {}), **seen}
            for path in forgotten:
                if path not in seen:
                    known.pop(path, None)
            self._seen = known

    def commits(self, ids: Sequence[str], *, prefix: str) -> dict[str, Commit]:
        """Those commits that were read before, as they are seen from the folder `prefix` of their work tree."""
        with self._reading() as connection:
            rows = list(
                _rows(connection, "SELECT id, data FROM past WHERE id IN", [_seen_from(prefix, i) for i in ids])
            )
            found = [msgspec.msgpack.decode(_unsealed(data), type=Commit) for _, data in rows]
            return {commit.id: commit for commit in found}

    def keep_commits(self, commits: Iterable[Commit], *, prefix: str) -> None:
        """Keep commits for the next time."""
        rows = [(_seen_from(prefix, commit.id), _sealed(msgspec.msgpack.encode(commit))) for commit in commits]
        with self._writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO past VALUES (?, ?)", rows)

    @contextlib.contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        with self._lock, self._guarded():
            yield self._connection

    @contextlib.contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        """One transaction."""
        with self._lock, self._guarded():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def _guarded(self) -> Generator[None]:
        """Whatever is wrong with the file (broken, full, locked for good) becomes IndexBroken."""
        try:
            yield
        except sqlite3.ProgrammingError:
            raise
        except (sqlite3.DatabaseError, msgspec.MsgspecError, _Damaged) as error:
            if not isinstance(error, sqlite3.DatabaseError) or _is_corrupt(error):
                self._put_away()
            raise IndexBroken(f"the index cannot be used: {error}", "It is made anew.") from error

    def _put_away(self) -> None:
        """Nobody opens this file any more; those who have it open are not disturbed."""
        if self._path is not None:
            with contextlib.suppress(OSError), _locked(self._path.parent):
                self._path.unlink(missing_ok=True)


class _Records:
    """Records read lately: the next question about the same tree, or the same after an edit, looks at most of them
    again. A row is never changed, so they hold as long as the store."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[FileRecord, int]] = {}
        """With the bytes stored, the oldest first."""
        self._room = _KEPT_BYTES

    def get(self, file: int) -> FileRecord | None:
        kept = self._kept.get(file)
        return kept[0] if kept else None

    def keep(self, file: int, record: FileRecord, *, size: int) -> FileRecord:
        """Keep one more, and forget the oldest ones where that is too much."""
        self._room -= size
        while self._room < 0 and self._kept:
            self._room += self._kept.pop(next(iter(self._kept)))[1]
        self._kept[file] = record, size
        return record


class _Damaged(Exception):
    """Bytes are not those that were written."""


def _sealed(data: bytes) -> bytes:
    """With a checksum in front: SQLite has none, and a page that a crash left empty must not pass for data."""
    return zlib.crc32(data).to_bytes(_SEAL_BYTES, "little") + data


def _unsealed(data: bytes) -> bytes:
    seal, whole = data[:_SEAL_BYTES], data[_SEAL_BYTES:]
    if seal != zlib.crc32(whole).to_bytes(_SEAL_BYTES, "little"):
        raise _Damaged("a checksum does not fit")
    return whole


def _seen_from(prefix: str, commit: str) -> str:
    return f"{commit} {prefix}"


def _rows(
    connection: sqlite3.Connection, query: str, values: Collection[str] | Collection[int]
) -> Iterator[tuple[Any, ...]]:
    wanted = sorted(values)
    for at in range(0, len(wanted), _MANY):
        part = wanted[at : at + _MANY]
        yield from connection.execute(f"{query} ({','.join('?' * len(part))})", part)


@contextlib.contextmanager
def _locked(folder: Path) -> Generator[None]:
    """Only one process at a time opens or puts away files of the folder."""
    with (folder / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _opened(folder: Path, version: str) -> tuple[Path, sqlite3.Connection]:
    """The folder's index of this version, or a new one; all others are removed."""
    start = f"index-{version[:_NAMED]}-"
    path, connection = folder, None
    for path in sorted(folder.glob(f"{start}*.db")):
        if (connection := _reopened(path, version)) is not None:
            break
    if connection is None:
        path = folder / f"{start}{secrets.token_hex(_NAMED // 2)}.db"
        connection = _fresh(str(path), version)
    for other in folder.glob("index*"):
        if not other.name.startswith(path.name):
            other.unlink(missing_ok=True)
    return path, connection


def _reopened(path: Path, version: str) -> sqlite3.Connection | None:
    """The index at `path`; None if it is broken or was never finished."""
    connection = _connected(str(path))
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        exists = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone()
        if exists and connection.execute("SELECT version FROM meta").fetchone() == (version,):
            return connection
    except sqlite3.DatabaseError as error:
        if not _is_corrupt(error):
            connection.close()
            raise
    connection.close()
    return None


def _connected(name: str) -> sqlite3.Connection:
    return sqlite3.connect(name, isolation_level=None, check_same_thread=False, timeout=_BUSY_S)


def _fresh(name: str, version: str) -> sqlite3.Connection:
    connection = _connected(name)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA}")
        connection.execute("INSERT INTO meta VALUES (?)", (version,))
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


_PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT,
    }
)  # fmt: skip
"""Errors that say nothing against what is stored."""


def _is_corrupt(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY not in _PASSING
