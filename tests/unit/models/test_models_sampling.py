import numpy as np
import pytest

from hybridcode.models.problems import Trouble
from hybridcode.models.sampling import LOOP_TOKENS, MAX_REPEATS, TOP_K, RepetitionGuard, choose

LOGITS = np.array([0.1, 2.0, 1.9, -3.0, 2.0], dtype=np.float32)


def test_greedy_takes_the_first_of_the_likeliest() -> None:
    assert choose(LOGITS, 0.0, np.random.default_rng(0)) == 1


def test_a_seed_gives_the_same_draws_and_another_seed_others() -> None:
    def draws(seed: int) -> list[int]:
        generator = np.random.default_rng(seed)
        return [choose(LOGITS, 1.0, generator) for _ in range(50)]

    assert draws(1) == draws(1) != draws(2)
    assert draws(1).count(3) < draws(1).count(1)


def test_only_the_likeliest_are_drawn() -> None:
    logits = np.linspace(0, 1, 500, dtype=np.float32)
    generator = np.random.default_rng(0)
    assert min(choose(logits, 100.0, generator) for _ in range(300)) >= 500 - TOP_K


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_model_that_computes_nan_is_said_to_be_damaged(temperature: float) -> None:
    with pytest.raises(Trouble, match="NaN"):
        choose(np.array([1.0, np.nan, 2.0], dtype=np.float32), temperature, np.random.default_rng(0))


def test_one_token_for_ever_is_degenerate() -> None:
    guard = RepetitionGuard([1, 2, 3])
    assert guard.is_degenerate([1, *[7] * MAX_REPEATS])
    assert not guard.is_degenerate([7] * (MAX_REPEATS - 1))
    assert not guard.is_degenerate([*[7] * (MAX_REPEATS - 1), 8])


@pytest.mark.parametrize("passage", [[4, 5], [1, 2, 3, 4, 5, 6, 7], list(range(64))])
def test_a_passage_over_and_over_is_degenerate_once_it_is_long(passage: list[int]) -> None:
    guard = RepetitionGuard([1, 2, 3])
    run = [99, *passage * (2 * LOOP_TOKENS // len(passage))]
    ends = [count for count in range(1, len(run) + 1) if guard.is_degenerate(run[:count])]
    assert ends
    assert LOOP_TOKENS < ends[0] <= LOOP_TOKENS + 16


def test_a_monotonous_file_may_be_copied() -> None:
    table = [10, 11] * 400
    guard = RepetitionGuard([1, *table, 2, *[7] * 100])
    assert not any(guard.is_degenerate(table[:count]) for count in range(1, len(table)))
    assert not guard.is_degenerate([7] * MAX_REPEATS)
    assert guard.is_degenerate([10, 12] * 400)


def test_an_answer_that_varies_is_left_alone() -> None:
    run = [number % 97 + number // 97 for number in range(2_000)]
    guard = RepetitionGuard([])
    assert not any(guard.is_degenerate(run[:count]) for count in range(1, len(run)))
