"""Arithmetic of ranking: BM25, and scores as whole millionths.

Invariant: sums are taken with `math.fsum`, which rounds once and does not depend on order; whatever is compared is a
whole number.
BM25 as Robertson and Zaragoza give it (k1 = 1.2, b = 0.75).
"""

import math
from collections.abc import Iterable, Mapping, Sequence

MILLION = 1_000_000
K1 = 1.2
B = 0.75


def rarity(number: int, having: int) -> float:
    """Inverse document frequency: `having` of `number` documents have the term."""
    return math.log(1 + (number - having + 0.5) / (having + 0.5))


def bm25(
    postings: Mapping[str, Iterable[tuple[int, int]]],
    weights: Mapping[str, float],
    *,
    number: int,
    lengths: Sequence[int] | int,
    average: float,
) -> dict[int, float]:
    """BM25 of every document in the postings.

    `postings` gives document and count for each term; `lengths` each document's number of terms, or one for all;
    `number` is how many documents there are.
    """
    parts: dict[int, list[float]] = {}
    mean = average or 1.0
    for term, found in postings.items():
        counts = dict(found)
        weight = weights[term] * rarity(number, len(counts)) * (K1 + 1)
        base, slope = K1 * (1 - B), K1 * B / mean
        for document, count in counts.items():
            length = lengths if isinstance(lengths, int) else lengths[document]
            parts.setdefault(document, []).append(weight * count / (count + base + slope * length))
    return {document: math.fsum(values) for document, values in parts.items()}


def quantised(values: Mapping[int, float]) -> dict[int, int]:
    """Whole millionths of the largest value; documents of less than one are left out."""
    largest = max(values.values(), default=0.0)
    if largest <= 0:
        return {}
    found = {key: round(value * MILLION / largest) for key, value in values.items()}
    return {key: found[key] for key in sorted(found) if found[key] > 0}
