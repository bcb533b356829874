"""How sure a share of successes is: Wilson's interval.

Invariant: 0 <= low <= passed / of <= high <= 1, and the interval is all of 0 to 1 while nothing was tried.
"""

import math
from typing import NamedTuple

Z95 = 1.959963984540054
"""Standard deviations around the mean that hold 95 % of a normal distribution."""
_MOST_MORE = 10_000


class Interval(NamedTuple):
    """Where a true share lies, 19 times out of 20."""

    low: float
    high: float

    def __str__(self) -> str:
        """In whole per cents, rounded outwards: `64-99 %`."""
        return f"{math.floor(self.low * 100 + 1e-9)}-{math.ceil(self.high * 100 - 1e-9)} %"


def wilson(passed: int, of: int, *, z: float = Z95) -> Interval:
    """The score interval of E. B. Wilson (Journal of the American Statistical Association 22, 1927).

    Raises:
        ValueError: counts that cannot be.
    """
    if not 0 <= passed <= of:
        raise ValueError(f"{passed} of {of}")
    if not of:
        return Interval(0.0, 1.0)
    share = passed / of
    below = 1 + z * z / of
    middle = (share + z * z / (2 * of)) / below
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / below
    return Interval(
        0.0 if passed == 0 else min(share, max(0.0, middle - half)),
        1.0 if passed == of else max(share, min(1.0, middle + half)),
    )


def more_needed(passed: int, of: int, *, least: float) -> int | None:
    """How many further tries at the same share would bring the lower end to `least`; None if none would."""
    if not of or passed / of <= least:
        return None
    for more in range(_MOST_MORE):
        if wilson(min(of + more, math.floor(passed / of * (of + more) + 1e-9)), of + more).low >= least:
            return more
    return None
