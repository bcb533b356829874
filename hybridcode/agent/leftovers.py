"""Names that a task took away and that the tree still mentions: what a diff cannot show to a judge.

Invariant: what is gone is judged by the whole tree, what is shown comes from the part of it that may be seen; what is
told is bounded; code stands before documentation.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from hybridcode.patch.left_out import is_named_for_removal
from hybridcode.patch.linediff import changes
from hybridcode.repo.classify import reads_as_prose
from hybridcode.repo.lines import split_lines
from hybridcode.repo.occurrences import Line, lines_with, text_of
from hybridcode.repo.snapshot import Snapshot
from hybridcode.repo.symbols import outline

MOST = 8
"""Lines that are shown; the rest is counted."""
_LINE_CHARS = 120
_LEAST_CHARS = 4
"""Shorter names stand for too much else."""
_MOST_NAMES = 20
_QUOTED = re.compile(r"`([^`\s]+)`")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_LOOKS_LIKE_ONE = re.compile(r"\w_\w|[a-z\d][A-Z]|[A-Z]{2,}[a-z]")


def left_behind(before: Mapping[str, bytes | None], tree: Snapshot, *, shown: Snapshot, task: str = "") -> list[Line]:
    """Every line of `shown`, a part of the tree, that holds a name which changed files defined before and none of them
    does now, or which lost lines, and got none, where the task has it removed, renamed or replaced."""
    defined = {name for path in before for name in _defined(path, text_of(tree, path))}
    old = {name for path, data in before.items() for name in _defined(path, data or b"")}
    gone = (old | _taken_out(task, before, tree)) - defined
    names = sorted(name for name in gone if len(name) >= _LEAST_CHARS)[:_MOST_NAMES]
    if not names:
        return []
    paths = sorted(shown.files, key=lambda path: (reads_as_prose(path), path))
    return list(lines_with(_word(names), shown, paths, most_chars=_LINE_CHARS))


def taken_whole(before: Mapping[str, bytes | None], tree: Snapshot, *, task: str) -> tuple[str, ...]:
    """Names that the task takes out, that a line which is gone held, and that no file of text of the tree holds."""
    names = sorted(name for name in _taken_out(task, before, tree) if len(name) >= _LEAST_CHARS)[:_MOST_NAMES]
    left = {name: _word([name]) for name in names}
    for path in tree.files if names else ():
        data = text_of(tree, path)
        left = {name: word for name, word in left.items() if not word.search(data)}
        if not left:
            break
    return tuple(left)


def told_whole(names: Sequence[str]) -> str:
    """As a part of a request, on one line; empty where there are none."""
    quoted = [f"`{name}`" for name in names]
    return f"No line of the tree holds {' or '.join(quoted)} any more." if quoted else ""


def unmentioned(names: Sequence[str], tree: Snapshot, *, besides: str) -> tuple[str, ...]:
    """Those of dotted `names` whose last part no file of text but `besides` holds."""
    left = {name: _word([name.rpartition(".")[2]]) for name in names}
    for path in tree.files if names else ():
        data = text_of(tree, path) if path != besides else b""
        left = {name: word for name, word in left.items() if not word.search(data)}
    return tuple(left)


def told_mentions(found: list[Line]) -> str:
    """As a part of a request; empty where nothing is left."""
    if not found:
        return ""
    more = [f"({len(found) - MOST} more lines)"] if len(found) > MOST else []
    heading = "# Still in the tree, though its definition is gone or the goal takes it out"
    return "\n".join((heading, *map(str, found[:MOST]), *more))


def _taken_out(task: str, before: Mapping[str, bytes | None], tree: Snapshot) -> set[str]:
    """Names that the task has go, and that a line which is gone held and no new one holds."""
    names = {name for name in _names(task) if is_named_for_removal(name, task)}
    if not names:
        return set()
    texts = [(data or b"", text_of(tree, path)) for path, data in before.items()]
    removed = b"".join(_without(old, new) for old, new in texts)
    added = b"".join(_without(new, old) for old, new in texts)
    return {name for name in names if (word := _word([name])).search(removed) and not word.search(added)}


def _names(task: str) -> Iterator[str]:
    """What a text quotes as code, and words that can hardly be anything else."""
    for found in _QUOTED.finditer(task):
        yield found[1].removesuffix("()")
    for found in _IDENTIFIER.finditer(task):
        if _LOOKS_LIKE_ONE.search(found[0]):
            yield found[0]


def _without(text: bytes, other: bytes) -> bytes:
    """The lines of a text that another version of it has not."""
    lines = split_lines(text)
    return b"".join(line for one in changes(lines, split_lines(other)) for line in lines[one.a0 : one.a1])


def _word(names: list[str]) -> re.Pattern[bytes]:
    return re.compile(rb"(?<!\w)(?:" + b"|".join(re.escape(name.encode()) for name in names) + rb")(?!\w)")


def _defined(path: str, data: bytes) -> set[str]:
    return {symbol.bare_name for symbol in outline(path, data)}
