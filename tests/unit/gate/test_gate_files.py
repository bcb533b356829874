import os
import resource
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridcode.domain.action import Applied, ChangeSet, Failed, FileEdit, Receipt, Stale
from hybridcode.domain.canonical import sha256_hex
from hybridcode.gate import files

Blobs = dict[str, bytes]


def edit(blobs: Blobs, path: str, before: bytes | None, after: bytes | None, mode: int = 0o644) -> FileEdit:
    def sealed(data: bytes | None) -> str | None:
        if data is None:
            return None
        blobs[sha256_hex(data)] = data
        return sha256_hex(data)

    return FileEdit(path, sealed(before), sealed(after), mode)


def apply(root: Path, blobs: Blobs, *edits: FileEdit) -> Receipt:
    return files.apply(root, ChangeSet(edits), load=blobs.__getitem__)


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\xff\xfe\x00", b"\xef\xbb\xbfx", b"no newline", b"x" * 300_000])
def test_bytes_are_written_as_they_are(tmp_path: Path, data: bytes):
    blobs: Blobs = {}
    assert isinstance(apply(tmp_path, blobs, edit(blobs, "deep/new/a.bin", None, data, 0o755)), Applied)
    assert (tmp_path / "deep/new/a.bin").read_bytes() == data
    assert stat.S_IMODE((tmp_path / "deep/new/a.bin").stat().st_mode) == 0o755


def test_edit_delete_and_mode(tmp_path: Path):
    blobs: Blobs = {}
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    (tmp_path / "c").write_bytes(b"3")
    changes = (
        edit(blobs, "a", b"1", b"one", 0o600),
        edit(blobs, "b", b"2", None),
        edit(blobs, "c", b"3", b"3", 0o755),
    )
    assert isinstance(apply(tmp_path, blobs, *changes), Applied)
    assert tree(tmp_path) == {"a": b"one", "c": b"3"}
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ac"] == [0o600, 0o755]


@pytest.mark.parametrize(("before", "now"), [(b"old", b"else"), (b"old", None), (None, b"there"), (b"old", b"old\n")])
def test_a_base_that_moved_on_is_stale_and_nothing_is_written(tmp_path: Path, before: bytes | None, now: bytes | None):
    blobs: Blobs = {}
    (tmp_path / "fine").write_bytes(b"1")
    if now is not None:
        (tmp_path / "a").write_bytes(now)
    found = tree(tmp_path)
    receipt = apply(tmp_path, blobs, edit(blobs, "fine", b"1", b"2"), edit(blobs, "a", before, b"new"))
    assert receipt == Stale(("a",))
    assert tree(tmp_path) == found


def test_links_are_not_followed(tmp_path: Path):
    blobs: Blobs = {}
    root, out = tmp_path / "ws", tmp_path / "out"
    root.mkdir()
    out.mkdir()
    (out / "f").write_bytes(b"secret")
    (root / "folder").symlink_to(out)
    (root / "file").symlink_to(out / "f")
    for path, before in (("folder/new", None), ("folder/f", b"secret"), ("file", b"secret")):
        receipt = apply(root, blobs, edit(blobs, path, before, b"evil"))
        assert isinstance(receipt, Failed)
        assert "link" in receipt.reason
    assert tree(out) == {"f": b"secret"}


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../x", "a//x", "./x", "", "a\0b"])
def test_only_plain_paths_are_written(tmp_path: Path, path: str):
    blobs: Blobs = {}
    root = tmp_path / "ws"
    root.mkdir()
    assert isinstance(apply(root, blobs, edit(blobs, path, None, b"x")), Failed)
    assert tree(tmp_path) == {}


def test_folders_devices_and_read_only_files_are_told(tmp_path: Path):
    blobs: Blobs = {}
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "locked").write_bytes(b"1")
    (tmp_path / "locked").chmod(0o444)
    reasons: list[str] = []
    for path, before in (("folder", None), ("pipe", None), ("locked", b"1"), ("locked/x", None)):
        receipt = apply(tmp_path, blobs, edit(blobs, path, before, b"x"))
        assert isinstance(receipt, Failed)
        reasons.append(receipt.reason)
    assert "no ordinary file" in reasons[0]
    assert "no ordinary file" in reasons[1]
    assert "read-only; `chmod u+w`" in reasons[2]
    assert "no folder" in reasons[3]


