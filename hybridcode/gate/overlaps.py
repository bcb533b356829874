"""What of a command's changes is on record already, because something else of the session ran or wrote meanwhile.

Invariant: each change of a path is recorded once, so that an undo of one thing never takes back another: what two may
have done counts for the one whose end is on record first.
"""

import stat
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from hybridcode.domain.action import Applied, FileState, TreeChange
from hybridcode.domain.events import CommandChanged, EffectFinished, Envelope


def unrecorded(changes: Sequence[TreeChange], meanwhile: Iterable[Envelope]) -> tuple[TreeChange, ...]:
    """The changes without those that envelopes since the command began tell of; one that goes on from what an edit
    wrote begins there."""
    edited: dict[str, FileState | None] = {}
    written: dict[str, FileState | None] = {}
    for envelope in meanwhile:
        match envelope.event:
            case EffectFinished(receipt=Applied(edits=edits)):
                for edit in edits:
                    after = None if edit.after_sha256 is None else FileState(edit.after_sha256, _full(edit.mode))
                    written[edit.path] = edited[edit.path] = after
            case CommandChanged(changes=others):
                for other in others:
                    written[other.path] = other.after
                    edited.pop(other.path, None)
            case _:
                pass
    kept = (change for change in changes if not (change.path in written and _same(written[change.path], change.after)))
    return tuple(replace(one, before=edited[one.path]) if one.path in edited else one for one in kept)


def _full(mode: int) -> int:
    """An edit's mode with the type of file that a look at the tree tells."""
    return mode if stat.S_ISLNK(mode) else stat.S_IFREG | stat.S_IMODE(mode)


def _same(one: FileState | None, other: FileState | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.sha256 == other.sha256 and stat.S_IMODE(one.mode) == stat.S_IMODE(other.mode)
