import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from hybridcode.config.paths import cache_dir, state_dir
from hybridcode.context.index import Index
from hybridcode.context.records import FileRecord
from hybridcode.context.segments import COUNT_BITS, IndexedFile, Segment, Source, build_segment, pack
from hybridcode.context.store import IndexBroken, IndexStore
from hybridcode.repo.entry import FileEntry
from hybridcode.repo.history import Commit
from hybridcode.repo.memory import Remembered
from tests.support.contexts import answer_bytes, fresh_bytes
from tests.support.repos import git_repository, write_tree

VERSION = "f" * 64
QUERY = "settle the ledger of a Basket"
FILES = {
    f"shop/part{number}.py": f"class Basket{number}:\n    def settle(self, ledger):\n        return {number}\n" * 9
    for number in range(24)
}
SEEN = Remembered(FileEntry("a.py", "0" * 64, 1, 0o644, "text"), (0o100644, 1, 2, 3, 4))


class Cancelled(tuple[tuple[int, bytes], ...]):
    """Postings in the middle of which a person gives up."""

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        yield from super().__iter__()
        raise KeyboardInterrupt


def segment(*texts: str) -> Segment:
    return build_segment([Source(f"python:{text}", f"{number}.py", text.encode()) for number, text in enumerate(texts)])


def database(folder: Path) -> Path:
    (found,) = folder.glob("index*.db")
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def store(folder: Path) -> Iterator[IndexStore]:
    with_file = IndexStore.open(folder, version=VERSION)
    yield with_file
    with_file.close()


def test_what_is_added_is_found_again_by_another_process(store: IndexStore, folder: Path) -> None:
    store.add(segment("def settle(ledger):\n    pass\n", "x = 1\n"))
    again = IndexStore.open(folder, version=VERSION)
    found = again.files(["python:x = 1\n", "python:absent"])
    assert list(found) == ["python:x = 1\n"]
    assert found["python:x = 1\n"].chunks == 1
    assert again.postings(["ledg", "absent"]) == {"ledg": [(1, pack([1]))], "absent": []}
    assert again.records([1])[1].symbols[0].name == "settle"
    assert again.segments() == {1: 2}
    again.close()


def test_a_file_that_two_processes_add_has_one_place(store: IndexStore, folder: Path) -> None:
    other = IndexStore.open(folder, version=VERSION)
    store.add(segment("def settle(ledger):\n    pass\n", "a = 1\n"))
    place = store.files(["python:a = 1\n"])
    other.add(segment("a = 1\n", "b = 1\n"))
    assert other.files(["python:a = 1\n"]) == store.files(["python:a = 1\n"]) == place
    assert store.segments() == {1: 2, 2: 2}
    other.close()


def test_places_met_before_hide_nothing_that_came_later(store: IndexStore, folder: Path) -> None:
    store.add(segment("a = 1\n"))
    keys = ["python:a = 1\n", "python:b = 1\n"]
    (first,) = store.files(keys).values()
    other = IndexStore.open(folder, version=VERSION)
    other.add(segment("b = 1\n"))
    assert [store.files(keys)[key].segment for key in keys] == [first.segment, 2]
    assert list(store.files(keys[1:])) == keys[1:]
    assert store.files(keys) == other.files(keys)
    other.close()


def test_records_read_lately_are_at_hand_and_the_oldest_are_read_again(store: IndexStore) -> None:
    records = [FileRecord((), (), {}, (f"{number:07}" * 160_000,)) for number in range(1, 10)]
    files = (
        IndexedFile(f"key{number}", number, 1, pack([0]), msgspec.msgpack.encode(record), "")
        for number, record in enumerate(records)
    )
    store.add(Segment(tuple(files), ()))
    assert store.record_at_hand(1) is None
    assert store.records(range(1, 10)) == dict(enumerate(records, 1))
    assert (store.record_at_hand(1), store.record_at_hand(9)) == (None, records[8])
    assert store.records(range(1, 10)) == dict(enumerate(records, 1))
    assert (store.record_at_hand(1), store.record_at_hand(3)) == (records[0], None)


