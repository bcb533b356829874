from driving import driving
from hypothesis import given
from hypothesis import strategies as st
from scene_parts import CART, CHANGES, MONEY, NEW_CART, talk
from scenes import review_command, review_diff
from textual.widgets import TextArea

from hybridcode.domain.action import Amend, Approve, ChangeSet, FileChange, Proposal, Reject, Ruling, ShellCommand
from hybridcode.domain.events import RungTaken
from hybridcode.patch.hunks import choose, split
from hybridcode.tui.file_review import FileReview
from hybridcode.tui.reviewing import Review, edited_lines

LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"\n", b"x = 1\n", b"end"]), max_size=12).map(b"".join)


def _review(*changes: FileChange) -> Review:
    return Review.of(Proposal("p", "1", ChangeSet(()), "d" * 64, Ruling("ask", "", "")), changes)


async def test_all_hunks_accepted_approves_the_digest() -> None:
    async with driving(review_diff()) as drive:
        await drive.press("y", "y", "y")
        ((name, decision, _),) = drive.talk.answers
        assert name == "k3vq7m2p"
        assert isinstance(decision, Approve)
        assert decision.digest == drive.app.state.proposals[name].proposal.digest


async def test_no_hunk_accepted_rejects() -> None:
    async with driving(review_diff()) as drive:
        await drive.press("n", "d", "N")
        assert [type(decision) for _, decision, _ in drive.talk.answers] == [Reject]


async def test_some_hunks_amend_with_exactly_those_bytes() -> None:
    async with driving(review_diff()) as drive:
        await drive.press("s", "n", "y", "A")
        ((_, decision, _),) = drive.talk.answers
        assert isinstance(decision, Amend)
        assert isinstance(decision.action, ChangeSet)
        everything = range(len(split(CART, NEW_CART)))
        assert drive.talk.unseal(decision.action) == {
            "shop/cart.py": choose(CART, NEW_CART, accepted=set(everything) - {0}),
            "shop/money.py": MONEY,
        }


async def test_a_rejected_file_is_left_out() -> None:
    async with driving(review_diff()) as drive:
        await drive.press("a", "n")
        ((_, decision, _),) = drive.talk.answers
        assert isinstance(decision, Amend)
        assert isinstance(decision.action, ChangeSet)
        assert drive.talk.unseal(decision.action) == {"shop/cart.py": NEW_CART}


async def test_an_edited_hunk_is_amended_with_the_edited_bytes() -> None:
    async with driving(review_diff()) as drive:
        await drive.press("e")
        area = drive.app.screen.query_one(TextArea)
        assert area.text == "from shop.money import Money\n\n"
        area.text = "from shop.money import Euro as Money\n\n"
        await drive.press("ctrl+s")
        assert "Euro" in drive.told
        await drive.press("A")
        ((_, decision, _),) = drive.talk.answers
        assert isinstance(decision, Amend)
        assert isinstance(decision.action, ChangeSet)
        expected = NEW_CART.replace(b"import Money", b"import Euro as Money")
        assert drive.talk.unseal(decision.action)["shop/cart.py"] == expected


async def test_a_proof_is_not_claimed_for_what_a_person_made_of_the_change() -> None:
    async with driving(review_diff()) as drive:
        assert "✓ proven: pytest -q tests/test_cart.py" in drive.told
        await drive.press("n")
        assert "✓ proven" not in drive.told
        assert "not proven as decided here: pytest -q tests/test_cart.py" in drive.told
        await drive.press("u")
        assert "✓ proven: pytest -q tests/test_cart.py" in drive.told
        await drive.press("e")
        drive.app.screen.query_one(TextArea).text = "x = 1"
        await drive.press("ctrl+s")
        assert "✓ proven" not in drive.told
        await drive.press("w")
        assert "✓" not in drive.told.partition("undecided")[0]
        assert "not proven as decided here" in drive.told


async def test_an_edit_that_is_left_changes_nothing() -> None:
    async with driving(review_diff()) as drive:
        await drive.press("e")
        drive.app.screen.query_one(TextArea).text = "nonsense"
        await drive.press("escape", "A")
        assert [type(decision) for _, decision, _ in drive.talk.answers] == [Approve]


async def test_an_edited_command_keeps_folder_and_variables() -> None:
    async with driving(review_command()) as drive:
        await drive.press("e")
        drive.app.screen.query_one(TextArea).text = "pytest -x"
        await drive.press("ctrl+s")
        ((_, decision, _),) = drive.talk.answers
        assert isinstance(decision, Amend)
        command = decision.action
        assert isinstance(command, ShellCommand)
        assert command.argv == ("pytest", "-x")
        assert command.env_names == ("HOME", "LANG", "PATH", "TERM")


