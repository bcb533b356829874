from itertools import islice

import msgspec
import pytest
from driving import driving
from scene_parts import FACTS, answered, asked, drafted, opened, planned
from scenes import SCENES
from scripted_conversation import ScriptedConversation

from benchmarks.recorded_session import Story
from hybridcode.domain.events import Event
from hybridcode.models.ledger import Ledger, all_frontier
from hybridcode.models.pricing import Price
from hybridcode.session.state import SessionState
from hybridcode.tui.amounts import dollars
from hybridcode.tui.meter import fitting, meter_items, meter_of
from hybridcode.tui.paint import width

PRICE = Price(input=3e-6, output=15e-6, cached_input=3e-7)


def state_of(*events: Event) -> SessionState:
    return SessionState.of(ScriptedConversation(FACTS, list(events)).envelopes)


def items_of(state: SessionState, *, price: Price | None = None, budget_usd: float = 0.0) -> list[tuple[int, str]]:
    return meter_items(meter_of(state, price=price, budget_usd=budget_usd))


@pytest.mark.parametrize("scene", ["drafting", "done", "plan_waiting", "empty", "denied"])
def test_at_every_width_items_are_whole_in_order_and_the_needed_ones_stay(scene: str) -> None:
    items = items_of(SessionState.of(SCENES[scene]().envelopes), price=PRICE, budget_usd=0.5)
    texts = [text for _, text in items]
    ranks = {text: rank for rank, text in items}
    for cells in range(301):
        shown = fitting(items, cells)
        assert width(" · ".join(shown)) <= cells
        assert shown == [text for text in texts if text in shown]
        dropped = set(texts) - set(shown)
        assert all(ranks[kept] < ranks[gone] for kept in shown for gone in dropped)
    assert fitting(items, 300) == texts


def test_what_is_left_of_the_limit_counts_the_frontier_of_the_whole_session() -> None:
    texts = [text for _, text in items_of(state_of(*planned()), budget_usd=0.5)]
    assert "left $0.48 of $0.50" in texts
    assert not any("left $" in text for _, text in items_of(state_of(*planned())))


def test_nothing_is_left_below_zero_and_an_unknown_cost_leaves_an_unknown_rest() -> None:
    assert (1, "left $0.00 of $0.01") in items_of(state_of(*planned()), budget_usd=0.01)
    unknown = (asked(8, "judge", "frontier"), answered(8, out=4))
    texts = [text for _, text in items_of(state_of(*planned(), *unknown), budget_usd=0.5)]
    assert "left unknown of $0.50" in texts
    assert "frontier 6.6k tok cost unknown" in texts


def test_the_estimate_is_the_ledgers_and_is_called_one() -> None:
    events = [*drafted(), answered(3, out=310)]
    ledger = Ledger.of(ScriptedConversation(FACTS, events).envelopes)
    for price in (None, PRICE):
        estimate = all_frontier(ledger, price)
        assert estimate is not None
        assert (7, f"all-frontier est. {dollars(estimate.usd)}") in items_of(state_of(*events), price=price)


def test_there_is_no_estimate_where_nothing_was_local_or_the_frontier_is_a_script() -> None:
    scripted = msgspec.structs.replace(opened(), frontier_is_scripted=True)
    for events in (planned(), [scripted, *drafted()[1:], answered(3, out=310)]):
        assert not any("est." in text for _, text in items_of(state_of(*events), price=PRICE))


def test_the_meter_of_a_long_session_is_the_ledgers() -> None:
    events = list(islice(Story().events(), 3_000))
    envelopes = ScriptedConversation(FACTS, events).envelopes
    meter, ledger = meter_of(SessionState.of(envelopes)), Ledger.of(envelopes)
    assert meter.frontier_tokens == ledger.frontier.input_tokens + ledger.frontier.output_tokens
    assert meter.local_tokens == ledger.local.input_tokens + ledger.local.output_tokens
    assert meter.usd == ledger.frontier.usd
    assert meter.sent_bytes == ledger.bytes_sent
    assert meter.local_share == round(100 * (ledger.local_output_share or 0))


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (200, 40)])
async def test_the_bottom_line_shows_the_limit_of_the_settings(size: tuple[int, int]) -> None:
    conversation = SCENES["done"]()
    conversation.facts = msgspec.structs.replace(FACTS, budget_usd=0.5, price=PRICE)
    async with driving(conversation, size=size) as drive:
        await drive.pilot.pause(0.1)
        bottom = drive.told.rstrip("\n").split("\n")[-1]
        assert "left $0.48 of $0.50" in bottom
        assert ("all-frontier est. $" in bottom) == (size[0] == 200)
        assert ("TTFT 0.4 s" in bottom) == (size[0] == 200)
