import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from repo_tree import Notes, new_repo, write

from hybridcode.repo.look import Seen, look_at
from hybridcode.repo.memory import Remembered
from hybridcode.repo.snapshot import TreeMoved, take

LATER_NS = 10_000_000_000


def look(root: Path, notes: Notes | None, *, later_ns: int = LATER_NS, limit: int = 1_000_000) -> Seen:
    paths = sorted(file.relative_to(root).as_posix() for file in root.rglob("*") if not file.is_dir())
    began_ns = time.time_ns() + later_ns
    return look_at(str(root), paths, max_file_bytes=limit, began_ns=began_ns, memory=notes)


def test_a_file_at_rest_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "A = 1\n")
    write(tmp_path, "b/image", "\0\0")
    notes = Notes()
    first, second = look(tmp_path, notes), look(tmp_path, notes)
    assert set(first.kept) == {"a.py", "b/image"}
    assert not second.kept
    assert second.files == first.files
    assert {path: entry.kind for path, entry in second.files.items()} == {"a.py": "text", "b/image": "binary"}
    assert notes.calls == 1


def test_a_file_that_was_just_written_is_not_remembered(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "A = 1\n")
    notes = Notes()
    look(tmp_path, notes, later_ns=0)
    assert not notes.known
    look(tmp_path, notes, later_ns=1_000_000_000)
    assert not notes.known
    look(tmp_path, notes, later_ns=2_100_000_000)
    assert set(notes.known) == {"a.py"}


def test_a_write_of_the_same_size_right_after_a_take_is_seen(tmp_path: Path) -> None:
    notes = Notes()
    for number in range(20):
        write(tmp_path, "a.py", f"A = {number:02}\n")
        assert take(tmp_path, memory=notes).text("a.py") == f"A = {number:02}\n"


def test_takes_of_a_tree_at_rest_agree_with_and_without_memory(tmp_path: Path) -> None:
    root = new_repo(tmp_path / "shop")
    write(root, "a.py", "A = 1\n")
    write(root, "b/c.py", "B = 1\n").chmod(0o755)
    (root / "link").symlink_to("a.py")
    time.sleep(2.1)
    notes = Notes()
    cold, warm, bare = take(root, memory=notes), take(root, memory=notes), take(root)
    assert set(notes.known) == {"a.py", "b/c.py"}
    assert cold == warm == bare
    assert cold.digest == warm.digest == bare.digest
    assert warm.read("a.py") == b"A = 1\n"
    write(root, "a.py", "A = 2\n")
    with pytest.raises(TreeMoved):
        warm.read("a.py")
    after = take(root, memory=notes)
    assert after.text("a.py") == "A = 2\n"
    assert set(notes.known) == {"b/c.py"}


def test_a_content_stamp_that_was_set_back_does_not_hide_a_write(tmp_path: Path) -> None:
    file = write(tmp_path, "a.py", "A = 1\n")
    facts = file.stat()
    notes = Notes()
    look(tmp_path, notes)
    file.write_text("A = 2\n")
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert look(tmp_path, notes).kept == {"a.py": b"A = 2\n"}


def test_a_file_put_in_its_place_with_the_same_stamp_is_seen(tmp_path: Path) -> None:
    file = write(tmp_path, "a.py", "A = 1\n")
    facts = file.stat()
    notes = Notes()
    look(tmp_path, notes)
    other = write(tmp_path, "other", "A = 2\n")
    os.utime(other, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    other.replace(file)
    assert look(tmp_path, notes).kept == {"a.py": b"A = 2\n"}


def test_a_file_with_a_stamp_from_the_future_is_always_read(tmp_path: Path) -> None:
    file = write(tmp_path, "a.py", "A = 1\n")
    os.utime(file, (4_000_000_000, 4_000_000_000))
    notes = Notes()
    for _ in range(2):
        assert look(tmp_path, notes).kept
    assert not notes.known


def test_what_is_gone_is_forgotten_and_nothing_is_written_for_nothing(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "A = 1\n")
    write(tmp_path, "b.py", "B = 1\n")
    notes = Notes()
    look(tmp_path, notes)
    look(tmp_path, notes)
    assert notes.calls == 1
    (tmp_path / "b.py").unlink()
    look(tmp_path, notes)
    assert (set(notes.known), notes.calls) == ({"a.py"}, 2)


def test_the_limit_of_the_moment_rules_over_what_is_remembered(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "x" * 100)
    notes = Notes()
    assert look(tmp_path, notes).files["a.txt"].kind == "text"
    assert look(tmp_path, notes, limit=50).files["a.txt"].kind == "large"
    assert look(tmp_path, notes).files["a.txt"].kind == "text"


def test_a_file_that_vanishes_after_the_listing_is_named(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "A = 1\n")
    write(tmp_path, "b.py", "B = 1\n")

    class Late(Notes):
        def recall(self) -> dict[str, Remembered]:
            (tmp_path / "a.py").unlink()
            return {}

    seen = take(tmp_path, memory=Late())
    assert list(seen.files) == ["b.py"]
    assert [str(left_out) for left_out in seen.skipped] == ["a.py: deleted"]


def test_the_mode_on_disk_counts_for_remembered_files_too(tmp_path: Path) -> None:
    file = write(tmp_path, "run.sh", "true\n")
    notes = Notes()
    look(tmp_path, notes)
    file.chmod(0o755)
    assert look(tmp_path, notes).files["run.sh"].mode == 0o755


EDITS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["", "1", "2", "33", "link", "gone"]), st.booleans()), max_size=12
)


@settings(max_examples=60, deadline=None)
@given(edits=EDITS)
def test_any_course_of_edits_gives_what_a_fresh_look_gives(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[str, str, bool]]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    notes = Notes()
    for name, content, is_looked_at in edits:
        file = root / name
        file.unlink(missing_ok=True)
        if content == "link":
            file.symlink_to("a")
        elif content != "gone":
            file.write_text(content)
        if is_looked_at:
            # The true moment: files written just now must be read again, whatever their stamps.
            assert look(root, notes, later_ns=0).files == look(root, None).files
    assert look(root, notes).files == look(root, None).files
