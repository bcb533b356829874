from driving import driving
from hypothesis import given, settings
from hypothesis import strategies as st
from scene_parts import ASKS_EDIT, planned, propose, talk
from scripted_conversation import ScriptedConversation

from hybridcode.domain.action import Amend, Approve, ChangeSet, FileChange
from hybridcode.patch.hunks import choose, split
from hybridcode.tui.file_review import Mark
from hybridcode.tui.screens.questions import SureScreen
from hybridcode.tui.screens.review import ReviewPane
from hybridcode.tui.widgets.diff_view import DiffView

BEFORE = b"".join(b"line_%d = %d\n" % (number, number) for number in range(60))
AFTER = (
    BEFORE.replace(b"line_5 = 5", b"line_5  =  5")
    .replace(b"line_20 = 20", b"line_20 = 0")
    .replace(b"line_40 = 40\n", b"")
)
OTHER = FileChange("tests/test_a.py", b"a = 1\n", b"a = 2\n", 0o644)


def waiting(*changes: FileChange) -> ScriptedConversation:
    conversation = talk()
    sealed = conversation.seal(changes or [FileChange("a.py", BEFORE, AFTER, 0o644), OTHER])
    conversation.events = [*planned(), propose(conversation, sealed, ruling=ASKS_EDIT, title="two files", name="p1")]
    return conversation


async def test_mechanical_hunks_are_accepted_only_after_the_proof_is_named_and_a_guarded_yes() -> None:
    async with driving(waiting(FileChange("a.py", BEFORE, AFTER, 0o644))) as drive:
        await drive.press("m")
        assert isinstance(drive.app.screen, SureScreen)
        assert "1 hunk, whitespace" in drive.told
        await drive.press("y", after=0.1)
        assert isinstance(drive.app.screen, SureScreen)
        await drive.press("enter", "space")
        assert isinstance(drive.app.screen, SureScreen)
        await drive.press("y")
        assert drive.talk.answers == []
        assert "2 undecided" in drive.told
        await drive.press("m")
        assert "no undecided hunk is proven to be mechanical" in drive.told


async def test_decisions_survive_leaving_the_pane_and_can_be_taken_back_one_by_one() -> None:
    async with driving(waiting()) as drive:
        await drive.press("y", "n")
        assert "2 undecided" in drive.told
        await drive.press("escape", "ctrl+y")
        assert "2 undecided" in drive.told
        await drive.press("u", "u", "u")
        assert "4 undecided" in drive.told
        assert "nothing is decided yet" in drive.told


async def test_search_marks_matches_in_folded_lines_and_goes_to_them() -> None:
    async with driving(waiting()) as drive:
        await drive.press("slash", *"line_33", "enter")
        assert "line_33=33" in drive.told.replace(" ", "")
        view = drive.app.screen.query_one(DiffView)
        assert drive.app.focused is view
        await drive.press("greater_than_sign")
        assert "match 1" in drive.told
        assert drive.talk.answers == []


async def test_brackets_walk_the_files_which_stand_in_order_of_risk() -> None:
    async with driving(waiting()) as drive:
        assert "review a.py" in drive.told
        await drive.press("right_square_bracket")
        assert "review tests/test_a.py" in drive.told
        assert "a test" in drive.told
        await drive.press("left_square_bracket")
        assert "review a.py" in drive.told


KEYS = st.lists(
    st.sampled_from(["y", "n", "a", "d", "s", "j", "k", "J", "K", "u", "z", "t", "enter", "space", "tab", "w", "c"]),
    max_size=25,
)


@settings(max_examples=15, deadline=None)
@given(keys=KEYS, last=st.sampled_from("AN"))
async def test_whatever_is_pressed_the_bytes_are_those_of_the_accepted_hunks(keys: list[str], last: str) -> None:
    conversation = waiting(FileChange("a.py", BEFORE, AFTER, 0o644))
    marks: list[Mark] = []
    async with driving(conversation) as drive:
        for key in [*keys, last]:
            if not isinstance(pane := drive.pane, ReviewPane):
                break
            marks = pane.review.files[0].marks
            assert drive.talk.answers == []
            await drive.press(key)
        ((_, decision, _),) = drive.talk.answers
    taken = {index for index, mark in enumerate(marks) if mark == "accepted"}
    match decision:
        case Approve():
            assert taken == set(range(len(split(BEFORE, AFTER))))
        case Amend(action=ChangeSet() as sealed):
            assert conversation.unseal(sealed) == {"a.py": choose(BEFORE, AFTER, accepted=taken)}
        case _:
            assert not taken
