from datetime import UTC, datetime

import msgspec
import pytest
from driving import driving
from scene_parts import ASKS_EDIT, CHANGES, answered, asked, drafted, propose, talk
from scripted_conversation import ScriptedConversation

from hybridcode.domain.action import Approve, ShellCommand
from hybridcode.domain.canonical import canonical_json
from hybridcode.domain.events import ModelAsked
from hybridcode.domain.model import Message
from hybridcode.domain.window import Excerpt
from hybridcode.tui.accounts import step_accounts
from hybridcode.tui.archive import IndexAnswer, Unanswered, Waiting
from hybridcode.tui.plot import plot
from hybridcode.tui.requests import requests_of
from hybridcode.tui.screens.asked_index import AskedIndexScreen
from hybridcode.tui.screens.inbox import InboxScreen
from hybridcode.tui.screens.text import TextScreen
from hybridcode.tui.times import age


def waits(conversation: ScriptedConversation, name: str = "k3vq7m2p", lapsed: str = "") -> Waiting:
    made = propose(conversation, conversation.seal(CHANGES), ruling=ASKS_EDIT, name=name, title="Exact sums")
    conversation.archive.blobs = conversation.blobs
    return Waiting(made.proposal, "20251231-120000-else", "Another task", "2026-01-01T00:00:00Z", True, lapsed)


def spoken() -> ScriptedConversation:
    conversation = talk(is_running=False)
    blob = canonical_json((Message("system", "Write."), Message("user", "## shop/cart.py\nlines 1-2:\nneedle\n")))
    digest = conversation.store(blob)
    conversation.events = [
        event if not isinstance(event, ModelAsked) else msgspec.structs.replace(event, prompt_sha256=digest)
        for event in [*drafted(), answered(3, out=60)]
    ]
    return conversation


def test_each_draft_has_the_window_of_its_own_step() -> None:
    windows = [request.window for request in requests_of(spoken().envelopes)]
    assert windows[0] is None
    assert [window.step for window in windows[1:] if window] == ["1", "2"]


def test_the_sums_of_the_steps_are_those_of_the_session() -> None:
    accounts = step_accounts(spoken().envelopes)
    assert [(account.step, account.frontier.output_tokens, account.local.output_tokens) for account in accounts] == [
        ("", 420, 0),
        ("1", 0, 190),
        ("2", 0, 60),
    ]
    assert accounts[1].usd is None


@pytest.mark.parametrize("cells", [24, 58, 100])
def test_a_plot_has_lines_of_one_width_and_ends_at_the_top(cells: int) -> None:
    lines = plot([(1.0, 10.0), (9.0, 40.0)], cells, 4, x_text=lambda s: f"{s:.0f} s", y_text=lambda v: f"{v:.0f} tok")
    assert {len(line) for line in lines} == {cells}
    assert lines[0].startswith("40 tok │") and lines[0].endswith("█")
    assert lines[-1].endswith("9 s")


def test_a_plot_of_nothing_is_flat() -> None:
    lines = plot([], 30, 3, x_text=str, y_text=str)
    assert "█" not in "".join(lines)


def test_age_is_told_in_its_largest_unit() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert [age(at, now) for at in ("2026-01-01T23:59:20Z", "2026-01-01T23:00:00Z", "2025-12-28T00:00:00Z")] == [
        "40 s",
        "1 h",
        "5 d",
    ]


async def test_the_context_shows_the_exact_text_and_finds_words_in_it() -> None:
    async with driving(spoken()) as drive:
        await drive.press("f2")
        assert "3 requests" in drive.told
        await drive.press("enter")
        assert isinstance(drive.app.screen, TextScreen)
        assert "## shop/cart.py\nlines 1-2:\nneedle" in drive.app.screen.text
        await drive.press("slash", *"needle", "enter")
        assert "1 line with needle" in drive.told
        await drive.press("escape", "escape")
        assert drive.app.screen is drive.app.desk.session