def test_who_defines_a_name_and_who_uses_it_stand_together(store: IndexStore) -> None:
    store.add(segment("def settle(ledger):\n    pass\n", "settle(1)\n", "absent()\n"))
    store.add(segment("settle(2)\nsettle(3)\n"))
    assert store.links(["settle", "absent", "nowhere"]) == {
        "d:settle": [(1, pack([1]))],
        "r:settle": [(1, pack([1 << COUNT_BITS | 1])), (2, pack([2]))],
        "r:absent": [(1, pack([2 << COUNT_BITS | 1]))],
    }


def test_more_values_than_a_statement_takes(store: IndexStore) -> None:
    texts = [f"settle{number} = 1\n" for number in range(1_203)]
    store.add(segment(*texts))
    assert len(store.files([f"python:{text}" for text in texts])) == 1_203
    store.remember({f"{number}.py": SEEN for number in range(1_203)}, ())
    assert len(store.recall()) == 1_203
    assert len(store.postings([f"settle{number}" for number in range(1_203)])) == 1_203


def test_stamps_are_kept_and_forgotten(store: IndexStore) -> None:
    store.remember({"a": SEEN, "b": SEEN}, ())
    store.remember({}, ["a", "absent"])
    assert store.recall() == {"b": SEEN}


def test_commits_are_kept_for_one_place_in_the_work_tree(store: IndexStore) -> None:
    store.keep_commits([Commit("a1", "start", ("a.py",))], prefix="")
    store.keep_commits([Commit("a1", "start", ())], prefix="sub/")
    assert store.commits(["a1", "b2"], prefix="") == {"a1": Commit("a1", "start", ("a.py",))}
    assert store.commits(["a1"], prefix="sub/") == {"a1": Commit("a1", "start", ())}
    assert store.commits(["a1"], prefix="other/") == {}


def test_another_version_begins_empty_and_disturbs_nobody(store: IndexStore, folder: Path) -> None:
    store.add(segment("a = 1\n"))
    newer = IndexStore.open(folder, version="e" * 64)
    assert newer.files(["python:a = 1\n"]) == {}
    newer.add(segment("a = 1\n"))
    store.add(segment("b = 1\n"))
    assert len(store.files(["python:a = 1\n", "python:b = 1\n"])) == 2
    store.close()
    assert len(newer.files(["python:a = 1\n", "python:b = 1\n"])) == 1
    newer.close()
    again = IndexStore.open(folder, version="e" * 64)
    assert len(again.files(["python:a = 1\n"])) == 1
    again.close()
    assert len(list(folder.glob("*.db*"))) == 1


def test_a_renewed_store_is_empty_and_the_old_one_stays_readable(store: IndexStore, folder: Path) -> None:
    store.add(segment("a = 1\n"))
    other = IndexStore.open(folder, version=VERSION)
    renewed = store.renewed()
    assert renewed.files(["python:a = 1\n"]) == {}
    renewed.add(segment("b = 1\n", "a = 1\n"))
    for older in (store, other):
        assert older.segments() == {1: 1}
        assert older.files(["python:a = 1\n"])["python:a = 1\n"].first == 0
        older.close()
    assert renewed.files(["python:a = 1\n"])["python:a = 1\n"].first == 1
    renewed.close()
    assert IndexStore.open(folder, version=VERSION).segments() == {1: 2}


