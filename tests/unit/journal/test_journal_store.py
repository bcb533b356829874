import os
import sqlite3
import stat
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridcode.domain.canonical import canonical_json, sha256_hex
from hybridcode.domain.errors import IntegrityError, JournalError, NoSuchSession, SessionBusy
from hybridcode.domain.events import Envelope, NoticeGiven, TaskEnded, TaskGiven
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Task
from hybridcode.journal.store import Journal, new_session_id


def notice(text: str) -> NoticeGiven:
    return NoticeGiven("info", text)


@pytest.fixture
def journal(tmp_path: Path):
    with Journal.open(tmp_path / "state" / "journal.db") as opened:
        yield opened


def damage(journal: Journal, sql: str, *parameters: object) -> None:
    other = sqlite3.connect(journal.path)
    other.execute(sql, parameters)
    other.commit()
    other.close()


def test_hash_is_that_of_the_documented_form(journal: Journal):
    session = journal.session("s")
    first = session.append(notice("one"))
    second = session.append(TaskGiven(Task("t", "größer"), "digest"))
    assert (first.seq, first.prev_hash) == (1, "0" * 64)
    assert second.prev_hash == first.hash
    assert second.hash == sha256_hex(canonical_json(["s", 2, second.at, first.hash, second.event]))


def test_what_is_read_is_what_was_appended(journal: Journal):
    session = journal.session("s")
    appended = [session.append(notice(text)) for text in ("a", "b", "c")]
    assert session.envelopes() == appended
    assert session.envelopes(after=1) == appended[1:]


def test_sessions_do_not_mix(journal: Journal):
    journal.session("a").append(notice("a"))
    journal.session("b").append(notice("b"))
    assert [envelope.session for envelope in journal.session("a").envelopes()] == ["a"]
    journal.verify()


def test_a_second_journal_continues_the_same_chain(journal: Journal):
    journal.session("s").append(notice("one"))
    with Journal.open(journal.path) as other:
        assert other.session("s").append(notice("two")).seq == 2
    assert journal.session("s").append(notice("three")).seq == 3
    journal.verify()


def test_subscribers_see_every_event_once_in_order_from_any_process(journal: Journal):
    session = journal.session("s")
    session.append(notice("before"))
    seen: list[Envelope] = []
    unsubscribe = session.subscribe(seen.append)
    session.append(notice("mine"))
    with Journal.open(journal.path) as other:
        other.session("s").append(notice("theirs"))
    session.append(notice("mine again"))
    unsubscribe()
    session.append(notice("after"))
    assert [envelope.event for envelope in seen] == [notice("mine"), notice("theirs"), notice("mine again")]


def test_a_subscriber_may_append(journal: Journal):
    session = journal.session("s")
    orders: list[list[int]] = [[], []]

    def echo(envelope: Envelope) -> None:
        orders[0].append(envelope.seq)
        if envelope.event == notice("ping"):
            session.append(notice("pong"))

    session.subscribe(echo)
    session.subscribe(lambda envelope: orders[1].append(envelope.seq))
    session.append(notice("ping"))
    assert orders == [[1, 2], [1, 2]]


def test_events_are_on_disk_before_subscribers_hear_of_them(journal: Journal):
    session = journal.session("s")
    on_disk: list[int] = []

    def look(envelope: Envelope) -> None:
        with Journal.open(journal.path) as other:
            on_disk.append(len(other.session("s").envelopes()))

    session.subscribe(look)
    session.append(notice("x"))
    assert on_disk == [1]


@pytest.mark.parametrize("data", [b"", b"x", b"a" * 100_000, bytes(range(256)) * 5])
def test_blobs_come_back_and_are_stored_once(journal: Journal, data: bytes):
    session = journal.session("s")
    digest = session.put_blob(data)
    assert digest == session.put_blob(data) == sha256_hex(data)
    assert session.get_blob(digest) == data
    assert journal.rows("SELECT count(*) FROM blob") == [(1,)]


def test_damaged_and_missing_blobs_are_refused(journal: Journal):
    digest = journal.session("s").put_blob(b"hello " * 100)
    damage(journal, "UPDATE blob SET data = ?", b"not zlib")
    with pytest.raises(IntegrityError, match="damaged"):
        journal.load_blob(digest)
    with pytest.raises(IntegrityError, match="has no blob"):
        journal.load_blob("0" * 64)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("UPDATE event SET event = replace(event, 'two', '2wo') WHERE seq = 2", "event 2 was altered"),
        ("UPDATE event SET at = 'yesterday' WHERE seq = 1", "event 1 was altered"),
        ("DELETE FROM event WHERE seq = 2", "event 2 is missing"),
        ("DELETE FROM event WHERE seq = 3", "events after 2 are missing"),
        ("UPDATE event SET prev_hash = hash WHERE seq = 3", "event 3 does not follow"),
        ("DELETE FROM session", "which is gone"),
    ],
)
def test_verify_names_what_was_tampered_with(journal: Journal, sql: str, message: str):
    for text in ("one", "two", "three"):
        journal.session("s").append(notice(text))
    journal.verify()
    damage(journal, sql)
    with pytest.raises(IntegrityError, match=message):
        journal.verify()


