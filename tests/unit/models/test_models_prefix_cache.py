from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.models.prefix_cache import WORTH_KEEPING, Kept, PrefixCache, common


class TokenMemory:
    """A memory whose state is the tokens themselves. A recurrent one can take back `rollback` tokens at most, and its
    partial state is its number of tokens alone, which has to meet the attention's part."""

    def __init__(self, *, is_recurrent: bool, rollback: int = 0, bytes_per_token: int = 4) -> None:
        self.is_recurrent, self._rollback, self._size = is_recurrent, rollback, bytes_per_token
        self.attention: list[int] = []
        self.recurrent: list[int] = []

    def take(self, tokens: list[int]) -> None:
        self.attention += tokens
        self.recurrent += tokens

    def keep(self, count: int) -> bool:
        back = len(self.recurrent) - count
        if self.is_recurrent and back > self._rollback:
            return False
        del self.attention[count:]
        if back > 0:
            del self.recurrent[count:]
        return True

    def clear(self) -> None:
        self.attention, self.recurrent = [], []

    def state_bytes(self) -> int:
        return len(self.attention) * self._size

    def state(self, *, partial: bool = False) -> Any:
        held = self.recurrent if partial else self.attention
        data = np.asarray(held, dtype=np.int32)
        return np.frombuffer(data.tobytes() + bytes(len(held) * (self._size - 4)), dtype=np.uint8).copy()

    def restore(self, data: Any, *, partial: bool = False) -> bool:
        tokens = np.frombuffer(data.tobytes(), dtype=np.int32)[: len(data) // self._size].tolist()
        self.recurrent = tokens
        if not partial:
            self.attention = list(tokens)
        return True


def ask(cache: PrefixCache, memory: TokenMemory, prompt: list[int], answer: list[int], marks: tuple[int, ...]) -> int:
    """As the engine does: reuse, decode up to each mark, mark, answer. Checks what the memory holds on the way."""
    reused = cache.begin(prompt)
    assert reused < len(prompt)
    assert memory.attention == memory.recurrent == cache.past == prompt[:reused]
    at = reused
    for place in [*(mark for mark in marks if reused < mark < len(prompt)), len(prompt)]:
        memory.take(prompt[at:place])
        cache.extend(prompt[at:place])
        at = place
        if place < len(prompt):
            cache.mark()
    memory.take(answer)
    cache.extend(answer)
    return reused


def words(seed: int, count: int) -> list[int]:
    return np.random.default_rng(seed).integers(0, 1_000, count).tolist()


@pytest.mark.parametrize("is_recurrent", [False, True])
def test_the_shared_beginning_of_the_next_prompt_is_reused(is_recurrent: bool) -> None:
    memory = TokenMemory(is_recurrent=is_recurrent)
    cache = PrefixCache(memory, most_bytes=1 << 20)
    stable = words(1, 900)
    assert ask(cache, memory, stable + words(2, 50), [5, 6], (900,)) == 0
    assert ask(cache, memory, stable + words(3, 60), [7], (900,)) == 900
    assert ask(cache, memory, stable + words(3, 60) + [1], [7], (900,)) == (900 if is_recurrent else 960)


@pytest.mark.parametrize("is_recurrent", [False, True])
def test_another_conversation_in_between_costs_nothing(is_recurrent: bool) -> None:
    memory = TokenMemory(is_recurrent=is_recurrent)
    cache = PrefixCache(memory, most_bytes=1 << 20)
    stable, other = words(1, 900), words(9, 700)
    ask(cache, memory, [*stable, 1], [5], (900,))
    assert ask(cache, memory, [*other, 1], [5], (700,)) <= 1
    assert ask(cache, memory, [*stable, 2], [5], (900,)) == 900
    assert ask(cache, memory, [*other, 2], [5], (700,)) == 700


def test_without_room_nothing_is_put_aside() -> None:
    memory = TokenMemory(is_recurrent=False)
    cache = PrefixCache(memory, most_bytes=0)
    ask(cache, memory, words(1, 900), [5], ())
    ask(cache, memory, words(2, 900), [5], ())
    assert cache.aside_bytes == 0
    assert ask(cache, memory, words(1, 900), [5], ()) <= 1


def test_the_least_recently_used_goes_first() -> None:
    memory = TokenMemory(is_recurrent=False)
    cache = PrefixCache(memory, most_bytes=900 * 4 * 2 * 3)
    talks = [words(seed, 900) for seed in range(4)]
    for talk in (talks[0], talks[1], talks[0], talks[2], talks[3], talks[0]):
        ask(cache, memory, talk, [5], ())
    assert ask(cache, memory, [*talks[0], 1], [5], ()) >= 900
    assert ask(cache, memory, [*talks[1], 1], [5], ()) <= 1


def test_an_unfinished_guess_is_taken_back_within_the_limit() -> None:
    memory = TokenMemory(is_recurrent=True, rollback=4)
    cache = PrefixCache(memory, most_bytes=1 << 20)
    ask(cache, memory, words(1, 30), [1, 2, 3, 4, 5], ())
    assert cache.cut(31)
    assert cache.past == [*words(1, 30), 1]
    assert not cache.cut(10)


@given(data=st.data(), is_recurrent=st.booleans(), room=st.sampled_from([0, 5_000, 1 << 20]))
def test_whatever_is_asked_the_memory_holds_the_beginning_of_the_prompt(
    data: st.DataObject, is_recurrent: bool, room: int
) -> None:
    memory = TokenMemory(is_recurrent=is_recurrent)
    cache = PrefixCache(memory, most_bytes=room)
    stems = [words(seed, 400) for seed in range(3)]
    for _ in range(data.draw(st.integers(1, 8))):
        stem = stems[data.draw(st.integers(0, 2))][: data.draw(st.integers(1, 400))]
        tail = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=6))
        marks = tuple(sorted(data.draw(st.lists(st.integers(1, 400), max_size=4))))
        ask(cache, memory, stem + tail, data.draw(st.lists(st.integers(0, 3), max_size=4)), marks)
        assert cache.aside_bytes <= room


class OneState:
    """A shelf with one place."""

    def __init__(self) -> None:
        self.kept: Kept | None = None

    def best(self, prompt: Any) -> Kept | None:
        return self.kept if self.kept is not None and common(self.kept.tokens, prompt) else None

    def put(self, kept: Kept) -> None:
        self.kept = kept


def test_a_later_process_goes_on_where_an_earlier_one_was() -> None:
    shelf, prompt = OneState(), words(1, WORTH_KEEPING * 4)
    first = TokenMemory(is_recurrent=False)
    cache = PrefixCache(first, most_bytes=0, shelf=shelf)
    ask(cache, first, prompt, [1], ())
    cache.store()
    later = TokenMemory(is_recurrent=False)
    assert ask(PrefixCache(later, most_bytes=0, shelf=shelf), later, [*prompt, 7, 8], [1], ()) == len(prompt)


def test_common_counts_equal_tokens_from_the_start() -> None:
    assert common([1, 2, 3], [1, 2, 4]) == 2
    assert common([], [1]) == 0
    assert common([1, 2], [1, 2, 3]) == 2
