"""The bytes behind a change, for eyes.

Invariant: what is shown as before or after has the digest that the journal names; what is not kept is said to be so.
"""

import stat
from collections.abc import Callable
from typing import NamedTuple

from hybridcode.domain.action import FileChange, FileState, TreeChange
from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.errors import IntegrityError
from hybridcode.tui.diff_rows import compare, group_changes
from hybridcode.tui.file_diff import file_diff
from hybridcode.tui.paint import Part, clip

SIGNS = {"add": "+", "delete": "-"}
_STYLES = {"add": "$diff-add", "delete": "$diff-delete", "head": "$accent", "fold": "$quiet", "note": "$quiet"}


class Source(NamedTuple):
    """Where bytes come from."""

    blob: Callable[[str], bytes]
    on_disk: Callable[[str], bytes | None]


class Missing(NamedTuple):
    """A change whose bytes are not all kept."""

    path: str
    why: str


def load(change: TreeChange, source: Source) -> FileChange | Missing:
    """A change with its bytes; of what a command made only what is still there."""
    try:
        before = _bytes(change.path, change.before, source)
        after = _bytes(change.path, change.after, source)
    except IntegrityError:
        return Missing(change.path, "the bytes are not kept: a command made them, and they changed since")
    mode = (change.after or change.before or FileState("", 0o644)).mode
    return FileChange(change.path, before, after, stat.S_IMODE(mode))


def differs_on_disk(change: TreeChange, source: Source) -> bool:
    """True when the file is not as the change left it."""
    now = source.on_disk(change.path)
    return (None if now is None else sha256_hex(now)) != (change.after.sha256 if change.after else None)


def _bytes(path: str, state: FileState | None, source: Source) -> bytes | None:
    if state is None:
        return None
    try:
        return source.blob(state.sha256)
    except IntegrityError:
        now = source.on_disk(path)
        if now is None or sha256_hex(now) != state.sha256:
            raise
        return now


def count_lines(change: FileChange) -> tuple[int, int]:
    """Added and deleted lines."""
    return compare(change).changes.counts


def counted(added: int, deleted: int) -> str:
    """`+3 -1`."""
    return " ".join([*([f"+{added}"] if added else []), *([f"-{deleted}"] if deleted else [])]) or "±0"


def diff_parts(change: FileChange, cells: int, *, lines: int) -> list[Part | str]:
    """The first lines of a diff in one column."""
    compared = compare(change)
    diff = file_diff(change, compared, groups=group_changes(compared.changes), edits={})
    parts: list[Part | str] = []
    for row in diff.rows[:lines]:
        match row.kind:
            case "head":
                text = f"@ line {row.new}"
            case "fold":
                text = f"⋯ {row.new:,} unchanged lines"
            case "note":
                text = row.text
            case _:
                text = f"{row.new or row.old:>{diff.number_width}} {SIGNS.get(row.kind, ' ')} {row.text}"
        parts.append((f"{clip(text, cells)}\n", _STYLES.get(row.kind, "")))
    if len(diff.rows) > lines:
        parts.append((f"⋯ {len(diff.rows) - lines:,} more lines · Enter shows all\n", "$quiet"))
    return parts