def test_a_cancelled_write_leaves_nothing(store: IndexStore) -> None:
    with pytest.raises(KeyboardInterrupt):
        store.add(Segment(segment("a = 1\n").files, Cancelled(segment("a = 1\n").postings)))
    assert store.segments() == {}
    store.add(segment("a = 1\n"))
    assert store.postings(["settle"]) == {"settle": []}


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "text": lambda data: b"this is no database\n" * 900,
    "half": lambda data: data[: len(data) // 2],
    "a page short": lambda data: data[:-4_096],
    "only its head": lambda data: data[:100],
    "zeros": lambda data: bytes(len(data)),
    "a broken first page": lambda data: data[:16] + os.urandom(4_080) + data[4_096:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_broken_is_made_anew(folder: Path, damage: str) -> None:
    first = IndexStore.open(folder, version=VERSION)
    first.add(segment("a = 1\n"))
    first.close()
    path = database(folder)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    again = IndexStore.open(folder, version=VERSION)
    assert again.reason == ""
    assert again.files(["python:a = 1\n"]) == {}
    again.add(segment("a = 1\n"))
    again.close()
    assert len(list(folder.glob("*.db*"))) == 1


def test_a_file_in_place_of_the_folder_means_an_index_in_memory(folder: Path) -> None:
    folder.write_bytes(b"")
    store = IndexStore.open(folder, version=VERSION)
    assert str(folder) in store.reason
    store.add(segment("a = 1\n"))
    assert len(store.files(["python:a = 1\n"])) == 1
    assert folder.read_bytes() == b""
    store.close()


def test_a_lock_that_never_opens_is_said_as_what_it_is(store: IndexStore, folder: Path) -> None:
    with sqlite3.connect(database(folder), isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(IndexBroken, match="locked"):
            store.add(segment("a = 1\n"))
        other.execute("ROLLBACK")
    assert database(folder).exists()


def test_a_closed_store_is_a_mistake_of_ours_and_no_broken_file(store: IndexStore, folder: Path) -> None:
    store.close()
    with pytest.raises(sqlite3.ProgrammingError):
        store.segments()
    assert database(folder).exists()


def whole_tree(tmp_path: Path, make: Callable[[Path, dict[str, str]], Path] = write_tree) -> tuple[Path, bytes, Path]:
    """A tree, what is to be said of it, and its index on disk, closed."""
    root = make(tmp_path / "tree", FILES)
    index = Index.open(root)
    said = answer_bytes(index, root, QUERY)
    index.close()
    return root, said, state_dir(root, str(cache_dir() / "index"))


def ask_twice(root: Path) -> list[bytes]:
    """What a process says whose index turns out to be broken, and one that comes later."""
    said: list[bytes] = []
    for _ in range(2):
        index = Index.open(root)
        said.append(answer_bytes(index, root, QUERY))
        index.close()
    return said


def test_no_page_that_a_crash_left_empty_gives_a_wrong_answer(tmp_path: Path) -> None:
    root, wanted, folder = whole_tree(tmp_path)
    whole = database(folder).read_bytes()
    pages = len(whole) // 4_096
    assert pages > 20
    for page in range(1, pages):
        path = database(folder)
        path.write_bytes(whole[: page * 4_096] + bytes(4_096) + whole[(page + 1) * 4_096 :])
        assert ask_twice(root) == [wanted, wanted], page


def test_changed_bytes_in_stored_data_give_no_wrong_answer(tmp_path: Path) -> None:
    root, wanted, folder = whole_tree(tmp_path, git_repository)
    for table in ("record", "posting", "seen", "past"):
        with sqlite3.connect(database(folder)) as connection:
            connection.execute(f"UPDATE {table} SET data = substr(data, 1, length(data) - 1) || x'41'")
        assert ask_twice(root) == [wanted, wanted], table
    with sqlite3.connect(database(folder)) as connection:
        connection.execute("UPDATE file SET lengths = x'0000'")
    assert ask_twice(root) == [wanted, wanted]


@pytest.mark.parametrize("table", ["segment", "file", "record", "posting", "seen", "past"])
def test_a_table_that_is_gone_gives_no_wrong_answer(tmp_path: Path, table: str) -> None:
    root, wanted, folder = whole_tree(tmp_path, git_repository)
    with sqlite3.connect(database(folder)) as connection:
        connection.execute(f"DROP TABLE {table}")
    assert ask_twice(root) == [wanted, wanted]


def test_a_record_that_is_gone_gives_no_wrong_answer(tmp_path: Path) -> None:
    root, wanted, folder = whole_tree(tmp_path)
    with sqlite3.connect(database(folder)) as connection:
        connection.execute("DELETE FROM record")
    assert ask_twice(root) == [wanted, wanted]
    assert fresh_bytes(root, QUERY) == wanted
