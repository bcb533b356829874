"""Where a failure lies: the places of the tree that a check's output names, and the definitions around them.

Invariant: a pure function of the output and the tree; never longer than asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hybridcode.agent.distil import places
from hybridcode.context.signals import is_aside
from hybridcode.domain.plan import Region
from hybridcode.repo.lines import split_lines
from hybridcode.repo.snapshot import Snapshot
from hybridcode.repo.symbols import outline

MOST = 3
"""Definitions that are shown."""
_MOST_LINES = 30
"""Of one definition: those around the place that fails."""


@dataclass(frozen=True)
class Failing:
    """A definition that a failure names, or the lines around the place where none holds it."""

    path: str
    start: int
    end: int
    """1-based, inclusive."""
    text: str

    @property
    def place(self) -> str:
        """As a Region string."""
        return str(Region(self.path, start=self.start, end=self.end))


def failing_places(output: str, tree: Snapshot) -> dict[str, set[int]]:
    """Files of the tree that an output names, with the lines (1-based), in the order of the output."""
    found: dict[str, set[int]] = {}
    for path, line in places(output, tree.files.keys()):
        found.setdefault(path, set()).add(line)
    return found


def failing_definitions(output: str, tree: Snapshot, *, most_chars: int) -> list[Failing]:
    """The definitions that an output names: those that are no tests first, of each kind the last named first."""
    named = list(dict.fromkeys(reversed(places(output, tree.files.keys()))))
    named.sort(key=lambda place: is_aside(place[0]))
    found: list[Failing] = []
    for path, line in named:
        if any(one.path == path and one.start <= line <= one.end for one in found):
            continue
        one = _around(path, line, tree)
        if one is None or len(one.text) > most_chars:
            continue
        most_chars -= len(one.text)
        found.append(one)
        if len(found) == MOST:
            break
    return found


def _around(path: str, line: int, tree: Snapshot) -> Failing | None:
    """The smallest definition that holds a line, or as much of it around the line as there is room for."""
    entry = tree.files[path]
    if entry.kind != "text":
        return None
    data = tree.read(path)
    lines = split_lines(data)
    if not 1 <= line <= len(lines):
        return None
    holding = [one for one in outline(path, data) if one.start <= line <= one.end]
    smallest = min(holding, key=lambda one: one.end - one.start, default=None)
    start, end = (smallest.start, smallest.end) if smallest else (1, len(lines))
    if end - start >= _MOST_LINES:
        start = max(start, line - _MOST_LINES * 2 // 3)
        end = min(end, start + _MOST_LINES - 1)
    return Failing(path, start, end, b"".join(lines[start - 1 : end]).decode("utf-8", "replace").rstrip("\n"))


def told_definitions(found: Sequence[Failing]) -> str:
    """As a part of a request; empty where nothing is found."""
    parts = [f"## {one.path}, lines {one.start}-{one.end}\n{one.text}" for one in found]
    return "\n".join(("# Where it fails, as it is now", *parts)) if parts else ""
