"""What a person says to a task while it runs, as models are told it.

Invariant: bounded; quoted, with hidden characters made visible; the newest words are never the ones left out.
"""

from collections.abc import Sequence

from hybridcode.domain.errors import HybridcodeError
from hybridcode.gate.render import escape

MAX_NOTE = 1_000
"""Characters of one note."""
MAX_NOTES = 2_000
"""Characters of all notes that one request holds."""
_HEADING = "# A person says meanwhile"


def bounded(text: str) -> str:
    """A note as it is recorded.

    Raises:
        HybridcodeError: there is nothing in it, or it is longer than a request would hold.
    """
    words = text.strip()
    if not words:
        raise HybridcodeError("There is nothing to say to the task.", "Write it first, then Ctrl+S.")
    if (size := len(escape(words).text)) > MAX_NOTE:
        raise HybridcodeError(
            f"A note may have {MAX_NOTE:,} characters; this one has {size:,}.",
            "Shorten it, or queue it as a task of its own with Enter.",
        )
    return words


def steering(notes: Sequence[str]) -> str:
    """The notes as a part of a request, oldest first; empty if there are none.

    Of more than 2,000 characters the oldest notes are left out, and their number is said.
    """
    kept: list[str] = []
    room = MAX_NOTES
    for note in reversed(notes):
        words = escape(note).text.strip()
        if (room := room - len(words)) < 0:
            break
        kept.insert(0, "\n".join(f"> {line}" for line in words.split("\n")))
    if not kept:
        return ""
    left_out = len(notes) - len(kept)
    earlier = [f"({left_out} earlier notes left out)"] if left_out else []
    return "\n".join([_HEADING, *earlier, *kept])


def beside(notes: Sequence[str]) -> str:
    """`steering` as it follows other parts: a blank line stands before it."""
    said = steering(notes)
    return f"\n\n{said}" if said else ""
