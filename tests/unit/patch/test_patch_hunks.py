from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from patching import patch
from unidiff.patch import PatchSet

from hybridcode.domain.errors import PatchError
from hybridcode.patch.hunks import choose, split, unified
from hybridcode.patch.linediff import Change, changes, equal_pairs
from hybridcode.repo.lines import split_lines

LINES = st.lists(st.sampled_from([b"a\n", b"b\r\n", b"c\n", b"\n", b"  d\n", b"e\r\n"]), max_size=12)
TEXTS = st.tuples(LINES, st.sampled_from([b"", b"tail", b"a"])).map(lambda parts: b"".join(parts[0]) + parts[1])


@given(before=TEXTS, after=TEXTS)
def test_all_hunks_give_after_and_none_before(before: bytes, after: bytes) -> None:
    everything = range(len(split(before, after)))
    assert choose(before, after, accepted=everything) == after
    assert choose(before, after, accepted=()) == before


@given(before=TEXTS, after=TEXTS, data=st.data())
def test_any_choice_replaces_exactly_the_chosen_lines(before: bytes, after: bytes, data: st.DataObject) -> None:
    hunks = split(before, after)
    accepted = data.draw(st.sets(st.sampled_from(range(len(hunks)))) if hunks else st.just(set[int]()))
    expected: list[bytes] = []
    done = 0
    for hunk in hunks:
        expected += split_lines(before)[done : hunk.old_start - 1]
        expected += hunk.new_lines if hunk.index in accepted else hunk.old_lines
        done = hunk.old_start - 1 + len(hunk.old_lines)
    expected += split_lines(before)[done:]
    assert choose(before, after, accepted=accepted) == b"".join(expected)


@given(before=TEXTS, after=TEXTS, first=st.booleans())
def test_choosing_in_two_rounds_reaches_the_same_end(before: bytes, after: bytes, first: bool) -> None:
    odd = [hunk.index for hunk in split(before, after) if hunk.index % 2 == first]
    halfway = choose(before, after, accepted=odd)
    assert choose(halfway, after, accepted=range(len(split(halfway, after)))) == after


def test_an_edited_hunk_comes_with_its_new_lines() -> None:
    before, after = b"a\nb\nc\nd\n", b"A\nb\nc\nD\n"
    assert choose(before, after, accepted=(), edited={1: (b"x\n", b"y\n")}) == b"a\nb\nc\nx\ny\n"
    assert choose(before, after, accepted=(0,), edited={0: (b"x",)}) == b"x\nb\nc\nd\n"


def test_a_hunk_that_is_not_there_is_an_error() -> None:
    with pytest.raises(PatchError, match="hunk 1"):
        choose(b"a\n", b"b\n", accepted=(1,))


def test_hunks_know_their_lines() -> None:
    (first, second) = split(b"a\nb\nc\nd\n", b"b\nc\nx\nd\n")
    assert (first.old_start, first.old_lines, first.new_start, first.new_lines) == (1, (b"a\n",), 1, ())
    assert (second.old_start, second.old_lines, second.new_start, second.new_lines) == (4, (), 3, (b"x\n",))


def test_a_diff_looks_as_git_writes_it() -> None:
    before = b"".join(b"%d\n" % number for number in range(1, 13))
    after = before.replace(b"\n6\n", b"\nsix\n").removesuffix(b"\n")
    assert unified("a/b.txt", before, after) == (
        "--- a/a/b.txt\n+++ b/a/b.txt\n@@ -3,10 +3,10 @@\n 3\n 4\n 5\n-6\n+six\n 7\n 8\n 9\n 10\n 11\n-12\n+12\n"
        "\\ No newline at end of file\n"
    )
    assert unified("x", None, b"n\n") == "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+n\n"
    assert unified("x", b"n\n", None) == "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-n\n"
    assert unified("x", b"same", b"same") == ""
    assert unified("x", b"\0", b"\1") == "Binary files a/x and b/x differ\n"
    assert unified('t"\t', b"", b"n\n").startswith('--- "a/t\\"\\011"\n')
    assert "\\xe9" in unified("x", b"", b"\xe9\n")


@given(before=TEXTS, after=TEXTS)
def test_a_diff_is_well_formed_and_can_be_read_back(before: bytes, after: bytes) -> None:
    text = unified("a.txt", before, after)
    if before == after:
        assert text == ""
        return
    (file,) = PatchSet(StringIO(text, newline=""))
    old = [line.value for hunk in file for line in hunk if line.is_removed]
    hunks = split(before, after)
    assert [line.encode().rstrip(b"\n") for line in old] == [
        line.rstrip(b"\n") for hunk in hunks for line in hunk.old_lines
    ]
    if b"\r" not in before + after and before and after.endswith(b"\n") and before.endswith(b"\n"):
        outcome = patch(text, {"a.txt": before})
        assert not isinstance(outcome, dict) or outcome == {"a.txt": after}


@settings(max_examples=60)
@given(old=st.lists(st.integers(0, 5), max_size=30), new=st.lists(st.integers(0, 5), max_size=30))
def test_changes_and_equal_pairs_cover_both_sides(old: list[int], new: list[int]) -> None:
    pairs = list(equal_pairs(old, new))
    assert all(old[a] == new[b] for a, b in pairs)
    found = changes(old, new)
    assert sum(c.a1 - c.a0 for c in found) + len(pairs) == len(old)
    assert sum(c.b1 - c.b0 for c in found) + len(pairs) == len(new)


def test_large_sequences_are_cut_at_unique_lines() -> None:
    old = [f"line {number}" for number in range(6000)]
    new = ["first", *old[:3000], "middle", *old[3001:], "last"]
    assert [tuple(c) for c in changes(old, new)] == [(0, 0, 0, 1), (3000, 3001, 3001, 3002), (6000, 6000, 6001, 6002)]


def test_lines_that_differ_alone_in_a_long_file_are_changes_of_one_line() -> None:
    old = [b"%d\n" % number for number in range(3_000)]
    new = [b"new\n" if number % 3 == 0 else line for number, line in enumerate(old)]
    assert changes(old, new) == tuple(Change(at, at + 1, at, at + 1) for at in range(0, 3_000, 3))


def test_a_line_put_in_and_one_taken_out_far_below_leave_the_lines_between_alone() -> None:
    old = [b"%d\n" % number for number in range(3_000)]
    new = [*old[:10], b"new\n", *old[10:2_500], *old[2_501:]]
    assert changes(old, new) == (Change(10, 10, 10, 11), Change(2_500, 2_501, 2_501, 2_501))
