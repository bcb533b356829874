from driving import Drive, driving
from hypothesis import given, settings
from hypothesis import strategies as st
from scene_parts import talk
from scenes_review import HELPER, many_files, rearranged, reviewing
from test_review_keys import AFTER, BEFORE, OTHER
from textual.geometry import Region

from hybridcode.domain.action import ChangeSet, FileChange, Proposal, Ruling
from hybridcode.tui.diff_paint import DiffPainter
from hybridcode.tui.diff_rows import compare, group_changes
from hybridcode.tui.file_diff import file_diff
from hybridcode.tui.file_review import FileReview
from hybridcode.tui.in_program import theme_tokens
from hybridcode.tui.moved import moved
from hybridcode.tui.reviewing import Review
from hybridcode.tui.screens.diff import DiffScreen, SeenFile
from hybridcode.tui.screens.review import ReviewPane
from hybridcode.tui.widgets.diff_view import DiffView


def _view(drive: Drive) -> DiffView:
    return drive.app.screen.query_one(DiffView)


def _review(drive: Drive) -> Review:
    assert isinstance(drive.pane, ReviewPane)
    return drive.pane.review


def _shown(view: DiffView) -> list[str]:
    cells, rows = view.scrollable_content_region.size
    return [strip.text for strip in view.render_lines(Region(0, 0, cells, rows))]


def _line(view: DiffView, text: str) -> int:
    return next(number for number, line in enumerate(_shown(view)) if text in line)


async def test_a_click_puts_the_cursor_on_a_hunk_and_decides_nothing() -> None:
    async with driving(reviewing(FileChange("a.py", BEFORE, AFTER), OTHER)) as drive:
        view, review = _view(drive), _review(drive)
        await drive.pilot.click(DiffView, offset=(20, _line(view, "line_20 = 0")))
        await drive.settle()
        assert review.group == 1
        assert "▌" in _shown(view)[_line(view, "hunk 2/3")]
        assert "▌" not in _shown(view)[_line(view, "hunk 1/3")]
        await drive.pilot.click(DiffView, offset=(20, _line(view, "unchanged lines")))
        await drive.settle()
        assert review.group == 1
        assert review.undecided == 4
        assert drive.talk.answers == []
        await drive.press("y")
        assert [review.files[0].mark_of(group) for group in range(3)] == ["undecided", "accepted", "undecided"]


async def test_a_click_on_a_file_shows_it_and_decides_nothing() -> None:
    async with driving(many_files(8), size=(120, 40)) as drive:
        await drive.pilot.click("FileList", offset=(5, 4))
        await drive.settle()
        assert _review(drive).file == 2
        assert _review(drive).undecided == 8
        assert drive.talk.answers == []


async def test_in_a_diff_to_read_a_click_moves_too() -> None:
    async def read() -> list[SeenFile]:
        return [SeenFile(FileReview(FileChange("a.py", BEFORE, AFTER)))]

    async with driving(talk()) as drive:
        await drive.app.push_screen(DiffScreen("one file", read))
        await drive.settle()
        assert "file 1/1 · hunk 1/3" in drive.told
        await drive.pilot.click(DiffView, offset=(20, _line(_view(drive), "line_20 = 0")))
        await drive.settle()
        assert "file 1/1 · hunk 2/3" in drive.told


async def test_side_by_side_both_halves_move_sideways_and_nothing_is_out_of_reach() -> None:
    async with driving(rearranged(), size=(120, 40)) as drive:
        await drive.press("t", "k")
        view = _view(drive)
        assert "»" in _shown(view)[_line(view, "return sum")]
        assert "everywhere=True" not in "".join(_shown(view))
        await drive.press(*["right"] * 120)
        assert any(line.rstrip().endswith("everywhere=True)") for line in _shown(view))
        number = _line(view, "everywhere=True)")
        assert [part.lstrip(" ▌").split()[0] for part in _shown(view)[number].split("│")] == ["27", "22"]
        await drive.press("t")
        assert view.scroll_offset.x == 0


