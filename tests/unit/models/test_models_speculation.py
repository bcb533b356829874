import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.models.speculation import MOST_DRAFTED, Pace, PromptLookup

TOKENS = st.lists(st.integers(0, 4), max_size=60)


def lookup(prompt: list[int], most: int = MOST_DRAFTED) -> PromptLookup:
    found = PromptLookup(most)
    found.begin(prompt)
    return found


def test_what_followed_before_is_guessed() -> None:
    draft = lookup([1, 2, 3, 4, 5, 9, 1, 2]).draft(3, 2)
    assert list(draft.tokens) == [4, 5]


def test_the_longest_match_wins_over_a_later_one() -> None:
    prompt = [1, 2, 3, 40, 8, 2, 3, 50, 1, 2]
    assert list(lookup(prompt).draft(3, 1).tokens) == [40]


def test_among_equal_matches_the_latest_wins() -> None:
    prompt = [2, 3, 40, 8, 2, 3, 50, 2]
    assert list(lookup(prompt).draft(3, 1).tokens) == [50]


def test_longer_matches_are_trusted_more() -> None:
    prompt = [*range(100, 130), 7, 100, 101]
    short = lookup(prompt).draft(102, 4)
    long = lookup([*prompt, *range(102, 120)]).draft(120, 4)
    assert 0 < short.trust < long.trust


def test_the_answer_itself_is_looked_up_as_it_grows() -> None:
    found = lookup([1, 2, 3])
    assert not found.draft(9, 4).tokens
    found.extend([9, 8, 7, 9])
    assert list(found.draft(8, 4).tokens) == [7, 9]


def test_a_new_prompt_forgets_the_old_one() -> None:
    found = lookup([1, 2, 3, 4, 1])
    found.begin([1])
    assert not found.draft(2, 4).tokens


@given(prompt=TOKENS, more=TOKENS, token=st.integers(0, 4), most=st.integers(1, MOST_DRAFTED))
def test_a_guess_is_always_something_that_followed_the_last_two_tokens(
    prompt: list[int], more: list[int], token: int, most: int
) -> None:
    found = lookup(prompt)
    found.extend(more)
    draft = found.draft(token, most)
    assert len(draft.tokens) <= most
    assert 0 <= draft.trust < found.kinds
    if draft.tokens:
        known = prompt + more
        wanted = [known[-1], token, *draft.tokens]
        assert any(known[at : at + len(wanted)] == wanted for at in range(len(known)))


def decode(pace: Pace, *, cost: float, truth: float, trust: int, passes: int = 3_000) -> float:
    """Tokens for the time of one plain pass, over the second half of an answer: each further token of a pass costs
    `cost`, a guess comes true with chance `truth`."""
    rng, tokens, spent = random.Random(1), 0, 0.0
    for number in range(passes):
        length = pace.length(trust, MOST_DRAFTED)
        accepted = 0
        while accepted < length and rng.random() < truth:
            accepted += 1
        seconds = 1 + cost * length
        pace.record(1 + length, seconds, trust=trust, accepted=accepted)
        if number >= passes // 2:
            tokens, spent = tokens + 1 + accepted, spent + seconds
    return tokens / spent


@pytest.mark.parametrize(("cost", "truth"), [(0.05, 0.9), (0.1, 0.7), (0.3, 0.95)])
def test_guessing_goes_on_where_it_pays(cost: float, truth: float) -> None:
    best = max((1 - truth ** (k + 1)) / (1 - truth) / (1 + cost * k) for k in (1, 2, 3, 4, 6, 8, 12, 16))
    assert decode(Pace(kinds=6, slope=0.1), cost=cost, truth=truth, trust=4) > 0.93 * best > 1.1


@pytest.mark.parametrize(("cost", "truth"), [(0.72, 0.6), (0.1, 0.02), (1.0, 0.9)])
def test_guessing_stops_where_it_loses(cost: float, truth: float) -> None:
    assert decode(Pace(kinds=6, slope=0.1), cost=cost, truth=truth, trust=4) > 0.97


def test_a_processor_starts_plainly_and_finds_out_that_copies_pay() -> None:
    pace = Pace(kinds=6, slope=0.7)
    assert pace.length(1, MOST_DRAFTED) == 0
    assert decode(pace, cost=0.3, truth=0.97, trust=5) > 1.5


def test_a_draft_is_no_longer_than_it_may_be() -> None:
    pace = Pace(kinds=6, slope=0.01)
    assert all(pace.length(5, most) <= most for most in range(MOST_DRAFTED))
