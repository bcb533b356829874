"""What the next writer is told of the tries before it: why one was refused, what the check said, a person's words.

Invariant: bounded; the last refusal takes nothing away from what a check or a person said before it, nor from the hint;
whose answer it was is told as it is to whoever writes next.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from hybridcode.agent.checks import failure_note
from hybridcode.agent.distil import cut
from hybridcode.agent.drafter import declined_note, retry_note
from hybridcode.agent.endings import Note, NoteKind
from hybridcode.agent.proving import Tried, draft_note
from hybridcode.domain.action import FileChange
from hybridcode.domain.plan import Region, Writer
from hybridcode.domain.refusal import Refusal

NOWHERE: Mapping[Region, Sequence[Refusal]] = {}
OLDER_CHARS = 1_500
"""Of each note but the newest; a refusal is always whole."""


def refused(refusals: Sequence[Refusal], at: Mapping[Region, Sequence[Refusal]] = NOWHERE) -> Note:
    """Answers could not be used: those for the places `at`, or what all of them came to."""
    note = _noted("refused", partial(retry_note, refusals))
    return replace(note, at={region: refused(found) for region, found in at.items()})


def failed_ahead(tried: Tried, changes: tuple[FileChange, ...]) -> Note:
    """The check failed on a draft that was not applied."""
    return _noted("checked", partial(draft_note, tried, changes))


def pointed(note: Note | None, region: str, step: str = "") -> Note:
    """A failure, and that it points to a place of the step, or to what an earlier `step` wrote."""
    wrote = f", which step {step} wrote" if step else ""
    words = f"# The failure points to {region}{wrote}\nWrite it again so that the check passes."
    own, other = (note.own, note.other) if note is not None else ("", "")
    return Note("checked", f"{own}\n\n{words}".strip(), f"{other}\n\n{words}".strip())


def failed(told: str) -> Note:
    """The check failed after a draft was applied; `told` is what it said."""
    return _noted("checked", partial(failure_note, told))


def declined(reason: str, *, is_part: bool = False) -> Note:
    """A person said no, and why; `is_part`: to the part that they left out."""
    return _noted("declined", partial(declined_note, reason, is_part=is_part))


def fact(kind: NoteKind, text: str) -> Note:
    """What is told to everybody in the same words."""
    return Note(kind, text, text)


AGAIN = Note(
    "again",
    "# You gave the same answer once more, to the letter\nIt was not used either. Write it differently.",
    "# The same answer came once more, to the letter\nIt was not used either. Write it differently.",
)


def _noted(kind: NoteKind, tell: Callable[..., str]) -> Note:
    return Note(kind, tell(is_own=True), tell(is_own=False))


@dataclass
class Notes:
    """The notes of one step, oldest first; a newer one of a kind takes the place of the older."""

    _kept: dict[NoteKind, tuple[Note, Writer | None]] = field(
        default_factory=dict[NoteKind, tuple[Note, Writer | None]]
    )

    def take(self, note: Note, writer: Writer | None) -> None:
        """Remember a note about what `writer` answered; None: nobody knows any more who it was."""
        gone: tuple[NoteKind, ...] = (note.kind, "again")
        if note.kind in ("checked", "declined", "stale"):
            gone = (*gone, "refused")  # an answer came after it that could be used
        for kind in gone:
            self._kept.pop(kind, None)
        self._kept[note.kind] = note, writer

    def told(self, to: Writer | None = None, *, region: Region | None = None, without: NoteKind | None = None) -> str:
        """All of it, for the next draft by `to`, of one place of the step; None: for somebody who wrote none of it."""
        kept = [one for one in self._about(region) if one[0].kind != without]
        *older, newest = kept or [(fact("hint", ""), None)]
        texts = [
            _worded(note, writer, to) if note.kind == "refused" else cut(_worded(note, writer, to), OLDER_CHARS)
            for note, writer in older
        ]
        return "\n\n".join((*texts, _worded(*newest, to)))

    def spread(self) -> None:
        """What was told at single places is told at all that are asked for from now on."""
        self._kept = {kind: (replace(note, at={}), writer) for kind, (note, writer) in self._kept.items()}

    def _about(self, region: Region | None) -> Iterator[tuple[Note, Writer | None]]:
        for note, writer in self._kept.values():
            if region is None or not note.at:
                yield note, writer
            elif region in note.at:
                yield note.at[region], writer


def _worded(note: Note, writer: Writer | None, to: Writer | None) -> str:
    return note.own if to is not None and writer in (to, None) else note.other
