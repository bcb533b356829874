"""A change made for one version of a file, onto the version that is on disk now.

Invariant: lines changed on one side only are taken from that side; lines that both sides changed, or changed side by
side, are a conflict and refused; nothing is marked or guessed.
"""

from hybridcode.domain.action import FileChange
from hybridcode.domain.refusal import Refusal
from hybridcode.patch.linediff import Change, changes
from hybridcode.repo.lines import split_lines

_LOOK_AGAIN = "Make the change again for the file as it is now."
_NEAR_LINES = 12
_NEAR_CHARS = 1_600


def onto(change: FileChange, disk: bytes | None) -> FileChange | Refusal:
    """The same change with `disk` as its base; None stands for an absent file."""
    if disk == change.before:
        return change
    if disk == change.after:
        return Refusal(reason="the file is already so", path=change.path, advice="Nothing is left to do here.")
    if disk is None:
        return Refusal(reason="the file was deleted meanwhile", path=change.path, advice=_LOOK_AGAIN)
    if change.before is None:
        return Refusal(reason="a file of this name appeared meanwhile", path=change.path, advice=_LOOK_AGAIN)
    if change.after is None:
        return Refusal(reason="the file to delete was changed meanwhile", path=change.path, advice=_LOOK_AGAIN)
    return _merged(change, change.before, change.after, disk)


def _merged(change: FileChange, before: bytes, after: bytes, disk: bytes) -> FileChange | Refusal:
    base, ours, theirs = split_lines(before), split_lines(after), split_lines(disk)
    mine, others = changes(base, ours), changes(base, theirs)
    new_mine = [c for c in mine if not any(_same(c, d, ours, theirs) for d in others)]
    clash = next((d for c in new_mine for d in others if _touch(c, d)), None)
    if clash is not None:
        return Refusal(
            reason="the same lines were changed meanwhile",
            path=change.path,
            near=_near(theirs, clash),
            advice=_LOOK_AGAIN,
        )
    if not new_mine:
        return Refusal(reason="the change is already in the file", path=change.path, advice="Nothing is left to do.")
    pieces: list[bytes] = []
    done = 0
    for c in new_mine:
        start = c.a0 + _shift(others, c.a0)
        pieces += theirs[done:start] + ours[c.b0 : c.b1]
        done = c.a1 + _shift(others, c.a1)
    pieces += theirs[done:]
    return FileChange(change.path, disk, b"".join(pieces), change.mode)


def _same(c: Change, d: Change, ours: tuple[bytes, ...], theirs: tuple[bytes, ...]) -> bool:
    """Both sides did the same to the same lines."""
    return (c.a0, c.a1) == (d.a0, d.a1) and ours[c.b0 : c.b1] == theirs[d.b0 : d.b1]


def _touch(c: Change, d: Change) -> bool:
    """The changed base lines overlap or lie side by side."""
    return c.a0 <= d.a1 and d.a0 <= c.a1


def _shift(others: tuple[Change, ...], line: int) -> int:
    """How far a base line that the other side left alone has moved there."""
    return sum((d.b1 - d.b0) - (d.a1 - d.a0) for d in others if d.a1 <= line)


def _near(theirs: tuple[bytes, ...], clash: Change) -> str:
    first = max(0, clash.b0 - 2)
    lines = theirs[first : min(clash.b1 + 2, first + _NEAR_LINES)]
    text = b"".join(lines).decode("utf-8", "replace").rstrip("\n")
    return f"lines {first + 1}-{first + len(lines)}:\n{text[:_NEAR_CHARS]}" if lines else ""
