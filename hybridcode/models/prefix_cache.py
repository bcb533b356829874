"""What is kept of computed prompts, so that the shared beginning of the next one costs nothing.

Invariant: `past` is exactly what the model's memory holds; a prompt's reused part is byte for byte that of an earlier
one, in the same model with the same parameters.

A memory of attention alone can be cut at any token. A recurrent one (also in part: a hybrid) cannot: it gets marks at
the places where prompts usually part, and goes back to the last one that fits. When another conversation takes the
memory over, what was computed is put aside, the least recently used going first when there is no more room.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORTH_KEEPING = 256
"""Tokens from which on computing again costs more than keeping."""
MOST_MARKS = 8


class Memory(Protocol):
    """The memory of a model."""

    is_recurrent: bool

    def keep(self, count: int) -> bool: ...
    def clear(self) -> None: ...
    def state_bytes(self) -> int: ...
    def state(self, *, partial: bool = False) -> "NDArray[np.uint8]": ...
    def restore(self, data: "NDArray[np.uint8]", *, partial: bool = False) -> bool: ...


class Shelf(Protocol):
    """A place for states that outlives the process."""

    def best(self, prompt: "NDArray[np.int32]") -> "Kept | None":
        """The state that shares most with a prompt."""
        ...

    def put(self, kept: "Kept") -> None:
        """Keep a state, if there is room."""
        ...


class Kept:
    """A memory that was put aside."""

    def __init__(self, tokens: "Sequence[int] | NDArray[np.int32]", state: "NDArray[np.uint8]", marks: "Marks") -> None:
        self.tokens: NDArray[np.int32] = np.asarray(tokens, dtype=np.int32)
        self.state, self.marks = state, marks

    @property
    def nbytes(self) -> int:
        """What it takes."""
        return self.state.nbytes + self.tokens.nbytes + sum(mark.nbytes for mark in self.marks.values())


Marks = dict[int, "NDArray[np.uint8]"]
"""Number of tokens -> what of the memory cannot be cut, as it was after them."""


class PrefixCache:
    """The memory of one model, with what was put aside of it."""

    def __init__(self, memory: Memory, *, most_bytes: int, shelf: Shelf | None = None) -> None:
        self._memory, self._most_bytes, self._shelf = memory, most_bytes, shelf
        self.past: list[int] = []
        self._marks: Marks = {}
        self._stored: list[int] = []
        """What was put on the shelf last: a state that says little more is not written again."""
        self._aside: list[Kept] = []
        """Least recently used first."""

    @property
    def aside_bytes(self) -> int:
        """What was put aside takes."""
        return sum(kept.nbytes for kept in self._aside)

    def begin(self, prompt: Sequence[int]) -> int:
        """Make the memory hold the longest beginning of `prompt` that is known; return its tokens.

        At least one token of the prompt is left to decode.
        """
        wanted = np.asarray(prompt[:-1], dtype=np.int32)
        here = self._usable(len(self.past), common(self.past, wanted), self._marks)
        there, kept = self._best_aside(wanted)
        if self._shelf is not None and max(here, there) + WORTH_KEEPING < len(wanted):
            found = self._shelf.best(wanted)
            if found is not None and (size := self._usable_of(found, wanted)) > max(here, there) + WORTH_KEEPING:
                there, kept = size, found
        switches = kept is not None and there > here + WORTH_KEEPING
        if switches or here < len(self.past) // 2:
            self._put_aside()
        if switches and kept is not None:
            return self._take_back(kept, there)
        return self._go_back(here)

    def extend(self, tokens: Sequence[int]) -> None:
        """The memory has taken in these."""
        self.past.extend(tokens)

    def cut(self, count: int) -> bool:
        """Forget all but `count` tokens, a few at most fewer than there are; False if the memory cannot."""
        if count < len(self.past):
            if not self._memory.keep(count):
                return False
            del self.past[count:]
        return True

    def mark(self) -> None:
        """Prompts often part here."""
        if not self._memory.is_recurrent or not self.past:
            return
        self._marks[len(self.past)] = self._memory.state(partial=True)
        while len(self._marks) > MOST_MARKS or (
            len(self._marks) > 2 and sum(mark.nbytes for mark in self._marks.values()) > self._most_bytes // 2
        ):
            places = sorted(self._marks)
            del self._marks[places[1]]

    def store(self) -> None:
        """Put what the memory holds on the shelf, for a later process."""
        new = len(self.past) - common(self._stored, self.past)
        if self._shelf is not None and new >= WORTH_KEEPING:
            self._stored = list(self.past)
            self._shelf.put(Kept(self.past, self._memory.state(), dict(self._marks)))

    def forget(self) -> None:
        """Empty the memory; what was put aside stays."""
        self._memory.clear()
        self.past.clear()
        self._marks.clear()

    def _usable(self, length: int, same: int, marks: Marks) -> int:
        """Up to where a memory of `length` tokens can be taken back, at most to `same`."""
        if not self._memory.is_recurrent or same == length:
            return same
        return max((place for place in marks if place <= same), default=0)

    def _usable_of(self, kept: Kept, wanted: "NDArray[np.int32]") -> int:
        return self._usable(len(kept.tokens), common(kept.tokens, wanted), kept.marks)

    def _best_aside(self, wanted: "NDArray[np.int32]") -> tuple[int, Kept | None]:
        best, found = 0, None
        for kept in self._aside:
            if (size := self._usable_of(kept, wanted)) > best:
                best, found = size, kept
        return best, found

    def _go_back(self, count: int) -> int:
        """To the first `count` tokens of what the memory holds now."""
        if count == len(self.past):
            return count
        mark = self._marks.get(count)
        restored = mark is None or self._memory.restore(mark, partial=True)
        if not count or not restored or not self._memory.keep(count):
            self.forget()
            return 0
        del self.past[count:]
        self._marks = {place: state for place, state in self._marks.items() if place <= count}
        return count

    def _take_back(self, kept: Kept, count: int) -> int:
        self._memory.clear()
        if not self._memory.restore(kept.state):
            self._aside = [other for other in self._aside if other is not kept]
            self.forget()
            return 0
        self.past, self._marks = kept.tokens.tolist(), dict(kept.marks)
        if any(other is kept for other in self._aside):
            self._aside = [other for other in self._aside if other is not kept]
            self._aside.append(kept)
        return self._go_back(count)

    def _put_aside(self) -> None:
        """Keep what the memory holds, in place of shorter states of the same conversation, if it is worth its bytes."""
        if len(self.past) < WORTH_KEEPING or self._memory.state_bytes() > self._most_bytes:
            return
        now = np.asarray(self.past, dtype=np.int32)
        if any(common(kept.tokens, now) == len(now) for kept in self._aside):
            return
        kept = Kept(now, self._memory.state(), dict(self._marks))
        self._aside = [other for other in self._aside if common(other.tokens, now) < len(other.tokens)]
        self._aside.append(kept)
        while self._aside and self.aside_bytes > self._most_bytes:
            del self._aside[0]


def common(first: "Sequence[int] | NDArray[np.int32]", second: "Sequence[int] | NDArray[np.int32]") -> int:
    """How many tokens both begin with."""
    size = min(len(first), len(second))
    equal = np.asarray(first[:size], dtype=np.int32) == np.asarray(second[:size], dtype=np.int32)
    return size if equal.all() else int(equal.argmin())
