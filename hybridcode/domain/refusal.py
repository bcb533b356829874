"""Why an answer was not turned into a change.

Invariant: a refusal names the place and what to do, so that a retry prompt and a person can both use it.
"""

import msgspec


class Refusal(msgspec.Struct, frozen=True):
    """Why a draft was not turned into a change: data for the retry prompt and for people."""

    reason: str
    path: str | None = None
    hunk: int | None = None
    near: str = ""
    """The real lines near the best candidate, bounded."""
    advice: str = ""
    left_out: tuple[str, ...] = ()
    """Dotted names of definitions that the answer takes away though the goal does not name them for it."""
    is_already: bool = False
    """Nothing is left to do: what the answer wants stands in the file."""
    is_formless: bool = False
    """The answer had not the form that was asked for, whatever it says: it tells nothing of the change itself."""
