from itertools import islice
from pathlib import Path

import pytest

from hybridcode.domain.errors import IntegrityError
from hybridcode.domain.events import NoticeGiven, TaskGiven
from hybridcode.domain.plan import Task
from hybridcode.journal.newest import newest
from hybridcode.journal.store import Journal


@pytest.fixture
def journal(tmp_path: Path):
    with Journal.open(tmp_path / "journal.db") as opened:
        yield opened


def test_events_of_one_kind_come_newest_first(journal: Journal):
    session = journal.session("s")
    for number in range(30):
        session.append(NoticeGiven("info", str(number)))
        session.append(TaskGiven(Task(f"t{number}", "a task"), "digest"))
        journal.session("other").append(NoticeGiven("info", "of another session"))
    assert [event.text for event in newest(session, NoticeGiven)] == [str(number) for number in reversed(range(30))]
    assert list(newest(journal.session("none"), NoticeGiven)) == []


def test_what_stands_behind_the_wanted_event_is_not_read(journal: Journal):
    session = journal.session("s")
    for number in range(30):
        session.append(NoticeGiven("info", str(number)))
    with journal.transaction() as writes:
        writes.execute("UPDATE event SET event = json_set(event, '$.level', 7) WHERE seq = 1")
    assert [event.text for event in islice(newest(session, NoticeGiven), 3)] == ["29", "28", "27"]
    with pytest.raises(IntegrityError, match="Event 1 "):
        list(newest(session, NoticeGiven))


def test_events_may_be_added_while_it_is_read(journal: Journal):
    session = journal.session("s")
    for number in range(10):
        session.append(NoticeGiven("info", str(number)))
    found: list[str] = []
    for event in newest(session, NoticeGiven):
        session.append(NoticeGiven("info", "later"))
        found.append(event.text)
    assert found == [str(number) for number in reversed(range(10))]