def test_an_event_of_another_version_is_refused(journal: Journal):
    journal.session("s").append(notice("x"))
    damage(journal, 'UPDATE event SET event = \'{"type":"Unheard"}\'')
    with pytest.raises(IntegrityError, match="Event 1 of session s"):
        journal.session("s").envelopes()


def test_session_rows(tmp_path: Path):
    times = iter(datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in range(24))
    with Journal.open(tmp_path / "j.db", clock=lambda: next(times)) as journal:
        old, new = journal.session("old"), journal.session("new")
        old.append(TaskGiven(Task("1", "first task"), ""))
        old.append(TaskGiven(Task("2", "second task"), ""))
        new.append(notice("nothing yet"))
        old.append(TaskEnded(0, "done", ()))
        rows = journal.sessions()
    assert [(row.id, row.title, row.exit_reason, row.pending) for row in rows] == [
        ("new", "", "", 0),
        ("old", "first task", "done", 0),
    ]
    assert rows[1].last_at == "2026-01-01T03:00:00.000000Z"


def test_delete_removes_a_session_and_only_what_it_alone_used(journal: Journal):
    one, two = journal.session("one"), journal.session("two")
    one.append(notice("x"))
    two.append(notice("y"))
    shared, alone = one.put_blob(b"shared"), one.put_blob(b"only of one")
    two.put_blob(b"shared")
    journal.delete("one")
    assert [row.id for row in journal.sessions()] == ["two"]
    assert journal.load_blob(shared) == b"shared"
    with pytest.raises(IntegrityError):
        journal.load_blob(alone)
    journal.verify()
    assert b"only of one" not in journal.path.read_bytes()


def test_files_are_private(tmp_path: Path):
    path = tmp_path / "new" / "journal.db"
    with Journal.open(path) as journal:
        journal.session("s").append(notice("x"))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_is_no_journal_is_refused(tmp_path: Path):
    garbage, foreign, newer = tmp_path / "garbage", tmp_path / "foreign", tmp_path / "newer"
    garbage.write_bytes(b"not a database " * 100)
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    Journal.open(newer).close()
    connection = sqlite3.connect(newer)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(IntegrityError, match="damaged"):
        Journal.open(garbage)
    with pytest.raises(IntegrityError, match="not a journal"):
        Journal.open(foreign)
    with pytest.raises(JournalError, match="newer version"):
        Journal.open(newer)


def test_require(journal: Journal):
    with pytest.raises(NoSuchSession, match="no session") as raised:
        journal.session("nope").require()
    assert raised.value.exit_code == ExitCode.USAGE
    journal.session("yes").append(notice("x"))
    assert journal.session("yes").require().id == "yes"


def test_a_session_is_claimed_by_one_at_a_time(journal: Journal):
    with Journal.open(journal.path) as other:
        journal.claim("s")
        journal.claim("s")
        with pytest.raises(SessionBusy, match=f"Session s is in use by process {os.getpid()}") as raised:
            other.claim("s")
        assert raised.value.exit_code == ExitCode.USAGE
        other.claim("another")
        journal.release("s")
        journal.release("s")
        other.claim("s")
        with pytest.raises(SessionBusy), journal.session("s").claimed():
            raise AssertionError
    journal.claim("s")


def test_claims_leave_no_files_and_stay_in_their_folder(journal: Journal):
    before = sorted(journal.path.parent.iterdir())
    journal.claim("../../s")
    (made,) = set(journal.path.parent.iterdir()) - set(before)
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    journal.release("../../s")
    assert sorted(journal.path.parent.iterdir()) == before


def test_claimed_gives_back_only_what_it_took(journal: Journal):
    session = journal.session("s")
    with Journal.open(journal.path) as other:
        with session.claimed(), pytest.raises(SessionBusy):
            other.claim("s")
        other.claim("s")
        other.release("s")
        journal.claim("s")
        with session.claimed():
            pass
        with pytest.raises(SessionBusy):
            other.claim("s")


def test_a_session_in_use_is_not_deleted(journal: Journal):
    journal.session("s").append(notice("x"))
    with Journal.open(journal.path) as other:
        other.claim("s")
        with pytest.raises(SessionBusy):
            journal.delete("s")
    journal.delete("s")
    assert journal.sessions() == []


def test_session_ids_sort_by_time_and_differ():
    early, late = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)
    assert new_session_id(early) < new_session_id(late)
    assert new_session_id(early)[:15] == "20260102-030405"
    assert len({new_session_id(early) for _ in range(50)}) > 40


@settings(max_examples=25)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=8), st.binary(max_size=300))
def test_any_text_and_bytes_survive(texts: list[str], data: bytes):
    with tempfile.TemporaryDirectory() as folder, Journal.open(Path(folder) / "j.db") as journal:
        session = journal.session("s")
        for text in texts:
            session.append(notice(text))
        digest = session.put_blob(data)
        assert [envelope.event for envelope in session.envelopes()] == [notice(text) for text in texts]
        assert session.get_blob(digest) == data
        journal.verify()
