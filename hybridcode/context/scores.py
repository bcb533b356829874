"""Arithmetic of ranking: BM25, and scores as whole millionths.

Invariant: sums are taken with `math.fsum`, which rounds once and does not depend on order; whatever is compared is a
whole number.
BM25 as Robertson and Zaragoza give it (k1 = 1.2, b = 0.75).
"""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

MILLION = 1_000_000
K1 = 1.2
B = 0.75


def rarity(number: int, having: int) -> float:
    """Inverse document frequency: `having` of `number` documents have the term."""
    return math.log(1 + (number - having + 0.5) / (having + 0.5))


def bm25(
    postings: Mapping[str, Collection[tuple[int, int]]],
    weights: Mapping[str, float],
    *,
    number: int,
    lengths: Sequence[int],
    average: float,
) -> dict[int, float]:
    """BM25 of every document in the postings.

    `postings` gives document and count for each term, each document once; `lengths` each document's number of terms;
    `number` is how many documents there are.
    """
    sizes = [K1 * B / (average or 1.0) * length for length in lengths]
    base = K1 * (1 - B)
    parts = defaultdict[int, list[float]](list)
    for term, found in postings.items():
        weight = weights[term] * rarity(number, len(found)) * (K1 + 1)
        for document, count in found:
            parts[document].append(weight * count / (count + base + sizes[document]))
    return {document: math.fsum(values) for document, values in parts.items()}


def bm25_of_term(found: Collection[tuple[int, int]], weight: float, *, number: int) -> dict[int, float]:
    """What one term adds to each document that has it, where all documents count as equally long."""
    weight = weight * rarity(number, len(found)) * (K1 + 1)
    base, size = K1 * (1 - B), K1 * B
    return {document: weight * count / (count + base + size) for document, count in found}


def summed(parts: Iterable[Mapping[int, float]]) -> dict[int, float]:
    """The sum of each document's parts."""
    values = defaultdict[int, list[float]](list)
    for found in parts:
        for document, value in found.items():
            values[document].append(value)
    return {document: math.fsum(held) for document, held in values.items()}


def quantised(values: Mapping[int, float]) -> dict[int, int]:
    """Whole millionths of the largest value; documents of less than one are left out."""
    largest = max(values.values(), default=0.0)
    if largest <= 0:
        return {}
    found = {key: round(value * MILLION / largest) for key, value in values.items()}
    return {key: found[key] for key in sorted(found) if found[key] > 0}
