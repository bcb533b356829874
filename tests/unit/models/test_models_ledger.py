from hypothesis import given
from hypothesis import strategies as st

from hybridcode.domain.events import Envelope, Event, ModelAnswered, ModelAsked, SessionOpened
from hybridcode.domain.model import Backend, Role, Timing, Usage
from hybridcode.domain.window import Finish
from hybridcode.models.ledger import Account, Ledger, all_by
from hybridcode.models.pricing import Price


def opened(*, scripted: bool = False) -> SessionOpened:
    return SessionOpened("/w", "1", "default", True, False, "big", "small", frontier_is_scripted=scripted)


def call(
    number: int,
    backend: Backend = "frontier",
    role: Role = "plan",
    *,
    out: int = 10,
    usd: float | None = 0.5,
    error: str = "",
    finish: Finish = "stop",
) -> list[Event]:
    name = "big" if backend == "frontier" else "small"
    is_remote = backend == "frontier"
    host = "provider" if is_remote else None
    return [
        ModelAsked(f"c{number}", role, name, backend, host, is_remote, "", prompt_bytes=400, redactions=1),
        ModelAnswered(f"c{number}", "", finish, Usage(100, out, 40, 400, out * 4), Timing(2.0), usd, error),
    ]


def fold(*events: Event) -> Ledger:
    return Ledger.of(Envelope("s", n, "", "", "", event) for n, event in enumerate(events, 1))


def test_calls_add_up_by_model_and_role() -> None:
    ledger = fold(opened(), *call(1), *call(2), *call(3, role="judge"), *call(4, "local", "draft", usd=0.0, out=90))
    assert ledger.accounts["frontier", "big", "plan"] == Account(2, 200, 20, 80, 800, 80, 4.0, 1.0)
    assert (ledger.frontier.calls, ledger.frontier.usd, ledger.local.output_tokens) == (3, 1.5, 90)
    assert ledger.local_output_share == 360 / (360 + 120)


def test_the_json_has_its_shape() -> None:
    data = fold(opened(), *call(1), *call(2, "local", "draft", usd=0.0)).to_json()
    assert set(data) == {"frontier", "local", "local_output_share"}
    account = data["frontier"]
    assert (account["calls"], account["input_tokens"], account["output_tokens"]) == (1, 100, 10)
    assert (account["cached_tokens"], account["usd"], account["seconds"]) == (40, 0.5, 2.0)
    assert account["models"]["big"]["roles"]["plan"]["calls"] == 1
    assert account["models"]["big"]["is_scripted"] is False
    assert data["local_output_share"] == 0.5


def test_one_unknown_price_makes_the_sum_unknown() -> None:
    ledger = fold(*call(1), *call(2, usd=None))
    assert ledger.frontier.usd is None
    assert ledger.to_json()["frontier"]["usd"] is None


def test_failed_and_cancelled_calls_have_no_price_but_are_counted() -> None:
    ledger = fold(*call(1, usd=None, error="ModelTransient: x"), *call(2, usd=None, finish="cancelled"), *call(3))
    assert (ledger.frontier.calls, ledger.frontier.uncounted_calls, ledger.frontier.usd) == (3, 2, 0.5)


def test_a_scripted_frontier_wrote_nothing() -> None:
    ledger = fold(opened(scripted=True), *call(1, usd=0.0), *call(2, "local", "draft", usd=0.0))
    assert ledger.local_output_share == 1.0
    assert ledger.to_json()["frontier"]["models"]["big"]["is_scripted"] is True
    assert fold(opened(scripted=True), *call(1)).local_output_share is None


def test_egress_counts_what_left() -> None:
    ledger = fold(*call(1), *call(2), *call(3, "local", "draft"))
    assert ledger.egress_json() == {
        "remote_calls": 2,
        "bytes_sent": 800,
        "input_tokens": 200,
        "output_tokens": 20,
        "hosts": ["provider"],
        "redactions": 2,
    }


def test_a_call_under_way_and_an_empty_session() -> None:
    ledger = fold(call(1)[0])
    assert (ledger.frontier.calls, ledger.frontier.output_tokens, ledger.remote_calls) == (1, 0, 1)
    empty = fold()
    assert (empty.frontier, empty.local_output_share) == (Account(), None)
    sums = {"remote_calls": 0, "bytes_sent": 0, "input_tokens": 0, "output_tokens": 0, "redactions": 0}
    assert empty.egress_json() == {**sums, "hosts": []}


@given(
    st.lists(st.tuples(st.sampled_from(["frontier", "local"]), st.sampled_from(["plan", "draft"]), st.integers(0, 9)))
)
def test_the_parts_are_the_whole(calls: list[tuple[Backend, Role, int]]) -> None:
    events = [event for n, (backend, role, out) in enumerate(calls) for event in call(n, backend, role, out=out)]
    ledger = fold(*events)
    assert ledger.frontier.output_tokens + ledger.local.output_tokens == sum(out for _, _, out in calls)
    assert ledger.frontier.calls + ledger.local.calls == len(calls)
    share = ledger.local_output_share
    assert share is None or 0 <= share <= 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["frontier", "local"]),
            st.sampled_from(["plan", "draft", "judge"]),
            st.booleans(),
            st.integers(0, 5_000),
            st.integers(0, 900),
            st.sampled_from(["", "ModelTransient: busy"]),
            st.integers(1, 3),
        )
    )
)
def test_ledger_and_egress_agree_to_the_token(
    calls: list[tuple[Backend, Role, bool, int, int, str, int]],
) -> None:
    events: list[Event] = []
    for number, (backend, role, is_remote, size, out, error, tries) in enumerate(calls):
        model = f"{backend}-{'far' if is_remote else 'here'}"
        host = f"{backend}.example" if is_remote else None
        for attempt in range(1, tries + 1):
            usage = Usage(size // 4, out, 0, size, out * 4)
            events += [
                ModelAsked(f"c{number}", role, model, backend, host, is_remote, "", size, attempt=attempt),
                ModelAnswered(f"c{number}", "", "stop", usage, Timing(1.0), 0.0, error),
            ]
    ledger, sent = fold(*events), fold(*events).egress_json()
    far = [account for (_, model, _), account in ledger.accounts.items() if model.endswith("far")]
    assert sent["remote_calls"] == sum(account.calls for account in far)
    assert sent["bytes_sent"] == sum(account.input_bytes for account in far)
    assert sent["input_tokens"] == sum(account.input_tokens for account in far)
    assert sent["output_tokens"] == sum(account.output_tokens for account in far)


def test_the_estimate_names_one_baseline_and_counts_every_token() -> None:
    ledger = fold(*call(1), *call(2, "local", "draft", usd=0.0, out=90))
    price = Price(input=2e-6, output=10e-6, cached_input=1e-6)
    estimate = all_by(ledger, "big", price, "list prices")
    assert (estimate.baseline, estimate.source) == ("big", "list prices")
    assert round(estimate.usd, 9) == round((160 * 2 + 40 * 1 + 100 * 10) / 1e6, 9)
