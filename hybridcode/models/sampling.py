"""Choosing the next token.

Invariant: the same logits, temperature and generator state give the same token.
"""

from typing import TYPE_CHECKING

import numpy as np

from hybridcode.models.problems import Trouble

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOP_K = 40
"""Candidates that are left when sampling with a temperature."""
MAX_REPEATS = 64
"""The same token this often in a row is degenerate output and ends the answer."""


def choose(logits: "NDArray[np.float32]", temperature: float, generator: np.random.Generator) -> int:
    """The next token: the likeliest at temperature 0, else drawn from the TOP_K likeliest.

    Raises:
        Trouble: when the logits are not numbers (a damaged model).
    """
    best = int(logits.argmax())
    if not np.isfinite(logits[best]):
        raise Trouble(
            "crashed", "The model computes NaN.", "Its file is damaged; get it again and compare its SHA-256."
        )
    if temperature <= 0:
        return best
    count = min(TOP_K, logits.shape[0])
    candidates = np.sort(np.argpartition(logits, -count)[-count:])
    scaled = (logits[candidates].astype(np.float64) - float(logits[best])) / temperature
    weights = np.exp(scaled)
    return int(generator.choice(candidates, p=weights / weights.sum()))


def is_degenerate(tokens: list[int]) -> bool:
    """True if the last MAX_REPEATS tokens are one and the same."""
    tail = tokens[-MAX_REPEATS:]
    return len(tail) == MAX_REPEATS and len(set(tail)) == 1
