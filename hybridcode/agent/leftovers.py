"""Names whose definitions a task took away and that the tree still mentions: what a diff cannot show to a judge.

Invariant: a pure function of the changed files before and of the tree; bounded; code stands before documentation.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from hybridcode.repo.classify import reads_as_prose
from hybridcode.repo.lines import split_lines
from hybridcode.repo.snapshot import Snapshot
from hybridcode.repo.symbols import outline

MOST = 8
"""Lines that are shown; the rest is counted."""
_LINE_CHARS = 120
_LEAST_CHARS = 4
"""Shorter names stand for too much else."""
_MOST_NAMES = 20


class Mention(NamedTuple):
    """A line that holds such a name."""

    path: str
    line: int
    """1-based."""
    text: str


def left_behind(before: Mapping[str, bytes | None], tree: Snapshot) -> list[Mention]:
    """Every line of the tree that holds a name which changed files defined before and none of them does now."""
    names = sorted(_gone(before, tree))[:_MOST_NAMES]
    if not names:
        return []
    word = re.compile(rb"(?<!\w)(?:" + b"|".join(re.escape(name.encode()) for name in names) + rb")(?!\w)")
    found: list[Mention] = []
    for path in sorted(tree.files, key=lambda path: (reads_as_prose(path), path)):
        if tree.files[path].kind != "text":
            continue
        data = tree.read(path)
        if not word.search(data):
            continue
        for number, line in enumerate(split_lines(data), 1):
            if word.search(line):
                found.append(Mention(path, number, line.decode("utf-8", "replace").strip()[:_LINE_CHARS]))
    return found


def told_mentions(found: list[Mention]) -> str:
    """As a part of a request; empty where nothing is left."""
    if not found:
        return ""
    rows = [f"{one.path}:{one.line}: {one.text}" for one in found[:MOST]]
    more = [f"({len(found) - MOST} more lines)"] if len(found) > MOST else []
    return "\n".join(("# Still in the tree, though its definition is gone", *rows, *more))


def _gone(before: Mapping[str, bytes | None], tree: Snapshot) -> set[str]:
    old: set[str] = set()
    new: set[str] = set()
    for path, data in before.items():
        old |= _defined(path, data)
        entry = tree.files.get(path)
        new |= _defined(path, tree.read(path)) if entry is not None and entry.kind == "text" else set()
    return {name for name in old - new if len(name) >= _LEAST_CHARS}


def _defined(path: str, data: bytes | None) -> set[str]:
    return {symbol.bare_name for symbol in outline(path, data)} if data else set()
