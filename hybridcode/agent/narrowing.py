"""Which places of a step a failed check points to, so that these alone are written again.

Invariant: a pure function of what the check said, of the places and of the trees before and after; where there is more
to write than tests, these alone are never what a failure points to: whoever writes only these can but make them agree.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from hybridcode.agent.distil import frames
from hybridcode.context.regions import lines_of
from hybridcode.context.signals import is_test
from hybridcode.domain.plan import Region
from hybridcode.repo.classify import reads_as_prose
from hybridcode.repo.lines import split_lines
from hybridcode.repo.occurrences import text_of
from hybridcode.repo.snapshot import Snapshot
from hybridcode.repo.symbols import Symbol, candidates, outline

_QUOTED = re.compile(r"['\"`‘]([A-Za-z_]\w{2,})['\"`’]")
_WORD = re.compile(r"\w+")


def pointed_to(
    places: Mapping[Region, Region], said: str, tree: Snapshot, *, before: Snapshot | None = None
) -> tuple[Region, ...]:
    """The places that hold a line which is named, else those in a file of which one is, else those that still hold a
    name of a place which is gone and which is said, else those whose name is said.

    `places` are those of the plan, each with where it stands in `tree`. Beside them stand those that held a name
    `before` and do not any more, where the check quotes that name: an attribute that nobody sets now.

    Returns:
        () where nothing or everything is pointed to.
    """
    named = frames(said, tree.files)
    files = {path for path, _ in named}
    old = {path: text_of(before, path) for path in files} if before is not None else {}
    by_line = [
        one
        for one, now in places.items()
        if any(holds(tree, now, path, line, old=old.get(path)) for path, line in named)
    ]
    by_file = [one for one in places if one.path in files]
    left = set(left_over(places.values(), said, tree))
    by_what_is_left = [one for one, now in places.items() if now in left]
    by_name = [one for one in places if is_named(one, said)]
    lost = [one for one, now in places.items() if before is not None and _lost(one, before, now, tree, said)]
    for found in (by_line, by_file, by_what_is_left, by_name, lost):
        if not all(is_test(one.path) for one in found) or (found and all(is_test(one.path) for one in places)):
            found = [one for one in places if one in found or one in lost]
            return tuple(found) if len(found) < len(places) else ()
    return ()


def holds(tree: Snapshot, region: Region, path: str, line: int, *, old: bytes | None = None) -> bool:
    """A line of a file, 1-based, stands in a region; with the `old` bytes of the file also: in a definition that came
    right below it, as a new function does that was written with its neighbour."""
    if region.path != path:
        return False
    lines = lines_of(tree, region)
    if lines is None:
        return False
    return line in lines or (
        old is not None and _came_below(outline(path, text_of(tree, path)), lines, line, path, old)
    )


def _came_below(now: Sequence[Symbol], lines: range, line: int, path: str, old: bytes) -> bool:
    """Between these lines and the given one no definition begins that was there before, and one that was not."""
    known = {symbol.name for symbol in outline(path, old)}
    between = [symbol for symbol in now if lines.stop <= symbol.start <= line and not symbol.is_local]
    around = [symbol for symbol in between if line <= symbol.end]
    return bool(around) and all(symbol.name not in known for symbol in between)


def left_over(regions: Iterable[Region], said: str, tree: Snapshot) -> tuple[Region, ...]:
    """Regions of code that hold the name of another one whose definition is gone, where a check said that name: an
    export list that still names what was deleted."""
    regions = tuple(regions)
    gone = {_bare(one) for one in regions if is_named(one, said) and _is_gone(one, tree)}
    if not gone:
        return ()
    word = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(gone)))})(?!\w)")
    return tuple(one for one in regions if not reads_as_prose(one.path) and word.search(_text(tree, one)))


def is_named(region: Region, said: str) -> bool:
    """The name of a region's definition is a word of what a check said."""
    name = _bare(region)
    return bool(name) and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said) is not None


def _lost(planned: Region, before: Snapshot, now: Region, tree: Snapshot, said: str) -> bool:
    """The lines of a place held a name that is quoted, and do not hold it any more."""
    names = set(_QUOTED.findall(said))
    return bool(names & set(_WORD.findall(_text(before, planned))) - set(_WORD.findall(_text(tree, now))))


def _bare(region: Region) -> str:
    return (region.symbol or "").replace("::", ".").rpartition(".")[2]


def _is_gone(region: Region, tree: Snapshot) -> bool:
    return not candidates(region.path, text_of(tree, region.path), region.symbol or "")


def _text(tree: Snapshot, region: Region) -> str:
    lines = lines_of(tree, region) or range(1, 1)
    held = split_lines(text_of(tree, region.path))[lines.start - 1 : lines.stop - 1]
    return b"".join(held).decode("utf-8", "replace")
