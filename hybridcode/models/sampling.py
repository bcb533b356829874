"""Choosing the next token, and noticing that an answer runs in circles.

Invariant: the same logits, temperature and generator state give the same token; text that a prompt holds already may be
copied, however monotonous it is.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hybridcode.models.problems import Trouble

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOP_K = 40
"""Candidates that are left when sampling with a temperature."""
MAX_REPEATS = 64
"""The same token this often in a row is degenerate output and ends the answer."""
LOOP_TOKENS = 256
"""A run of this many tokens that is one short passage over and over ends the answer, too."""
LONGEST_LOOP = 64
"""Tokens of the longest passage that is looked for."""
_LEAST_TURNS = 4
_EVERY = 16
"""Loops are looked for after this many tokens each time."""


def choose(logits: "NDArray[np.float32]", temperature: float, generator: np.random.Generator) -> int:
    """The next token: the likeliest at temperature 0, else drawn from the TOP_K likeliest.

    Raises:
        Trouble: when the logits are not numbers (a damaged model).
    """
    best = likeliest(logits)
    if temperature <= 0:
        return best
    count = min(TOP_K, logits.shape[0])
    candidates = np.sort(np.argpartition(logits, -count)[-count:])
    scaled = (logits[candidates].astype(np.float64) - float(logits[best])) / temperature
    weights = np.exp(scaled)
    return int(generator.choice(candidates, p=weights / weights.sum()))


def likeliest(logits: "NDArray[np.float32]") -> int:
    """The first of the tokens with the largest logit. Raises: Trouble when that is not a number."""
    best = int(logits.argmax())
    if not math.isfinite(logits[best]):
        raise Trouble(
            "crashed", "The model computes NaN.", "Its file is damaged; get it again and compare its SHA-256."
        )
    return best


class RepetitionGuard:
    """Watches one answer. `prompt` is what may be copied."""

    def __init__(self, prompt: Sequence[int]) -> None:
        self._prompt = prompt
        self._searched: bytes | None = None

    def is_degenerate(self, output: Sequence[int]) -> bool:
        """True if the answer's last tokens are one token, or one short passage, over and over, and not copied."""
        count = len(output)
        if count >= MAX_REPEATS and output[-1] == output[-2] and _is_one(output[-MAX_REPEATS:]):
            return not self._is_copied(output[-MAX_REPEATS:])
        if count < LOOP_TOKENS or count % _EVERY:
            return False
        tail = output[-LOOP_TOKENS:]
        return _period(tail) is not None and not self._is_copied(tail)

    def _is_copied(self, tokens: Sequence[int]) -> bool:
        if self._searched is None:
            self._searched = np.asarray(self._prompt, dtype=np.int32).tobytes()
        wanted, at = np.asarray(tokens, dtype=np.int32).tobytes(), -1
        while (at := self._searched.find(wanted, at + 1)) >= 0:
            if at % 4 == 0:
                return True
        return False


def _is_one(tokens: Sequence[int]) -> bool:
    return len(set(tokens)) == 1


def _period(tokens: Sequence[int]) -> int | None:
    """Length of the passage that `tokens` repeats at least four times from end to end; None if there is none."""
    run = np.asarray(tokens, dtype=np.int32)
    for period in range(2, min(LONGEST_LOOP, len(run) // _LEAST_TURNS) + 1):
        if run[-1] == run[-1 - period] and bool((run[period:] == run[:-period]).all()):
            return period
    return None