@given(before=LINES, after=LINES, data=st.data())
def test_the_result_is_what_choose_says(before: bytes, after: bytes, data: st.DataObject) -> None:
    review = FileReview(FileChange("f", before, after))
    hunks = split(before, after)
    if not hunks:
        return
    taken = data.draw(st.sets(st.integers(0, len(hunks) - 1)))
    review.marks = ["accepted" if index in taken else "rejected" for index in range(len(hunks))]
    result = review.result()
    assert (before if result is None else result.after) == choose(before, after, accepted=taken)


@given(before=LINES, after=LINES)
def test_saving_an_edit_unchanged_changes_nothing(before: bytes, after: bytes) -> None:
    review = _review(FileChange("f", before, after))
    review.split()
    change = review.current.changes[review.current.groups[0][0]]
    text = b"".join(change.new).decode()
    assert edited_lines(review, text) == change.new or not text.strip("\n")


def test_edited_lines_keep_crlf_and_a_missing_last_line_end() -> None:
    review = _review(FileChange("f", b"a\r\nb\r\nlast", b"a\r\nb\r\nLAST"))
    assert edited_lines(review, "one\ntwo") == (b"one\r\n", b"two")
    review = _review(FileChange("f", b"a\r\nb\r\n", b"A\r\nb\r\n"))
    assert edited_lines(review, "one\ntwo") == (b"one\r\n", b"two\r\n")


def test_split_shows_each_change_and_keeps_marks_together() -> None:
    review = _review(*CHANGES)
    before = len(review.current.groups)
    assert review.split()
    assert len(review.current.groups) > before
    assert not review.split()
    review.mark("rejected")
    assert review.current.marks[0] == "rejected"
    assert review.group == 1


def test_cursor_goes_round_to_what_is_undecided() -> None:
    review = _review(*CHANGES)
    review.step(-1)
    assert review.file == 1
    review.mark("accepted")
    assert (review.file, review.group) == (0, 0)


def test_deletion_and_mode_are_one_decision() -> None:
    gone = FileReview(FileChange("f", b"a\nb\n", None))
    assert len(gone.changes) == 1
    gone.marks = ["accepted"]
    assert gone.result() == FileChange("f", b"a\nb\n", None)
    binary = FileReview(FileChange("f", b"\0a", b"\0b"))
    binary.marks = ["rejected"]
    assert binary.result() is None


async def test_nothing_waits_on_an_empty_session() -> None:
    async with driving(talk(is_running=False)) as drive:
        await drive.press("ctrl+y")
        assert drive.pane is None
        assert "nothing waits" in drive.told


async def test_a_reason_for_one_hunk_goes_with_what_is_taken() -> None:
    async with driving(review_diff()) as drive:
        await drive.press("y", "r", *"keep", "enter")
        assert drive.talk.answers == []
        await drive.press("y")
        ((_, decision, _),) = drive.talk.answers
        assert isinstance(decision, Amend)
        assert decision.reason == "hunk at shop/cart.py:23-33: keep"
        assert isinstance(decision.action, ChangeSet)
        assert drive.talk.unseal(decision.action)["shop/cart.py"] != NEW_CART


async def test_a_reason_stands_at_its_hunk_until_it_is_taken_back() -> None:
    async with driving(review_diff()) as drive:
        await drive.press("r", *"keep", "enter", "K")
        assert "! your reason: keep" in drive.told
        await drive.press("u")
        assert "your reason" not in drive.told
        await drive.press("A")
        assert [type(decision) for _, decision, _ in drive.talk.answers] == [Approve]


async def test_a_reason_for_every_hunk_that_is_left_rejects_with_all_of_them() -> None:
    async with driving(review_diff()) as drive:
        await drive.press("n", "r", *"one", "enter")
        assert "the step is given up" not in drive.told
        await drive.press("r", *"two", "enter")
        ((_, decision, _),) = drive.talk.answers
        assert isinstance(decision, Reject)
        assert [line.rpartition(": ")[2] for line in decision.reason.split("\n")] == ["one", "two"]


async def test_where_no_draft_can_follow_the_reason_is_not_promised_to_one() -> None:
    conversation = review_diff()
    conversation.events.insert(-1, RungTaken("2", "frontier", "frontier", 4, "the last", is_last=True))
    async with driving(conversation) as drive:
        await drive.press("R", "x")
        assert "it is recorded; no draft follows" in drive.told
