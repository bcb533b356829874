import pytest

from hybridcode.domain.action import FileChange
from hybridcode.domain.refusal import Refusal
from hybridcode.patch.gitdiff import paths_in, place_git_diff, read_git_diff
from hybridcode.patch.place import settle
from hybridcode.patch.read import read_answer

FILE = b"a\nb\nc\nd\n\nb\nc\n"


def placed(text: str, shown: dict[str, bytes]) -> dict[str, bytes | None] | tuple[Refusal, ...]:
    diff = read_git_diff(text)
    if isinstance(diff, Refusal):
        return (diff,)
    found = place_git_diff(diff, shown, modes={})
    changes = {change.path: change.after for change in found if isinstance(change, FileChange)}
    return changes or tuple(item for item in found if isinstance(item, Refusal))


def diff_of(*lines: str, header: str = "@@ -2,2 +2,2 @@", path: str = "f") -> str:
    return "\n".join((f"--- a/{path}", f"+++ b/{path}", header, *lines, ""))


def test_the_header_decides_between_equal_places() -> None:
    assert placed(diff_of("-b", "+B", " c"), {"f": FILE}) == {"f": b"a\nB\nc\nd\n\nb\nc\n"}
    assert placed(diff_of("-b", "+B", " c", header="@@ -6,2 +6,2 @@"), {"f": FILE}) == {"f": b"a\nb\nc\nd\n\nB\nc\n"}
    found = placed(diff_of("-b", "+B", " c", header="@@ -4,2 +4,2 @@"), {"f": FILE})
    assert isinstance(found, tuple)
    assert found[0].reason == "the lines stand in 2 places"


def test_a_hunk_that_moved_is_found_at_the_only_other_place() -> None:
    moved = diff_of(" c", "-d", "+D", header="@@ -1,2 +1,2 @@")
    assert placed(moved, {"f": FILE}) == {"f": b"a\nb\nc\nD\n\nb\nc\n"}


@pytest.mark.parametrize("line", ["-B", "-b ", "- b", "-b\r"])
def test_nothing_is_overlooked(line: str) -> None:
    found = placed(diff_of(line, "+x", " c"), {"f": FILE})
    assert isinstance(found, tuple)
    assert found[0].reason == "the lines to change are not in the file"


def test_ends_of_lines_come_from_the_diff() -> None:
    text = diff_of(" a\r", "-b", "\\ No newline at end of file", "+b", header="@@ -1,2 +1,2 @@")
    assert placed(text, {"f": b"a\r\nb"}) == {"f": b"a\r\nb\n"}


def test_names_in_quotes_and_what_is_not_utf_8() -> None:
    name = 'gr\\303\\266\\303\\237e \\"x\\"\\tf"'
    text = f'--- "a/{name}\n+++ "b/{name}\n@@ -1 +1 @@\n-\udce9\n+e\n'
    assert placed(text, {'größe "x"\tf': b"\xe9\n"}) == {'größe "x"\tf': b"e\n"}


@pytest.mark.parametrize("path", ["../f", "/etc/passwd", "x/../../f", "~/f"])
def test_paths_stay_inside(path: str) -> None:
    text = f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n"
    found = placed(text, {})
    assert isinstance(found, tuple)
    assert found[0].reason == "the path does not lie inside the tree"


def test_what_stands_already_is_told_from_what_does_not_fit() -> None:
    text = diff_of("-b", "+B", " c")
    found = placed(text, {"f": b"a\nB\nc\nd\n"})
    assert isinstance(found, tuple)
    assert found[0].is_already
    assert placed(text, {"f": FILE.replace(b"b", b"B", 1)}) == {"f": b"a\nB\nc\nd\n\nB\nc\n"}
    found = placed(text, {"f": b"z\n"})
    assert isinstance(found, tuple)
    assert not found[0].is_already


@pytest.mark.parametrize("text", ["", "no diff\n", "--- a/f\n+++ b/f\n@@ -1,9 +1,9 @@\n-b\n", "@@ -1 +1 @@\n-a\n+b\n"])
def test_what_is_no_whole_diff_is_refused(text: str) -> None:
    found = read_git_diff(text)
    assert isinstance(found, Refusal) or not paths_in(found)


def blocks(*pairs: tuple[str, str]) -> str:
    return "".join(f"f\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n" for old, new in pairs)


def test_an_answer_stands_already_only_if_all_of_it_does() -> None:
    shown = {"f": b"one = 1\ntwo = 2\nthree = 3\n"}
    half = read_answer(blocks(("two = 0", "two = 2"), ("three = 3", "three = 4")), finish="stop", target=None)
    whole = read_answer(blocks(("one = 0", "one = 1"), ("two = 0", "two = 2")), finish="stop", target=None)
    assert not isinstance(half, Refusal)
    assert not isinstance(whole, Refusal)
    changes, others = settle(half, shown)
    assert (changes, [refusal.is_already for refusal in others]) == ((), [False])
    changes, others = settle(whole, shown)
    assert (changes, [refusal.is_already for refusal in others]) == ((), [True])


HUNK = "@@ -1 +1 @@\n-a\n+b\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"diff --git a/f b/g\ncopy from f\ncopy to g\n--- a/f\n+++ b/g\n{HUNK}", "copies a file"),
        (f"--- a/f\n+++ b/g\n{HUNK}", "names two files"),
        ("--- a/f\n+++ b/f\n", "shows no lines"),
        (f"--- a/f\n+++ b/f\n{HUNK}-c\n+d\n", "more lines than it counts"),
        ("diff --cc f\n--- a/f\n+++ b/f\n@@@ -1,1 -1,1 +1,1 @@@\n- a\n", "combined diff"),
        ("diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc\n", "a link"),
        (f"diff --git a/f b/f\nold mode 100644\nnew mode 104755\n--- a/f\n+++ b/f\n{HUNK}", "special permission"),
        ("diff --git a/f b/f\nBinary files a/f and b/f differ\n", "binary file"),
        (f"--- a/f\n+++ b/f\n{HUNK.replace('1', '1' * 5000)}", "not a well-formed diff"),
    ],
)
def test_what_is_not_told_by_lines_is_refused(text: str, reason: str) -> None:
    found = placed(text, {"f": b"a\n"})
    assert isinstance(found, tuple)
    assert reason in found[0].reason
    assert not found[0].is_already


def test_only_what_git_puts_before_both_names_is_taken_off() -> None:
    shown = {"x": b"a\n", "a/x": b"a\n"}
    assert placed(f"diff --git a/x a/x\n--- a/x\n+++ a/x\n{HUNK}", shown) == {"a/x": b"b\n"}
    assert placed(f"diff --git i/x w/x\n--- i/x\n+++ w/x\n{HUNK}", shown) == {"x": b"b\n"}
    assert placed("diff --git i/n w/n\nnew file mode 100644\n--- /dev/null\n+++ w/n\n@@ -0,0 +1 @@\n+n\n", {}) == {
        "n": b"n\n"
    }