def test_a_failure_takes_everything_back(tmp_path: Path):
    blobs: Blobs = {}
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "z").mkdir()
    (tmp_path / "m").write_bytes(b"2")
    found = tree(tmp_path)
    changes = (edit(blobs, "a", b"1", b"one"), edit(blobs, "m", b"2", None), edit(blobs, "new/deep/b", None, b"b"))
    too_long = edit(blobs, "q/" + "x" * 250, None, b"x")
    missing = FileEdit("y", None, "0" * 64)
    assert isinstance(apply(tmp_path, blobs, *changes, FileEdit("y" * 256, None, changes[0].after_sha256)), Failed)
    with pytest.raises(KeyError):
        apply(tmp_path, blobs, *changes, too_long, missing)
    assert tree(tmp_path) == found
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "m", "z"]


def test_an_apply_that_was_cut_off_can_be_done_again(tmp_path: Path):
    blobs: Blobs = {}
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    change = ChangeSet((edit(blobs, "a", b"1", b"one"), edit(blobs, "b", b"2", None), edit(blobs, "c", None, b"3")))
    (tmp_path / "a").write_bytes(b"one")
    assert files.survey(tmp_path, change) == {"a": "result", "b": "base", "c": "base"}
    assert files.apply(tmp_path, change, load=blobs.__getitem__) == Stale(("a",))
    assert files.recover(tmp_path, change, load=blobs.__getitem__) == Applied(change.edits)
    assert tree(tmp_path) == {"a": b"one", "c": b"3"}
    assert files.recover(tmp_path, change, load=blobs.__getitem__) == Applied(change.edits, already=True)


def test_a_hard_link_elsewhere_keeps_its_bytes(tmp_path: Path):
    blobs: Blobs = {}
    root = tmp_path / "ws"
    root.mkdir()
    (tmp_path / "out").write_bytes(b"1")
    (root / "a").hardlink_to(tmp_path / "out")
    assert isinstance(apply(root, blobs, edit(blobs, "a", b"1", b"2")), Applied)
    assert ((tmp_path / "out").read_bytes(), (root / "a").read_bytes()) == (b"1", b"2")


def test_owner_and_attributes_are_kept_where_that_may_be(tmp_path: Path):
    blobs: Blobs = {}
    (tmp_path / "a").write_bytes(b"1")
    try:
        os.setxattr(tmp_path / "a", "user.note", b"kept")
    except (OSError, AttributeError):
        pytest.skip("no attributes here")
    if os.geteuid() == 0:
        os.chown(tmp_path / "a", 12345, 12345)
    before = (tmp_path / "a").stat()
    assert isinstance(apply(tmp_path, blobs, edit(blobs, "a", b"1", b"2", 0o640)), Applied)
    after = (tmp_path / "a").stat()
    assert os.getxattr(tmp_path / "a", "user.note") == b"kept"
    assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (before.st_uid, before.st_gid, 0o640)


def test_many_files_need_few_descriptors(tmp_path: Path):
    blobs: Blobs = {}
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    in_use = max(int(path.name) for path in Path("/dev/fd").iterdir())
    edits = [edit(blobs, f"deep/er/{number}.txt", None, b"x") for number in range(200)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (in_use + 24, hard))
    try:
        assert isinstance(apply(tmp_path, blobs, *edits), Applied)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(tree(tmp_path)) == 200


def test_two_names_of_one_file_become_two_files(tmp_path: Path):
    blobs: Blobs = {}
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    assert isinstance(apply(tmp_path, blobs, edit(blobs, "a", b"1", b"2"), edit(blobs, "b", b"1", b"3")), Applied)
    assert tree(tmp_path) == {"a": b"2", "b": b"3"}


_CONTENT = st.one_of(st.none(), st.binary(max_size=20))


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(["a", "b", "d/a", "d/e/f", "g"]), st.tuples(_CONTENT, _CONTENT), max_size=5))
def test_any_change_set_is_applied_exactly_or_not_at_all(plan: dict[str, tuple[bytes | None, bytes | None]]):
    blobs: Blobs = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path, (before, _) in plan.items():
            if before is not None:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(before)
        change = ChangeSet(tuple(edit(blobs, path, *plan[path]) for path in sorted(plan)))
        assert isinstance(files.apply(root, change, load=blobs.__getitem__), Applied)
        assert tree(root) == {path: after for path, (_, after) in sorted(plan.items()) if after is not None}
