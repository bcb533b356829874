import pytest
from driving import Drive, driving
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes_review import AFTER, BEFORE, many_files, reviewing, warned, writing_command
from textual.widgets import TextArea

from hybridcode.domain.action import Amend, Approve, ChangeSet, FileChange
from hybridcode.patch.hunks import choose, split
from hybridcode.tui.screens.review import ReviewPane
from hybridcode.tui.widgets.diff_view import DiffView
from hybridcode.tui.widgets.file_list import FileList

OTHER = FileChange("shop/other.py", b"a = 1\n", b"a = 2\n")


def _pane(drive: Drive) -> ReviewPane:
    assert isinstance(drive.pane, ReviewPane)
    return drive.pane


async def test_five_hundred_files_are_walked_by_keys_and_found_by_words() -> None:
    async with driving(many_files(), size=(120, 40)) as drive:
        review = _pane(drive).review
        await drive.press("tab")
        assert isinstance(drive.app.focused, FileList)
        await drive.press("j", "j", "j")
        assert review.file == 3
        await drive.press("slash", *"part_250", "enter")
        assert review.current.change.path.endswith("part_250.py")
        await drive.press("enter")
        assert isinstance(drive.app.focused, DiffView)
        await drive.press("y")
        assert review.undecided == 499
        assert drive.talk.answers == []


async def test_where_the_list_covers_the_diff_nothing_can_be_decided() -> None:
    async with driving(reviewing(FileChange("a.py", BEFORE, AFTER), OTHER), size=(60, 20)) as drive:
        await drive.press("tab", "A", "N", "y", "n", "a", "d", "m", "r", "e", "enter")
        assert drive.talk.answers == []
        assert _pane(drive).review.undecided == 3
        await drive.press("y")
        assert _pane(drive).review.undecided == 2


async def test_a_warning_stands_at_the_hunk_it_comes_from_and_only_there() -> None:
    async with driving(warned()) as drive:
        shown = " ".join(drive.told.split())
        assert shown.count("typographic quotes or blanks are added") == 1
        assert shown.index("undecided ──") < shown.index("typographic quotes")
        assert shown.index("a public name is gone") < shown.index("hunk 1/2 line")


async def test_an_edit_that_breaks_the_file_is_told_and_waits_for_a_yes() -> None:
    async with driving(reviewing(FileChange("a.py", BEFORE, AFTER))) as drive:
        await drive.press("e")
        drive.app.screen.query_one(TextArea).text = "line_5 = (\n"
        await drive.press("ctrl+s")
        assert "your edit: 1 new syntax error" in drive.told
        assert _pane(drive).review.undecided == 2
        await drive.press("enter", "space")
        assert drive.talk.answers == []
        await drive.press("y", "y")
        ((_, decision, _),) = drive.talk.answers
        assert isinstance(decision, Amend)
        assert isinstance(decision.action, ChangeSet)
        expected = choose(BEFORE, AFTER, accepted={0, 1}, edited={0: (b"line_5 = (\n",)})
        assert drive.talk.unseal(decision.action) == {"a.py": expected}


async def test_an_edit_that_keeps_the_fault_of_the_proposal_is_told_of_it_and_a_good_one_is_taken() -> None:
    async with driving(warned()) as drive:
        await drive.press("e")
        drive.app.screen.query_one(TextArea).text = "line_5 = “six”\n"
        await drive.press("ctrl+s")
        assert "your edit: 3 new syntax errors" in drive.told
        assert _pane(drive).review.undecided == 3
        await drive.press("e")
        drive.app.screen.query_one(TextArea).text = "line_5 = 6\n"
        await drive.press("ctrl+s")
        assert "syntax errors" not in drive.told
        assert _pane(drive).review.undecided == 2


async def test_one_fold_opens_at_a_time_and_a_line_is_gone_to() -> None:
    async with driving(reviewing(FileChange("a.py", BEFORE, AFTER))) as drive:
        assert "line_30" not in drive.told
        await drive.press("J", "x")
        assert "line_30" in drive.told
        rows = drive.app.screen.query_one(DiffView).diff.rows
        assert any(row.kind == "fold" for row in rows)
        await drive.press("slash", *":59", "enter")
        assert "line_59" in drive.told


@pytest.mark.parametrize("key", ["E", "o"])
async def test_without_an_editor_it_is_said_and_nothing_is_decided(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    async with driving(reviewing(FileChange("a.py", BEFORE, AFTER))) as drive:
        await drive.press(key)
        assert "No editor is named" in drive.told or "not on disk" in drive.told
        assert drive.talk.answers == []


async def test_what_a_command_is_seen_to_do_stands_in_its_pane() -> None:
    async with driving(writing_command()) as drive:
        told = " ".join(drive.told.split())
        assert "writes `out.txt`" in told
        assert "puts back what it changes here" in told


PRESSED = (
    *("y", "n", "a", "d", "s", "j", "J", "K", "u", "x", "z", "m", "enter", "space", "tab", "down", "C"),
    *("right_square_bracket", "left_square_bracket", "f", "t", "greater_than_sign", "w", "escape", "ctrl+y"),
)
KEYS = st.lists(st.sampled_from(PRESSED), max_size=25)


@settings(max_examples=12, deadline=None)
@given(keys=KEYS, width=st.sampled_from([60, 120]))
async def test_over_files_and_list_the_bytes_are_those_of_the_accepted_hunks(keys: list[str], width: int) -> None:
    changes = {"a.py": (BEFORE, AFTER), OTHER.path: (OTHER.before or b"", OTHER.after or b"")}
    conversation = reviewing(*(FileChange(path, *sides) for path, sides in changes.items()))
    async with driving(conversation, size=(width, 24)) as drive:
        review = _pane(drive).review
        for key in keys:
            before = (drive.talk.answers[:], review.undecided)
            await drive.press(key)
            if key in ("enter", "space", "tab", "escape", "down"):
                assert (drive.talk.answers, review.undecided) == before
        taken = {
            file.change.path: {n for n, mark in enumerate(file.marks) if mark == "accepted"} for file in review.files
        }
        if review.undecided:
            assert drive.talk.answers == []
            return
        ((_, decision, _),) = drive.talk.answers
    wanted = {path: choose(*sides, accepted=taken[path]) for path, sides in changes.items() if taken[path]}
    match decision:
        case Approve():
            assert all(len(split(*sides)) == len(taken[path]) for path, sides in changes.items())
        case Amend(action=ChangeSet() as sealed):
            assert conversation.unseal(sealed) == wanted
        case _:
            assert not wanted
