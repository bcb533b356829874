"""Names whose definitions a task took away and that the tree still mentions: what a diff cannot show to a judge.

Invariant: what is gone is judged by the whole tree, what is shown comes from the part of it that may be seen; what is
told is bounded; code stands before documentation.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hybridcode.domain.errors import RepoError
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


def left_behind(before: Mapping[str, bytes | None], tree: Snapshot, *, shown: Snapshot) -> list[Mention]:
    """Every line of `shown`, a part of the tree, that holds a name which changed files defined before and none of them
    does now."""
    names = sorted(_gone(before, tree))[:_MOST_NAMES]
    if not names:
        return []
    word = re.compile(rb"(?<!\w)(?:" + b"|".join(re.escape(name.encode()) for name in names) + rb")(?!\w)")
    found: list[Mention] = []
    for path in sorted(shown.files, key=lambda path: (reads_as_prose(path), path)):
        data = _text(path, shown)
        if not word.search(data):
            continue
        for number, line in enumerate(split_lines(data), 1):
            if word.search(line):
                found.append(Mention(path, number, line.decode("utf-8", "replace").strip()[:_LINE_CHARS]))
    return found


def unmentioned(names: Sequence[str], tree: Snapshot, *, besides: str) -> tuple[str, ...]:
    """Those of dotted `names` whose last part no file of text but `besides` holds."""
    left = {name: re.compile(rb"(?<!\w)" + re.escape(_bare(name)) + rb"(?!\w)") for name in names}
    for path in tree.files if names else ():
        data = _text(path, tree) if path != besides else b""
        left = {name: word for name, word in left.items() if not word.search(data)}
    return tuple(left)


def _bare(name: str) -> bytes:
    return name.rpartition(".")[2].encode()


def told_mentions(found: list[Mention]) -> str:
    """As a part of a request; empty where nothing is left."""
    if not found:
        return ""
    rows = [f"{one.path}:{one.line}: {one.text}" for one in found[:MOST]]
    more = [f"({len(found) - MOST} more lines)"] if len(found) > MOST else []
    return "\n".join(("# Still in the tree, though its definition is gone", *rows, *more))


def _gone(before: Mapping[str, bytes | None], tree: Snapshot) -> set[str]:
    old = {name for path, data in before.items() for name in _defined(path, data or b"")}
    new = {name for path in before for name in _defined(path, _text(path, tree))}
    return {name for name in old - new if len(name) >= _LEAST_CHARS}


def _text(path: str, tree: Snapshot) -> bytes:
    """A file of text; nothing of any other, nor of one that is gone meanwhile."""
    entry = tree.files.get(path)
    if entry is None or entry.kind != "text":
        return b""
    try:
        return tree.read(path)
    except RepoError:
        return b""


def _defined(path: str, data: bytes) -> set[str]:
    return {symbol.bare_name for symbol in outline(path, data)}
