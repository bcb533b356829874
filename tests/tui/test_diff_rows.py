import time

from hypothesis import given
from hypothesis import strategies as st

from hybridcode.domain.action import FileChange
from hybridcode.tui.diff_rows import compare, group_changes
from hybridcode.tui.file_diff import FileDiff, file_diff
from hybridcode.tui.paint import width
from hybridcode.tui.words import word_changes

PLAIN = st.lists(st.sampled_from(["a", "b", "def f():", "    x = 1", "", "end"]), max_size=30)


def _diff(change: FileChange, *, is_folded: bool = False) -> FileDiff:
    compared = compare(change)
    return file_diff(change, compared, groups=group_changes(compared.changes), edits={}, is_folded=is_folded)


def _text(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


@given(before=PLAIN, after=PLAIN)
def test_unfolded_rows_are_both_files(before: list[str], after: list[str]) -> None:
    if before == after:
        return
    rows = _diff(FileChange("f", _text(before), _text(after))).rows
    assert [row.text for row in rows if row.kind in ("same", "delete")] == before
    assert [row.text for row in rows if row.kind in ("same", "add")] == after
    assert [row.old for row in rows if row.kind in ("same", "delete")] == list(range(1, len(before) + 1))
    assert [row.new for row in rows if row.kind in ("same", "add")] == list(range(1, len(after) + 1))


@given(before=PLAIN, after=PLAIN)
def test_folding_counts_what_it_hides(before: list[str], after: list[str]) -> None:
    if before == after:
        return
    change = FileChange("f", _text(before), _text(after))
    folded, whole = _diff(change, is_folded=True), _diff(change)
    shown = sum(row.new if row.kind == "fold" else 1 for row in folded.rows)
    assert shown == len(whole.rows)
    assert len(folded.rows.heads) == len(whole.rows.heads)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes_make_paintable_rows(before: bytes, after: bytes) -> None:
    for row in _diff(FileChange("f", before, after)).rows:
        assert row.text.isprintable()


def test_hidden_characters_and_blanks_are_spelled_out() -> None:
    after = "a\u202eb\n\x1b[2Jc\n\tx\nend  \n".encode()
    texts = [row.text for row in _diff(FileChange("f", b"old\n", after)).rows if row.kind == "add"]
    assert texts == ["a⟨U+202E⟩b", "␛[2Jc", "→   x", "end··"]


def test_a_lone_crlf_is_shown_and_a_crlf_file_is_quiet() -> None:
    mixed = _diff(FileChange("f", b"a\nb\n", b"a\r\nb\n")).rows
    assert [row.text for row in mixed if row.kind == "add"] == ["a␍"]
    whole = _diff(FileChange("f", b"a\r\nb\r\n", b"c\r\nb\r\n")).rows
    assert [row.text for row in whole if row.kind != "head"] == ["a", "c", "b"]


def test_a_missing_last_line_end_is_said() -> None:
    rows = _diff(FileChange("f", b"a\nb", b"a\nb\n")).rows
    assert [row.kind for row in rows] == ["head", "same", "delete", "note", "add"]


def test_new_deleted_binary_empty_and_mode() -> None:
    def notes(change: FileChange) -> list[str]:
        return [row.text for row in _diff(change).rows if row.kind == "note"]

    assert notes(FileChange("f", None, b"x\n", 0o755)) == ["new file, mode 0755"]
    assert notes(FileChange("f", None, b"")) == ["new file, mode 0644", "the file is empty"]
    assert notes(FileChange("f", b"x\n", None)) == ["the file is deleted"]
    assert notes(FileChange("f", b"x\n", b"x\n", 0o755)) == ["same bytes, mode becomes 0755"]
    assert notes(FileChange("f", b"\0", b"\0\0")) == ["binary: 1 bytes → 2 bytes; taken whole or not at all"]


def test_edits_are_shown_in_place_of_what_was_proposed() -> None:
    change = FileChange("f", b"a\nb\n", b"A\nb\n")
    compared = compare(change)
    rows = file_diff(change, compared, groups=group_changes(compared.changes), edits={0: (b"mine\n", b"two\n")}).rows
    assert [(row.kind, row.text, row.new) for row in rows if row.kind in ("add", "same")] == [
        ("add", "mine", 1),
        ("add", "two", 2),
        ("same", "b", 3),
    ]


def test_near_changes_share_a_hunk_and_far_ones_do_not() -> None:
    before = _text([str(number) for number in range(40)])
    near = before.replace(b"\n5\n", b"\nfive\n").replace(b"\n10\n", b"\nten\n")
    far = near.replace(b"\n30\n", b"\nthirty\n")
    assert group_changes(compare(FileChange("f", before, near)).changes) == [(0, 1)]
    assert group_changes(compare(FileChange("f", before, far)).changes) == [(0, 1), (2,)]


@given(st.text(max_size=60), st.text(max_size=60))
def test_word_spans_cover_exactly_what_differs(old: str, new: str) -> None:
    taken, put = word_changes(old, new)
    if not taken and not put:
        return

    def kept(text: str, spans: tuple[tuple[int, int], ...]) -> str:
        return "".join(char for index, char in enumerate(text) if not any(a <= index < b for a, b in spans))

    assert kept(old, taken) == kept(new, put)


def test_wide_characters_count_two_cells() -> None:
    assert _diff(FileChange("f", b"", "価格\n".encode())).width == width("価格") == 4


def test_ten_thousand_rows_are_cheap() -> None:
    lines = [f"    value_{number} = compute({number})" for number in range(7_500)]
    changed = [
        line.replace("compute", "await compute") if number % 3 == 0 else line for number, line in enumerate(lines)
    ]
    change = FileChange("f.py", _text(lines), _text(changed))
    compared = compare(change)
    groups = group_changes(compared.changes)
    spent: list[float] = []
    for _ in range(3):
        start = time.process_time()
        rows = file_diff(change, compared, groups=groups, edits={}, is_folded=True).rows
        spent.append(time.process_time() - start)
        assert len(rows) > 10_000
    assert min(spent) < 0.2, f"{min(spent):.3f} s of CPU"
