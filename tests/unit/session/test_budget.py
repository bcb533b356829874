from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.config.settings import FrontierSettings
from hybridcode.domain.errors import LimitReached
from hybridcode.domain.events import Envelope, Event, ModelAnswered, ModelAsked
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.model import Message, ModelInfo, ModelRequest, Timing, Usage
from hybridcode.domain.plan import Plan
from hybridcode.models.pricing import Price, price_for, shipped_table
from hybridcode.session.budget import Budget
from tests.support.repos import git_repository
from tests.support.sessions import Scene, edit, fence, planning

FRONTIER = ModelInfo(name="big", backend="frontier", host="provider", is_remote=True)
PRICE = Price(input=1e-6, output=10e-6, cached_input=1e-7)


def request(text: str, most: int) -> ModelRequest:
    return ModelRequest("next", "judge", (Message("user", text),), max_output_tokens=most)


def envelopes(*events: Event) -> list[Envelope]:
    return [Envelope("s", number, "", "", "", event) for number, event in enumerate(events, 1)]


def asked(name: str, size: int = 1_000) -> ModelAsked:
    return ModelAsked(name, "plan", "big", "frontier", "provider", True, "", prompt_bytes=size)


def answered(name: str, usd: float | None, *, out: int = 0, error: str = "") -> ModelAnswered:
    return ModelAnswered(
        name, "", "cancelled" if usd is None else "stop", Usage(output_bytes=out), Timing(), usd, error
    )


def passes(budget: Budget, ask: ModelRequest, *events: Event, info: ModelInfo = FRONTIER) -> bool:
    try:
        budget.check(ask, info, envelopes(*events))
    except LimitReached as error:
        assert error.exit_code == ExitCode.LIMIT
        return False
    return True


def test_a_call_that_could_break_the_cap_is_not_made():
    ask = request("x" * 936, 900)  # at most 1,000 tokens in and 900 out: a cent
    assert passes(Budget(0.0101, PRICE, 900), ask)
    assert not passes(Budget(0.0099, PRICE, 900), ask)
    assert passes(Budget(0.0, PRICE, 900), ask)
    assert not passes(Budget(0.0151, PRICE, 900), ask, asked("1"), answered("1", 0.006))


def test_what_nobody_knows_counts_with_the_most_it_can_be():
    budget, ask = Budget(0.0151, PRICE, 900), request("x" * 936, 900)
    assert not passes(budget, ask, asked("1"))
    assert not passes(budget, ask, asked("1"), answered("1", None, out=12))
    assert passes(budget, ask, asked("1"), answered("1", None, error="ModelTransient: cannot be reached"))


def test_a_model_without_a_price_is_not_asked_while_there_is_a_cap():
    assert not passes(Budget(5.0, None, 900), request("x", 9))
    assert passes(Budget(0.0, None, 900), request("x", 9))
    assert passes(Budget(5.0, None, 900), request("x", 9), info=ModelInfo(name="l", backend="local"))


@given(
    st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 1_000), st.floats(0.2, 1.0)), max_size=12),
    st.floats(0.001, 0.05),
)
def test_whatever_is_asked_the_cap_holds(calls: list[tuple[int, int, float]], cap: float):
    budget, events, spent = Budget(cap, PRICE, 1_000), list[Event](), 0.0
    for number, (size, most, share) in enumerate(calls):
        if passes(budget, request("x" * size, most), *events):
            usd = PRICE.of(Usage(input_tokens=int(size * share), output_tokens=int(most * share)))
            events += [asked(str(number), size), answered(str(number), usd)]
            spent += usd
    assert spent <= cap


async def test_a_run_ends_with_6_before_the_call_and_goes_on_with_a_higher_cap(tmp_path: Path):
    workspace = git_repository(tmp_path / "shop", {"a.py": "X = 1\n"})
    priced = {
        "models.frontier.input_usd_per_mtok": 1.0,
        "models.frontier.output_usd_per_mtok": 10.0,
        "models.frontier.max_output_tokens": 1_000,
        "limits.max_cost_usd": 0.001,
    }
    script = planning(Plan((edit("1", "a.py#X"),)))
    it = Scene(workspace, script, {"draft": [fence("X = 2")]}, settings=priced)
    outcome = await it.run("make X two")
    assert outcome.code == ExitCode.LIMIT
    assert "could cost up to $0.01" in outcome.message
    assert it.session is not None
    assert not it.session.state.sums.calls
    it.settings = {**priced, "limits.max_cost_usd": 1.0}
    assert (await it.resume(it.session.id)).code == ExitCode.DONE


def test_listed_prices_are_read_without_the_library():
    table = shipped_table()
    assert price_for(FrontierSettings(model="nobody/nothing")) is None
    if not table:
        pytest.skip("litellm is not installed here")
    name = next(
        name for name, row in table.items() if row.get("input_cost_per_token") and row.get("output_cost_per_token")
    )
    assert price_for(FrontierSettings(model=name)) is not None
