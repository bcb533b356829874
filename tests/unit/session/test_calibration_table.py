from typing import Any

import pytest

from hybridcode.domain.trials import TrialEnded
from hybridcode.domain.work import Work
from hybridcode.session.calibration.table import Advice, Row, advise, rows_of, table_of

EDIT = Work("small_edit", "python")


def trial(case: int, model: str = "small", **more: Any) -> TrialEnded:
    facts: dict[str, Any] = {
        "setup": "s",
        "source": "mined",
        "kind": "small_edit",
        "language": "python",
        "writer": "local" if model == "small" else "frontier",
        "sample": 1,
        "tries": 1,
        "passed_at": 1,
        "ends": ("passed",),
        "window_digest": "w",
        "input_tokens": 100,
        "output_tokens": 10,
        "seconds": 2.0,
        "usd": 0.0,
    }
    return TrialEnded(case=f"commit {case}", key=str(case), model=model, **(facts | more))


def trials(passed: int, of: int, model: str = "small", **more: Any) -> list[TrialEnded]:
    return [trial(n, model, passed_at=int(n < passed), **more) for n in range(of)]


def advice(*found: TrialEnded, enough: float = 0.5) -> Advice:
    (only,) = advise(rows_of(found), local="small", frontier="large", enough=enough)
    return only


def test_a_row_holds_counts_and_means():
    found = [trial(1, input_tokens=100, usd=0.25), trial(2, input_tokens=300, usd=0.75, passed_at=0)]
    (row,) = rows_of(found)
    assert (row.n, row.passed, row.passed_first) == (2, 1, 1)
    assert (row.input_tokens, row.output_tokens, row.seconds, row.usd) == (200.0, 10.0, 2.0, 0.5)
    assert str(row.interval) == "9-91 %"


def test_one_unknown_price_makes_the_dollars_unknown():
    (row,) = rows_of([trial(1, usd=0.25), trial(2, usd=None)])
    assert row.usd is None


def test_samples_of_one_case_are_one_case_and_count_by_majority():
    found = [trial(1, sample=1), trial(1, sample=2), trial(1, sample=3, passed_at=0), trial(2, sample=1, passed_at=0)]
    (row,) = rows_of(found)
    assert (row.n, row.passed) == (2, 1)
    (row,) = rows_of([trial(1, sample=1), trial(1, sample=2, passed_at=0)])
    assert (row.n, row.passed) == (1, 0)


def test_several_languages_have_a_row_together():
    found: list[Row] = rows_of([trial(1), trial(2, language="go", passed_at=0)])
    assert [(row.work.language, row.n, row.passed) for row in found] == [("any", 2, 1), ("go", 1, 0), ("python", 1, 1)]


def test_the_order_is_that_of_the_kinds_and_the_local_model_first():
    found = rows_of([trial(1, "large", kind="create"), trial(1, kind="create"), trial(2, "large")])
    assert [(row.work.kind, row.model) for row in found] == [
        ("small_edit", "large"),
        ("create", "small"),
        ("create", "large"),
    ]


def test_all_of_four_is_sure_enough_and_all_of_three_is_not():
    assert advice(*trials(4, 4)).first == "local"
    found = advice(*trials(3, 3))
    assert found.first is None
    assert found.why == (
        "the local model passed 3 of 3 (43-100 %); not enough to tell: about 1 more case at this rate would be"
    )


def test_the_frontier_is_advised_only_where_the_local_model_is_worse_for_certain_and_the_frontier_better():
    assert advice(*trials(0, 4), *trials(4, 4, "large")).first == "frontier"
    assert advice(*trials(1, 4), *trials(4, 4, "large")).first is None
    assert advice(*trials(0, 4), *trials(0, 4, "large")).first is None
    assert advice(*trials(0, 4)).first is None


def test_a_second_try_that_makes_it_sure_is_advised():
    found = advice(*trials(2, 8), *[trial(n, passed_at=2, tries=2) for n in range(8, 20)])
    assert (found.first, found.route and found.route.local_tries) == (None, None)
    found = advice(trial(0), trial(1), *[trial(n, passed_at=2, tries=2) for n in range(2, 8)])
    assert found.route is not None
    assert (found.first, found.route.local_tries, found.route.passed, found.route.tried) == ("local", 2, 8, 8)


def test_a_local_model_that_costs_money_has_to_earn_it():
    cheap = [*trials(8, 8, usd=0.001), *trials(8, 8, "large", usd=0.01)]
    dear = [*trials(8, 8, usd=0.009), *trials(8, 8, "large", usd=0.01)]
    assert advice(*cheap).first == "local"
    assert advice(*dear).first is None


@pytest.mark.parametrize(("enough", "first"), [(0.2, "local"), (0.9, None)])
def test_how_sure_is_sure_enough_is_a_persons_choice(enough: float, first: str | None):
    assert advice(*trials(5, 8), enough=enough).first == first


def test_the_table_has_the_routes_that_were_advised():
    rows = rows_of([*trials(4, 4), *trials(0, 5, kind="create"), *trials(5, 5, "large", kind="create")])
    table = table_of(advise(rows, local="small", frontier="large"), local="small", frontier="large")
    assert (table.local, table.frontier) == ("small", "large")
    assert [(route.kind, route.language, route.first, route.passed, route.tried) for route in table.route] == [
        ("small_edit", "python", "local", 4, 4),
        ("create", "python", "frontier", 0, 5),
    ]
    assert table.route_for(EDIT) == table.route[0]