def test_a_block_that_stands_elsewhere_says_where_and_an_edited_or_doubled_one_does_not() -> None:
    body = [b"def f():\n", b"    a = 1\n", b"    return a\n"]
    rest = [b"x%d = 1\n" % number for number in range(20)]

    def told(before: list[bytes], after: list[bytes]) -> list[str]:
        file = FileReview(FileChange("a.txt", b"".join(before), b"".join(after)))
        file.look()
        return [file.badge_of(group) for group in range(len(file.groups))]

    assert told([*body, *rest], [*rest, *body]) == ["moved to line 21", "moved from line 1"]
    indented = [b"    " + line for line in body]
    assert told([*body, *rest], [*rest, *indented]) == ["moved to line 21", "moved from line 1"]
    assert told([*body, *rest], [*rest[:9], *body, *rest[9:], *body]) == ["", "", ""]
    assert told([*body, *rest], [*rest, *body[:2], b"    return 2\n"]) == ["", ""]
    assert told([*body[:2], *rest], [*rest, *body[:2]]) == ["", ""]
    file = FileReview(FileChange("a.txt", b"".join([*body, *rest]), b"".join([*rest, *body])))
    file.look()
    file.edits[1] = (b"other\n",)
    assert [file.badge_of(group) for group in range(2)] == ["moved to line 21", ""]
    assert moved(compare(FileChange("a", HELPER.encode(), b"")).changes) == {}


def test_a_line_of_security_is_a_risk_where_it_is_new_and_not_where_it_moved() -> None:
    proposal = Proposal("1.1", "1", ChangeSet(()), "0" * 64, Ruling("ask", "edits ask", "files.edit"), "a.py")
    rest = b"".join(b"x%d = 1\n" % number for number in range(9))

    def reason(before: bytes, after: bytes) -> str:
        return Review.of(proposal, [FileChange("a.py", before, after)]).current.risk.reason

    assert reason(b"token = 1\n" + rest, rest + b"token = 1\n") == ""
    assert reason(b"token = 1\n" + rest, rest + b"token = 2\n") == "touches security"


TEXTS = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"d\n", b"\n"]), max_size=30)


@given(TEXTS, TEXTS, st.booleans(), st.booleans(), st.booleans())
def test_side_by_side_every_row_stands_once_on_its_side(
    old: list[bytes], new: list[bytes], is_folded: bool, is_cut: bool, is_edited: bool
) -> None:
    before, after = b"".join(old), b"".join(new)
    change = FileChange("a", before.removesuffix(b"\n") if is_cut else before, after)
    if change.before == after:
        return
    compared = compare(change)
    edits = {0: (b"mine\n", b"own")} if is_edited else {}
    rows = file_diff(change, compared, groups=group_changes(compared.changes), edits=edits, is_folded=is_folded).rows
    pairs = [rows.side(line) for line in range(rows.side_count)]
    left, right = ([pair[side] for pair in pairs if pair[side] >= 0] for side in (0, 1))
    lines = [(number, row.kind) for number, row in enumerate(rows) if row.kind != "note"]
    assert [row for row in left if rows[row].kind != "note"] == [number for number, kind in lines if kind != "add"]
    assert [row for row in right if rows[row].kind != "note"] == [number for number, kind in lines if kind != "delete"]
    assert sorted({*left, *right}) == list(range(len(rows)))
    assert len(left) == len(set(left))
    for line, pair in enumerate(pairs):
        assert {rows.side_line(row) for row in pair if row >= 0} == {line}


KEYS = ("y", "n", "u", "s", "j", "k", "J", "K", "t", "z", "x", "bracketright", "pagedown", "end", "home", "right", "f")


@settings(max_examples=12, deadline=None)
@given(st.lists(st.sampled_from(KEYS), min_size=3, max_size=8))
async def test_after_any_keys_the_screen_is_what_a_fresh_one_would_show(keys: list[str]) -> None:
    async with driving(reviewing(FileChange("a.py", BEFORE, AFTER), OTHER), size=(110, 24)) as drive:
        for key in keys:
            if _review(drive).undecided == 1 and key in "yn":
                continue
            await drive.press(key)
        view, review = _view(drive), _review(drive)
        file = review.current
        groups = range(len(file.groups))
        fresh = DiffPainter(
            view.diff,
            [file.mark_of(group) for group in groups],
            [file.badge_of(group) for group in groups],
            review.group,
        )
        fresh.palette.use(theme_tokens(view))
        cells, x, y = view.scrollable_content_region.width, *view.scroll_offset
        painted = (
            fresh.pair if view.virtual_size.height == view.diff.rows.side_count != len(view.diff.rows) else fresh.line
        )
        end = min(view.size.height, view.virtual_size.height - y)
        assert _shown(view)[:end] == [painted(y + row, x, cells).text for row in range(end)]
