"""Lines of a tree that hold a pattern.

Invariant: a pure function of tree, paths and pattern; in the order of the paths, each line once.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hybridcode.domain.errors import RepoError
from hybridcode.repo.lines import split_lines
from hybridcode.repo.snapshot import Snapshot


class Line(NamedTuple):
    """A line that holds it."""

    path: str
    line: int
    """1-based."""
    text: str
    """Without the blanks around it, cut."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def lines_with(pattern: re.Pattern[bytes], tree: Snapshot, paths: Iterable[str], *, most_chars: int) -> Iterator[Line]:
    """The lines that hold the pattern, each cut after `most_chars` characters."""
    for path in paths:
        data = text_of(tree, path)
        if not pattern.search(data):
            continue
        for number, line in enumerate(split_lines(data), 1):
            if pattern.search(line):
                yield Line(path, number, line.decode("utf-8", "replace").strip()[:most_chars])


def text_of(tree: Snapshot, path: str) -> bytes:
    """A file of text; nothing of any other, nor of one that is gone meanwhile."""
    entry = tree.files.get(path)
    if entry is None or entry.kind != "text":
        return b""
    try:
        return tree.read(path)
    except RepoError:
        return b""
