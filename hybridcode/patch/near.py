"""The real lines beside a place that was not found, for the next try.

Invariant: bounded text copied from the file, never from the answer.
"""

from collections import Counter
from collections.abc import Sequence

from rapidfuzz import fuzz, process

from hybridcode.patch.filetext import FileText

_MAX_LINES = 16
_MAX_CHARS = 1_600
_MAX_LINE = 300
_SEARCHED_LINES = 20_000
_LEAST_SCORE = 60.0


def near_lines(file: FileText, wanted: Sequence[str]) -> str:
    """The stretch of the file that `wanted` most likely means, headed by its line numbers; "" if nothing is close."""
    start = _best_start(file, wanted)
    if start is None:
        return ""
    first = max(0, start - 1)
    return numbered(file, first, start + len(wanted) + 1)


def numbered(file: FileText, start: int, end: int) -> str:
    """Lines start..end (0-based, end excluded) of the file as text with a heading, bounded."""
    shown = [line[:_MAX_LINE] for line in file.lines[start : min(end, start + _MAX_LINES)]]
    while len(shown) > 1 and sum(map(len, shown)) > _MAX_CHARS:
        shown.pop()
    if not shown:
        return ""
    return f"lines {start + 1}-{start + len(shown)}:\n" + "\n".join(shown)


def _best_start(file: FileText, wanted: Sequence[str]) -> int | None:
    votes: Counter[int] = Counter()
    for number, line in enumerate(wanted[:200]):
        if line.strip():
            votes.update(place - number for place in file.lines_like(line)[:50])
    if votes:
        most = max(votes.values())
        return max(0, min(start for start, count in votes.items() if count == most))
    solid = [(len(line.strip()), number) for number, line in enumerate(wanted[:200]) if line.strip()]
    if not solid:
        return None
    number = max(solid)[1]
    best = process.extractOne(
        wanted[number][:_MAX_LINE].strip(),
        [line[:_MAX_LINE].strip() for line in file.lines[:_SEARCHED_LINES]],
        scorer=fuzz.ratio,
        score_cutoff=_LEAST_SCORE,
    )
    return max(0, best[2] - number) if best else None
