"""A paragraph of the transcript as it is kept: raw text, how it is written, and what shows of it while it is folded.

Invariant: the text is whole; folding and layout are the screen's.
"""

from typing import Literal, NamedTuple

Tone = Literal["plain", "quiet", "strong", "good", "bad", "warn", "code"]
Form = Literal["plain", "markdown"]


class Fold(NamedTuple):
    """What of a long paragraph stands while it is folded."""

    first: int = 0
    """Rows at its beginning."""
    last: int = 0
    """Rows at its end."""
    is_tail: bool = False
    """True when the text itself is only the end of something longer."""
    is_summed_up: bool = False
    """True when the first line says what and how much follows it: folded it stands alone."""
    says: str = ""
    """What stands in its place, however short it is; empty: the rows above, and only where more are hidden than one."""


class Entry(NamedTuple):
    """One paragraph: a short label in the margin and text beside it."""

    label: str
    text: str
    tone: Tone = "plain"
    form: Form = "plain"
    """`markdown` for words of a model; they are laid out, never obeyed."""
    fold: Fold | None = None
    """None: never folded."""
