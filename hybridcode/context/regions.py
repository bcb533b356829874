"""From a region that a plan names to lines of a file.

Invariant: a region resolves to exactly one stretch of one file of the snapshot, or the error says what is there; the
stretch ends where what belongs to it ends, and lines that are given by number become whole statements and end with the
file at the latest.
"""

import re
from collections.abc import Sequence

from rapidfuzz import fuzz, process

from hybridcode.context.extents import end_with_uses, import_lines, whole_statements
from hybridcode.domain.errors import ContextError
from hybridcode.domain.plan import Region
from hybridcode.domain.window import EditFormat, Target
from hybridcode.repo.lines import split_lines
from hybridcode.repo.snapshot import Snapshot
from hybridcode.repo.symbols import Symbol, candidates, outline

_NAMED = 5
_MOST_PLACES = 12
"""Of a name that is defined more than once: whoever chooses lines must not miss one."""
_LEAST_LIKENESS = 50.0
_SAYS_NOTHING = re.compile(rb"\s*+(?:(?:#(?!\s*(?:if|el|endif))|//|/\*|\*|--).*)?\Z", re.DOTALL)
"""A line that is blank or a comment, and no condition of a preprocessor."""
IMPORTS = "imports"
"""Names the imports of a file where nothing in it has that name."""


def resolve(snapshot: Snapshot, region: Region, *, format: EditFormat = "region") -> Target:
    """The lines that `region` means; a region of a whole file has no line numbers.

    Definitions of one name that stand next to each other are one stretch.

    Raises: ContextError if there is no such file, symbol or line, or if the symbol is defined in several places.
    """
    path = region.path
    entry = snapshot.files.get(path)
    if entry is None:
        raise ContextError(f"{path} is not in the tree", _near(path, list(snapshot.files), otherwise="Check the path."))
    if entry.kind != "text":
        raise ContextError(f"{path} is a {entry.kind} file and cannot be shown", "Name a text file.")
    if region.symbol is not None:
        return _symbol(snapshot, path, region.symbol, wanted=format)
    if region.start is not None:
        end = region.end if region.end is not None else region.start
        return _lines(snapshot, path, region.start, end, wanted=format)
    return Target(path=path, format=format)


def lines_of(snapshot: Snapshot, region: Region) -> range | None:
    """The numbers of the lines that `region` means, all of a whole file; None if it is not there."""
    try:
        target = resolve(snapshot, region)
    except ContextError:
        return None
    last = target.end or len(split_lines(snapshot.read(target.path)))
    return range(target.start or 1, last + 1)


def _symbol(snapshot: Snapshot, path: str, name: str, *, wanted: EditFormat) -> Target:
    data = snapshot.read(path)
    found = candidates(path, data, name)
    if found and (end := _end(path, data, found)) is not None:
        return Target(path=path, format=wanted, start=found[0].start, end=end)
    if not found and name == IMPORTS and (lines := import_lines(path, data)) is not None:
        return Target(path=path, format=wanted, start=lines[0], end=lines[1])
    if found:
        places = ", ".join(f"{path}#L{symbol.start}-{symbol.end}" for symbol in found[:_MOST_PLACES])
        raise ContextError(f"{path} defines {name} {len(found)} times", f"Name the lines instead: {places}")
    names = [symbol.name for symbol in outline(path, data)]
    hint = _near(name, names, otherwise=_contents(path, names))
    raise ContextError(f"{path} does not define {name}", hint)


def _end(path: str, data: bytes, found: Sequence[Symbol]) -> int | None:
    """Where the last symbol ends with what belongs to it; None if one of them does not stand next to the one before it:
    overloads do, and a property and its setter."""
    lines = split_lines(data)
    end = end_with_uses(path, data, found[0])
    for symbol in found[1:]:
        between = lines[end : symbol.start - 1]
        if symbol.end > end and (symbol.name != found[0].name or not all(map(_SAYS_NOTHING.match, between))):
            return None
        end = max(end, end_with_uses(path, data, symbol))
    return end


def _lines(snapshot: Snapshot, path: str, start: int, end: int, *, wanted: EditFormat) -> Target:
    data = snapshot.read(path)
    count = len(split_lines(data))
    if not 1 <= start <= min(end, count):
        raise ContextError(f"{path} has no lines {start}-{end}", f"It has {count} lines, counted from 1.")
    start, end = whole_statements(path, data, start, min(end, count))
    return Target(path=path, format=wanted, start=start, end=end)


def _near(wanted: str, known: Sequence[str], *, otherwise: str) -> str:
    """Advice that lists names like `wanted`, best first, equal ones in order."""
    scored = process.extract(wanted, known, scorer=fuzz.WRatio, limit=_NAMED, score_cutoff=_LEAST_LIKENESS)
    names = [name for name, _, _ in sorted(scored, key=lambda item: (-item[1], item[0]))]
    return f"Did you mean: {', '.join(names)}?" if names else otherwise


def _contents(path: str, names: Sequence[str]) -> str:
    if not names:
        return f"{path} has no definitions that can be named; name lines, as {path}#L1-20."
    shown = ", ".join(names[: 2 * _NAMED])
    more = len(names) - 2 * _NAMED
    return f"It defines: {shown}" + (f" and {more} more" if more > 0 else "")