async def test_the_context_follows_while_a_task_runs() -> None:
    conversation = spoken()
    async with driving(conversation) as drive:
        await drive.press("f2")
        conversation.play(asked(9, "judge", "frontier"))
        await drive.pilot.pause(0.7)
        assert "4 requests" in drive.told


async def test_a_question_shows_what_the_index_would_show() -> None:
    conversation = talk(is_running=False)
    excerpt = Excerpt("shop/cart.py", 1, 3, "named", 900_000, {"path": 500_000})
    conversation.archive.found = IndexAnswer(((excerpt, "first line"),), 120, 8_000, "d" * 64)
    async with driving(conversation) as drive:
        await drive.press(*"/context", "space", *"cart", "enter")
        assert isinstance(drive.app.screen, AskedIndexScreen)
        assert conversation.archive.questions == ["cart"]
        assert "first line" in drive.told


async def test_the_ledger_says_unknown_and_never_nothing_for_an_unknown_cost() -> None:
    async with driving(spoken(), (60, 40)) as drive:
        await drive.press("f3")
        assert "unknown" in drive.told and "estimate" in drive.told
        await drive.press("tab")
        assert "all sessions" in drive.told


async def test_egress_says_when_nothing_left() -> None:
    async with driving(talk(is_running=False)) as drive:
        await drive.press(*"/egress", "enter")
        assert "nothing has left this machine" in drive.told


async def test_egress_lists_only_what_left() -> None:
    async with driving(spoken()) as drive:
        await drive.press(*"/egress", "enter")
        assert "1 request" in drive.told and "api.example:443" in drive.told


async def test_a_proposal_of_another_session_is_decided_in_its_pane_and_answered_there() -> None:
    conversation = talk(is_running=False)
    waiting = waits(conversation)
    conversation.archive.rows = [waiting]
    async with driving(conversation) as drive:
        await drive.press("f4")
        assert "Exact sums" in drive.told
        await drive.press("enter")
        assert drive.pane is not None
        await drive.press("A", after=0.1)
        assert conversation.archive.answers == []
        await drive.press("A")
        [(name, decision)] = conversation.archive.answers
        assert name == waiting.proposal.id and isinstance(decision, Approve)
        assert conversation.answers == []
        assert isinstance(drive.app.screen, InboxScreen)


async def test_leaving_the_pane_of_another_session_decides_nothing_and_returns_to_the_inbox() -> None:
    conversation = talk(is_running=False)
    made = propose(conversation, ShellCommand(("make",), "make"), ruling=ASKS_EDIT)
    conversation.archive.rows = [
        Waiting(made.proposal, "20251231-120000-else", "Another", "2026-01-01T00:00:00Z", False)
    ]
    async with driving(conversation) as drive:
        await drive.press("f4", "enter")
        assert drive.pane is not None
        await drive.press("enter", "escape")
        assert isinstance(drive.app.screen, InboxScreen)
        assert conversation.archive.answers == []


async def test_what_the_planner_asks_in_another_session_is_listed_and_opened_by_going_there() -> None:
    conversation = talk(is_running=False)
    questions = ("Which rate? (five / six)",)
    conversation.archive.asked = [
        Unanswered("else-1", "Set a rate", "2026-01-01T00:00:00Z", False, "the planner asks: Which rate?", questions),
        Unanswered("else-2", "Set all", "2026-01-01T00:00:00Z", True, "a plan of 2 steps waits"),
    ]
    async with driving(conversation) as drive:
        await drive.press("f4")
        assert "2 waiting" in drive.told
        assert "(five / six)" in drive.told
        await drive.press("down", "enter")
        assert "answered there" in drive.told
        assert conversation.opened == []
        await drive.press("up", "enter")
        assert conversation.opened == [("else-1", None)]


async def test_what_is_stale_cannot_be_opened_but_closed() -> None:
    conversation = talk(is_running=False)
    conversation.archive.rows = [waits(conversation, lapsed="shop/cart.py changed on disk")]
    async with driving(conversation) as drive:
        await drive.press("f4", "enter")
        assert drive.pane is None
        await drive.press("x")
        assert conversation.archive.closed == ["k3vq7m2p"]
        assert "was closed" in drive.told
