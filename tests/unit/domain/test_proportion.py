import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.domain.proportion import Interval, more_needed, wilson

KNOWN = [
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
    # By hand from the closed form.
    (11, 12, 0.6461, 0.9851),
    (5, 10, 0.2366, 0.7634),
    (4, 4, 0.5101, 1.0),
]


@pytest.mark.parametrize(("passed", "of", "low", "high"), KNOWN)
def test_known_intervals(passed: int, of: int, low: float, high: float):
    found = wilson(passed, of)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_the_ends_solve_the_equation_that_defines_them():
    for passed, of in ((3, 7), (40, 90), (1, 2)):
        share = passed / of
        for end in wilson(passed, of):
            assert math.isclose(abs(share - end), 1.959963984540054 * math.sqrt(end * (1 - end) / of), rel_tol=1e-9)


@given(st.integers(0, 5_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_the_share_lies_inside_and_sides_mirror_each_other(counts: tuple[int, int]):
    passed, of = counts
    low, high = wilson(passed, of)
    assert 0.0 <= low <= high <= 1.0
    if of:
        assert low <= passed / of <= high
    other = wilson(of - passed, of)
    assert math.isclose(other.low, 1 - high, abs_tol=1e-9)
    assert math.isclose(other.high, 1 - low, abs_tol=1e-9)


@given(st.integers(1, 300).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))), st.integers(2, 20))
def test_more_of_the_same_is_surer(counts: tuple[int, int], times: int):
    few, many = wilson(*counts), wilson(counts[0] * times, counts[1] * times)
    assert few.low <= many.low + 1e-12
    assert many.high - 1e-12 <= few.high


def test_nothing_tried_says_nothing():
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("passed", "of"), [(-1, 3), (4, 3), (1, 0)])
def test_counts_that_cannot_be(passed: int, of: int):
    with pytest.raises(ValueError, match="of"):
        wilson(passed, of)


def test_per_cents_are_rounded_outwards():
    assert str(wilson(11, 12)) == "64-99 %"
    assert str(Interval(0.5, 1.0)) == "50-100 %"


@given(st.integers(1, 60).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_how_many_more_would_do(counts: tuple[int, int]):
    passed, of = counts
    more = more_needed(passed, of, least=0.5)
    if more is None:
        assert passed / of <= 0.5 or more_needed(passed, of, least=0.5) is None
    elif more:
        assert wilson(math.floor(passed / of * (of + more) + 1e-9), of + more).low >= 0.5
        assert wilson(passed, of).low < 0.5


def test_all_of_three_need_one_more():
    assert more_needed(3, 3, least=0.5) == 1
    assert more_needed(1, 2, least=0.5) is None
