import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.domain.action import FileChange
from hybridcode.domain.refusal import Refusal
from hybridcode.patch.check import warnings
from hybridcode.patch.merge import onto

BASE = b"a\nb\nc\nd\ne\nf\n"


def change(after: bytes | None, before: bytes | None = BASE) -> FileChange:
    return FileChange("x.py", before, after, 0o755)


def test_a_file_that_did_not_move_keeps_its_change() -> None:
    wanted = change(b"new\n")
    assert onto(wanted, BASE) is wanted


def test_distant_changes_of_both_sides_are_joined() -> None:
    ours, disk = BASE.replace(b"b\n", b"B\n"), b"top\n" + BASE.replace(b"e\n", b"")
    assert onto(change(ours), disk) == FileChange("x.py", disk, b"top\na\nB\nc\nd\nf\n", 0o755)


@pytest.mark.parametrize("theirs", [b"a\nX\nc\nd\ne\nf\n", b"a\nb\nX\nd\ne\nf\n", b"a\nb\nnew\nc\nd\ne\nf\n"])
def test_the_same_or_neighbouring_lines_are_a_conflict(theirs: bytes) -> None:
    said = onto(change(BASE.replace(b"b\n", b"B\n")), theirs)
    assert isinstance(said, Refusal)
    assert "same lines" in said.reason
    assert said.near


def test_what_both_sides_did_alike_is_done_once() -> None:
    ours = BASE.replace(b"b\n", b"B\n").replace(b"f\n", b"F\n")
    merged = onto(change(ours), BASE.replace(b"b\n", b"B\n"))
    assert isinstance(merged, FileChange)
    assert merged.after == ours


@pytest.mark.parametrize(
    ("wanted", "disk", "reason"),
    [
        (change(b"n\n"), b"n\n", "already so"),
        (change(None), None, "already so"),
        (change(b"n\n"), None, "deleted"),
        (change(b"n\n", before=None), b"other\n", "appeared"),
        (change(None), b"other\n", "to delete was changed"),
        (change(BASE + b"g\n"), BASE + b"g\nh\n", "same lines"),
    ],
)
def test_what_cannot_be_joined_is_refused(wanted: FileChange, disk: bytes | None, reason: str) -> None:
    said = onto(wanted, disk)
    assert isinstance(said, Refusal)
    assert reason in said.reason


LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"d\n"]), max_size=8).map(b"".join)


@given(base=LINES, ours=LINES, theirs=LINES)
def test_merging_is_symmetric(base: bytes, ours: bytes, theirs: bytes) -> None:
    one = onto(FileChange("x", base, ours), theirs)
    two = onto(FileChange("x", base, theirs), ours)
    if isinstance(one, FileChange) and isinstance(two, FileChange) and base not in (ours, theirs):
        assert one.after == two.after


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("x = 1\n", "x = (1\n", ("1 new syntax error",)),
        ("x = (1\n", "x = (2\n", ()),
        ("def f():\n    pass\n", "def f():\ndef f():\n    pass\n", ("1 new syntax error",)),
        ("x = 1\n", "x = 1\n  y = 2\n", ("1 new syntax error",)),
        ("  x = 1\n", "  x = 2\n", ()),
        ("x = 1\n", "print 1\n", ()),
        ("x = 1\n", "x = 1\n<<<<<<< HEAD\n", ("new syntax error", "conflict markers")),
        ("x = 1\n", "x = 1\n# ... rest of the code unchanged ...\n", ("left out",)),
        ("x = 1\n", "x = 1  # it’s\n", ("typographic",)),
        ("x = '’'\n", "x = '’ ’'\n", ()),
        ("x = 1\n", "x = 1  # \u202e\n", ("hidden",)),
        ("if x:\n    x\n", "if x:\n    x\nif x:\n\tx\n", ("mixed",)),
        ("x = 1\n", "\n", ("emptied",)),
        ("x = 1\n" * 40, "x = 1\n" * 5, ("35 of 40 lines",)),
        ("x = 1\n", "x = 2\n", ()),
        ("", "x = 2\n", ()),
        ("x = 1\n", "x = 1\ny = '\udce9'\n", ("no longer UTF-8",)),
        ("y = '\udce9'\n", "y = '\udce9'\nx = 1\n", ()),
        ("\ufeffx = 1\n", "x = 2\n", ("order mark is lost",)),
        ("x = 1\n", "\ufeffx = 2\n", ("order mark is added",)),
        ("x = 1\n", f"x = 'ghp_{'a' * 36}'\n", ("secret is added (github-token)",)),
        (f"x = 'ghp_{'a' * 36}'\n", f"y = 'ghp_{'a' * 36}'\n", ("x is gone and y came",)),
    ],
)
def test_signs_of_a_bad_draft_are_named(before: str, after: str, expected: tuple[str, ...]) -> None:
    data = (before.encode("utf-8", "surrogateescape"), after.encode("utf-8", "surrogateescape"))
    found = warnings([FileChange("a.py", *data)])
    assert len(found) == len(expected)
    assert all(text.startswith("a.py: ") and part in text for text, part in zip(found, expected, strict=True))


def test_deleting_a_file_warns_of_nothing() -> None:
    assert warnings([FileChange("a.py", b"x\n", None)]) == ()
