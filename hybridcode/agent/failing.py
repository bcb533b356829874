"""Where a failure lies: the places of the tree that a check's output names, and the definitions around them.

Invariant: a pure function of the output and the tree.
"""

from hybridcode.agent.distil import frames
from hybridcode.context.signals import is_aside
from hybridcode.domain.plan import Region
from hybridcode.repo.lines import split_lines
from hybridcode.repo.snapshot import Snapshot
from hybridcode.repo.symbols import outline

MOST = 3
"""Definitions that are named."""
_MOST_LINES = 30
"""Of one definition: those around the place that fails."""


def failing_definitions(output: str, tree: Snapshot) -> list[Region]:
    """Lines of the definitions that an output names: those that are no tests first, of each kind the last named
    first."""
    named = list(dict.fromkeys(reversed(frames(output, tree.files.keys()))))
    named.sort(key=lambda place: is_aside(place[0]))
    found: list[Region] = []
    for path, line in named:
        if any(one.path == path and (one.start or 0) <= line <= (one.end or 0) for one in found):
            continue
        if (one := _around(path, line, tree)) is not None:
            found.append(one)
        if len(found) == MOST:
            break
    return found


def _around(path: str, line: int, tree: Snapshot) -> Region | None:
    """The smallest definition that holds a line, or the lines of it around that one."""
    entry = tree.files[path]
    if entry.kind != "text":
        return None
    data = tree.read(path)
    count = len(split_lines(data))
    if not 1 <= line <= count:
        return None
    holding = [one for one in outline(path, data) if one.start <= line <= one.end]
    smallest = min(holding, key=lambda one: one.end - one.start, default=None)
    start, end = (smallest.start, smallest.end) if smallest else (1, count)
    if end - start >= _MOST_LINES:
        start = max(start, line - _MOST_LINES * 2 // 3)
        end = min(end, start + _MOST_LINES - 1)
    return Region(path, start=start, end=end)
