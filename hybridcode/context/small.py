"""Places whose drafts need little beside them: lists of names, text for people, what goes, and a line or two of code.

Invariant: a function of tree and place; that a place goes is the caller's to say.
"""

from collections.abc import Sequence
from typing import Literal

from hybridcode.context.common import is_documentation
from hybridcode.context.listings import lists_names
from hybridcode.domain.plan import Region
from hybridcode.domain.window import Target
from hybridcode.repo.grammars import language_of
from hybridcode.repo.lines import split_lines
from hybridcode.repo.snapshot import Snapshot
from hybridcode.repo.symbols import outline

Small = Literal["names", "gone", "prose", "few"]
"""`names`: nothing but names. `gone`: code that is deleted as a whole. `prose`: a part of a document. `few`: code of so
few lines that only what they stand in tells what they are."""
_FEW = 3
_AROUND_PROSE = 10
_AROUND_CODE = 12
"""Lines on each side, of text for people fewer where they are long."""
_PROSE_BYTES = 1_600
_MOST_ENCLOSING = 60
"""Lines of a definition that is shown around a few of its own."""


def why_small(snapshot: Snapshot, target: Target, region: Region, *, is_gone: bool) -> Small | None:
    """Why a target, asked for as `region`, has a small window; None where it has not. A whole file never has."""
    if target.start is None or target.end is None:
        return None
    if lists_names(snapshot, target, region.symbol):
        return "names"
    if is_documentation(target.path):
        return "prose"
    if language_of(target.path) is None:
        return None
    if is_gone:
        return "gone"
    return "few" if region.start is not None and target.end - target.start < _FEW else None


def lines_around(snapshot: Snapshot, target: Target, small: Small) -> tuple[int, int]:
    """First and last line of what is shown around a target: of code its definition, unless that is long."""
    start, end = target.start or 1, target.end or 1
    lines = split_lines(snapshot.read(target.path))
    if small == "few" and (found := _enclosing(snapshot, target.path, start, end)) is not None:
        return found
    sides = _AROUND_PROSE if small == "prose" else _AROUND_CODE if small == "few" else 0
    while small == "prose" and _around(lines, start, end, sides) > _PROSE_BYTES:
        sides -= 1
    return max(1, start - sides), min(len(lines), end + sides)


def _around(lines: Sequence[bytes], start: int, end: int, sides: int) -> int:
    """Bytes of so many lines on each side."""
    return sum(map(len, (*lines[max(0, start - 1 - sides) : start - 1], *lines[end : end + sides])))


def _enclosing(snapshot: Snapshot, path: str, start: int, end: int) -> tuple[int, int] | None:
    """The innermost definition that holds the lines and more."""
    symbols = outline(path, snapshot.read(path))
    holding = [one for one in symbols if one.start <= start and end <= one.end and one.end - one.start > end - start]
    if not holding:
        return None
    inner = min(holding, key=lambda one: (one.end - one.start, one.name))
    return (inner.start, inner.end) if inner.end - inner.start < _MOST_ENCLOSING else None
