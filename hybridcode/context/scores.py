"""Arithmetic of ranking: BM25, and scores as whole millionths.

Invariant: sums are taken with `math.fsum`, which rounds once and does not depend on order; whatever is compared is a
whole number.
BM25 as Robertson and Zaragoza give it (k1 = 1.2, b = 0.75).
"""

import math
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
    scale, base = K1 * B / (average or 1.0), K1 * (1 - B)
    parts: list[dict[int, float]] = []
    for term, found in postings.items():
        weight = weights[term] * rarity(number, len(found)) * (K1 + 1)
        parts.append(
            {document: weight * count / (count + base + scale * lengths[document]) for document, count in found}
        )
    return summed(parts)


def bm25_of_term(found: Collection[tuple[int, int]], weight: float, *, number: int) -> dict[int, float]:
    """What one term adds to each document that has it, where all documents count as equally long."""
    weight = weight * rarity(number, len(found)) * (K1 + 1)
    base, size = K1 * (1 - B), K1 * B
    return {document: weight * count / (count + base + size) for document, count in found}


def summed(parts: Iterable[Mapping[int, float]]) -> dict[int, float]:
    """The sum of each document's parts. Most have one: what has more is all that is added up."""
    first, *others = sorted(parts, key=len, reverse=True) or [{}]
    values = dict(first)
    several: dict[int, list[float]] = {}
    for found in others:
        for document, value in found.items():
            if document in several:
                several[document].append(value)
            elif document in values:
                several[document] = [values[document], value]
            else:
                values[document] = value
    for document, held in several.items():
        values[document] = math.fsum(held)
    return values


def quantised(values: Mapping[int, float]) -> dict[int, int]:
    """Whole millionths of the largest value; documents of less than one are left out."""
    largest = max(values.values(), default=0.0)
    if largest <= 0:
        return {}
    return {key: whole for key in sorted(values) if (whole := round(values[key] * MILLION / largest)) > 0}
