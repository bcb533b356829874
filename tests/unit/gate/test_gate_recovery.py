import os
import signal
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hybridcode.domain.action import Applied, ChangeSet, Failed, FileEdit, Unknown, action_digest
from hybridcode.domain.canonical import sha256_hex
from hybridcode.gate import files

BLOBS = {sha256_hex(data): data for data in (b"old", b"new")}
OLD, NEW = BLOBS
CHANGE = ChangeSet((FileEdit("a", OLD, NEW, 0o644), FileEdit("b", OLD, None, 0o644), FileEdit("d/c", None, NEW, 0o644)))


@dataclass
class CutOff:
    """A workspace as a crash left it. `.0.old` stands for our own name aside of the first file."""

    root: Path
    found: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def holding(self, **contents: bytes) -> "CutOff":
        """With these files: `a`, `b`, `c`, and `a_old`, `a_new`, ... for what lies beside them."""
        for name, data in contents.items():
            path = self.path(name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
            path.chmod(0o644)
        return self

    def path(self, name: str) -> Path:
        """Where this is."""
        first, _, kind = name.partition("_")
        if not kind:
            return self.root / ("d/c" if first == "c" else first)
        ours = f".hybridcode-{action_digest(CHANGE)[:16]}-{'abc'.index(first)}.{kind}"
        return self.root / (f"d/{ours}" if first == "c" else ours)

    def recover(self) -> Applied | Failed | Unknown:
        """Settle it."""
        return files.recover(self.root, CHANGE, load=BLOBS.__getitem__)

    def files(self) -> dict[str, bytes]:
        """All there is."""
        paths = [path for path in self.root.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.root)): path.read_bytes() for path in sorted(paths)}


@pytest.fixture
def cut(tmp_path: Path) -> CutOff:
    return CutOff(tmp_path)


ALL_NEW = {"a": b"new", "d/c": b"new"}


@pytest.mark.parametrize(
    "contents",
    [
        {"a": b"old", "b": b"old"},
        {"a": b"old", "b": b"old", "a_new": b"ne", "c_new": b""},
        {"a": b"old", "b": b"old", "a_old": b"new", "c_new": b"new"},
        {"a": b"new", "b": b"old", "a_old": b"old", "c_new": b"new"},
        {"a": b"new", "a_old": b"old", "b_old": b"old", "c_new": b"new"},
        {"a": b"new", "a_old": b"old", "b_old": b"old", "c": b"new"},
        {"a": b"new", "b": b"old"},
        {"a": b"new", "c": b"new"},
    ],
)
def test_what_was_cut_off_is_finished(cut: CutOff, contents: dict[str, bytes]):
    cut.holding(**contents)
    assert isinstance(cut.recover(), Applied)
    assert cut.files() == ALL_NEW
    assert cut.recover() == Applied(CHANGE.edits, already=True)


def test_bytes_that_were_saved_at_the_last_moment_are_given_back(cut: CutOff):
    cut.holding(a=b"new", a_old=b"editor", b=b"old")
    receipt = cut.recover()
    assert isinstance(receipt, Unknown)
    assert "not written: b, d/c" in receipt.reason
    assert cut.files() == {"a": b"editor", "b": b"old"}


def test_a_file_that_was_saved_while_it_was_deleted_comes_back(cut: CutOff):
    cut.holding(a=b"new", a_old=b"old", b_old=b"editor")
    receipt = cut.recover()
    assert isinstance(receipt, Unknown)
    assert "put back: a" in receipt.reason
    assert cut.files() == {"a": b"old", "b": b"editor"}


def test_beside_a_file_that_somebody_changed_no_half_of_the_others_stays(cut: CutOff):
    cut.holding(a=b"new", a_old=b"old", b=b"theirs")
    cut.path("a_old").chmod(0o751)
    receipt = cut.recover()
    assert isinstance(receipt, Unknown)
    assert "b: is neither the old nor the new version; left as found; put back: a" in receipt.reason
    assert cut.files() == {"a": b"old", "b": b"theirs"}
    assert stat.S_IMODE(cut.path("a").stat().st_mode) == 0o751


def test_after_all_was_written_a_later_edit_is_left_with_the_rest(cut: CutOff):
    cut.holding(a=b"theirs", c=b"new")
    receipt = cut.recover()
    assert isinstance(receipt, Unknown)
    assert "written: b, d/c" in receipt.reason
    assert cut.files() == {"a": b"theirs", "d/c": b"new"}


def test_bytes_that_nobody_accounts_for_stay_where_they_are_and_are_named(cut: CutOff):
    cut.holding(a=b"later", a_old=b"editor", b=b"old")
    receipt = cut.recover()
    assert isinstance(receipt, Unknown)
    assert cut.path("a_old").name in receipt.reason
    assert cut.files() == {cut.path("a_old").name: b"editor", "a": b"later", "b": b"old"}
    assert isinstance(files.apply(cut.root, CHANGE, load=BLOBS.__getitem__), Failed)


@pytest.mark.parametrize("has_former", [True, False])
def test_what_cannot_be_finished_is_taken_back(cut: CutOff, has_former: bool):
    cut.holding(a=b"new", b=b"old", **({"a_old": b"old"} if has_former else {}))
    cut.path("b").chmod(0o444)
    receipt = cut.recover()
    assert isinstance(receipt, Failed)
    assert "b: is read-only" in receipt.reason
    assert "taken back" in receipt.reason
    assert cut.files() == {"a": b"old", "b": b"old"}


def test_a_link_in_the_way_is_left_and_told(cut: CutOff, tmp_path_factory: pytest.TempPathFactory):
    out = tmp_path_factory.mktemp("out")
    (out / "c").write_bytes(b"new")
    cut.holding(a=b"new", a_old=b"old", b=b"old")
    (cut.root / "d").symlink_to(out)
    receipt = cut.recover()
    assert isinstance(receipt, Unknown)
    assert "d/c: a part of its path is a symbolic link" in receipt.reason
    assert (cut.path("a").read_bytes(), cut.path("b").read_bytes()) == (b"old", b"old")
    assert [path.name for path in out.iterdir()] == ["c"]


@pytest.mark.parametrize(
    "contents", [{"a": b"new", "a_old": b"old", "b": b"old", "c_new": b"ne"}, {"a": b"old", "b": b"old"}]
)
def test_a_recovery_that_is_cut_off_itself_is_finished_by_the_next(tmp_path: Path, contents: dict[str, bytes]):
    for number in range(1, 100):
        folder = tmp_path / str(number)
        folder.mkdir()
        cut = CutOff(folder).holding(**contents)
        if (child := os.fork()) == 0:
            _die_at(number)
            cut.recover()
            os._exit(7)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert isinstance(cut.recover(), Applied)
        assert cut.files() == ALL_NEW
        if code == 7:
            assert number > 8
            return
        assert code == -signal.SIGKILL
    pytest.fail("it never came to an end")


def _die_at(number: int) -> None:
    """Kill this process at its so manieth access to a file."""
    count = 0

    def hook(event: str, _: object) -> None:
        nonlocal count
        if event.startswith(("os.", "open", "ctypes")):
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
