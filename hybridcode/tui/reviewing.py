"""The state of a review: which hunks a person took, and the decision that follows.

Invariant: a decision exists only when every hunk is decided, and its bytes are chosen from exactly the bytes shown.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from hybridcode.domain.action import Amend, Approve, ChangeSet, Decision, FileChange, FileEdit, Proposal, Reject
from hybridcode.gate.change_flags import mode_note
from hybridcode.patch.mechanical import Kind
from hybridcode.tui.conversation import PERSON
from hybridcode.tui.diff_rows import is_binary
from hybridcode.tui.file_review import FileReview, Mark, sentence_of
from hybridcode.tui.risk import risk_of

Seal = Callable[[Sequence[FileChange]], ChangeSet]


def load_change(edit: FileEdit, blob: Callable[[str], bytes]) -> FileChange:
    """A stored edit with its bytes."""
    before = blob(edit.before_sha256) if edit.before_sha256 is not None else None
    after = blob(edit.after_sha256) if edit.after_sha256 is not None else None
    return FileChange(edit.path, before, after, edit.mode)


class _Decided(NamedTuple):
    """What is decided of one file."""

    marks: list[Mark]
    edits: dict[int, tuple[bytes, ...]]
    groups: list[tuple[int, ...]]
    rechecked: dict[int, tuple[str, ...]]
    reasons: dict[int, str]

    @classmethod
    def of(cls, file: FileReview) -> "_Decided":
        return cls(list(file.marks), dict(file.edits), list(file.groups), dict(file.rechecked), dict(file.reasons))


class _Moment(NamedTuple):
    """The decisions at one time, and where the cursor was."""

    file: int
    group: int
    files: tuple[_Decided, ...]


@dataclass
class Review:
    """A proposal's files, the hunk under the cursor, and the marks so far."""

    proposal: Proposal
    files: list[FileReview]
    file: int = 0
    group: int = 0
    _past: list["_Moment"] = field(default_factory=list["_Moment"])
    """What stood before each decision, the latest last."""

    @classmethod
    def of(cls, proposal: Proposal, changes: Sequence[FileChange]) -> "Review":
        """A review in which nothing is decided yet, its files in order of risk."""
        files = [FileReview(change) for change in changes]
        for file in files:
            file.risk = risk_of(file.change, file.flags, proposal.ruling, added=file.changes.new_lines())
        return cls(proposal, sorted(files, key=lambda file: (file.risk.rank, file.change.path)))

    @property
    def current(self) -> FileReview:
        """The file under the cursor."""
        return self.files[self.file]

    @property
    def notes(self) -> tuple[str, ...]:
        """Changes of permission bits beside those of bytes, then the warnings of the proposal."""
        action = self.proposal.action
        edits = action.edits if isinstance(action, ChangeSet) else ()
        return *filter(None, map(mode_note, edits)), *self.proposal.notes

    @property
    def loose_notes(self) -> tuple[str, ...]:
        """The notes that stand at no hunk, those of the file under the cursor first."""
        placed = {
            note
            for note in self.notes
            for file in self.files
            if note.startswith(f"{file.change.path}:")
            and any(sentence_of(note, file.change) in texts for texts in file.warned.values())
        }
        loose = [note for note in self.notes if note not in placed]
        path = self.current.change.path
        return tuple(sorted(loose, key=lambda note: not note.startswith(f"{path}:")))

    @property
    def undecided(self) -> int:
        """Shown hunks nobody has decided yet, over all files."""
        return sum(file.mark_of(group) == "undecided" for file in self.files for group in range(len(file.groups)))

    @property
    def is_last_no(self) -> bool:
        """True when rejecting the hunk under the cursor would leave nothing of the proposal, and no reason for it."""
        marks = {mark for file in self.files for mark in file.marks}
        is_undecided = self.current.mark_of(self.group) == "undecided"
        is_said = any(file.reasons for file in self.files)
        return is_undecided and self.undecided == 1 and marks <= {"undecided", "rejected"} and not is_said

    @property
    def is_single(self) -> bool:
        """True where one hunk is all there is."""
        return sum(len(file.groups) for file in self.files) == 1

    @property
    def is_as_proposed(self) -> bool:
        """True while nothing is edited and nothing rejected: what a check has proven is still what would be applied."""
        return not any(file.edits or "rejected" in file.marks for file in self.files)

    def remember(self) -> None:
        """Keep what is decided so far, for `take_back`."""
        self._past.append(_Moment(self.file, self.group, tuple(map(_Decided.of, self.files))))

    def take_back(self) -> bool:
        """Undo the latest decision; False if there is none."""
        if not self._past:
            return False
        self.file, self.group, files = self._past.pop()
        for file, was in zip(self.files, files, strict=True):
            file.marks, file.edits, file.groups, file.rechecked, file.reasons = was
        return True

    def go_to_file(self, direction: Literal[1, -1]) -> bool:
        """Move to the next or previous file, round the end; False if there is one file only."""
        if len(self.files) == 1:
            return False
        self.open_file((self.file + direction) % len(self.files))
        return True

    def open_file(self, number: int) -> None:
        """Move to the first hunk of a file that is not decided, or to its first one."""
        self.file = number
        groups = range(len(self.current.groups))
        self.group = next((group for group in groups if self.current.mark_of(group) == "undecided"), 0)

    @property
    def mechanical(self) -> dict[Kind, int]:
        """How many undecided hunks are proven to be mechanical, by kind."""
        counts: dict[Kind, int] = {}
        for file in self.files:
            for group in range(len(file.groups)):
                kind = file.kind_of(group)
                if kind is not None and file.mark_of(group) == "undecided":
                    counts[kind] = counts.get(kind, 0) + 1
        return counts

    def mark_mechanical(self) -> None:
        """Accept every undecided hunk that is proven to be mechanical."""
        self.remember()
        for number, file in enumerate(self.files):
            for group in range(len(file.groups)):
                if file.mark_of(group) == "undecided" and file.kind_of(group) is not None:
                    self._set(number, group, "accepted")
        if self.current.mark_of(self.group) != "undecided":
            self.step(1, undecided_only=True)

    def mark(self, mark: Mark) -> None:
        """Decide the hunk under the cursor and go on to the next undecided one."""
        self.remember()
        self._set(self.file, self.group, mark)
        self.step(1, undecided_only=True)

    def reject(self, reason: str) -> None:
        """Reject the hunk under the cursor and say why."""
        file, index = self.current, self.current.groups[self.group][0]
        self.mark("rejected")
        if reason:
            file.reasons[index] = reason

    def mark_rest_of_file(self, mark: Mark) -> None:
        """Decide this hunk and all later undecided ones of the file."""
        self.remember()
        for group in range(self.group, len(self.current.groups)):
            if group == self.group or self.current.mark_of(group) == "undecided":
                self._set(self.file, group, mark)
        self.step(1, undecided_only=True)

    def mark_all(self, mark: Mark) -> None:
        """Decide every undecided hunk of every file."""
        self.remember()
        for number, file in enumerate(self.files):
            for group in range(len(file.groups)):
                if file.mark_of(group) == "undecided":
                    self._set(number, group, mark)

    def forget(self) -> None:
        """Make everything undecided again; edits stay."""
        for file in self.files:
            file.marks, file.reasons = ["undecided"] * len(file.marks), {}
        self.file = self.group = 0

    def _set(self, file: int, group: int, mark: Mark) -> None:
        review = self.files[file]
        for index in review.groups[group]:
            review.reasons.pop(index, None)
            review.marks[index] = "edited" if mark == "accepted" and index in review.edits else mark

    def step(self, direction: Literal[1, -1], *, undecided_only: bool = False) -> bool:
        """Move to the next or previous hunk over all files, round the end; False if there is none to move to."""
        places = [(number, group) for number, file in enumerate(self.files) for group in range(len(file.groups))]
        here = places.index((self.file, self.group))
        for offset in range(1, len(places)):
            file, group = places[(here + direction * offset) % len(places)]
            if not undecided_only or self.files[file].mark_of(group) == "undecided":
                self.file, self.group = file, group
                return True
        return False

    @property
    def may_split(self) -> bool:
        """The hunk under the cursor is several changes."""
        groups = self.current.groups
        return bool(groups) and len(groups[self.group]) > 1

    def split(self) -> bool:
        """Show each change of the hunk under the cursor as a hunk of its own; False if it is one change already."""
        if not self.may_split:
            return False
        groups = self.current.groups
        parts = groups[self.group]
        self.current.opened = set()
        groups[self.group : self.group + 1] = [(index,) for index in parts]
        return True

    def edit(self, lines: tuple[bytes, ...]) -> None:
        """Put a person's lines in place of the new lines of the change under the cursor; they are not taken yet."""
        self.remember()
        (index,) = self.current.groups[self.group]
        self.current.edits[index] = lines
        self.current.rechecked.pop(index, None)
        self._set(self.file, self.group, "undecided")

    def take_edit(self) -> None:
        """Take the edit under the cursor: the checks found nothing in it."""
        self._set(self.file, self.group, "accepted")
        self.step(1, undecided_only=True)

    def decision(self, seal: Seal) -> Decision | None:
        """The decision once every hunk has one: all as proposed, some of it, or none, with the reasons that were given.

        Without a reason no other draft is asked for.
        """
        if self.undecided:
            return None
        marks = {mark for file in self.files for mark in file.marks}
        if marks == {"accepted"}:
            return Approve(self.proposal.digest, PERSON)
        chosen = [result for file in self.files if (result := file.result()) is not None]
        reason = "\n".join(said for file in self.files for said in file.said)
        return Amend(seal(chosen), PERSON, reason) if chosen else Reject(reason, PERSON)


def editable_text(review: Review) -> str | None:
    """New text of the change under the cursor for a text area, None if it cannot be edited as text."""
    file = review.current
    if is_binary(file.change) or file.change.after is None or file.change.before == file.change.after:
        return None
    index = file.groups[review.group][0]
    lines = file.edits.get(index, file.changes[index].new)
    try:
        return b"".join(lines).decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return None


def edited_lines(review: Review, text: str) -> tuple[bytes, ...]:
    """The text of a text area as lines with the file's own line ends.

    The last line gets an end exactly when the change it replaces had one (or stands before other lines).
    """
    file = review.current
    change = file.changes[file.groups[review.group][0]]
    is_crlf = b"\r\n" in (file.change.before or file.change.after or b"")
    end = b"\r\n" if is_crlf else b"\n"
    bare_end = bool(change.new) and not change.new[-1].endswith(b"\n")
    body = text.removesuffix("\n")
    if not body:
        return ()
    lines = [line.encode() + end for line in body.split("\n")]
    if bare_end:
        lines[-1] = lines[-1].removesuffix(end)
    return tuple(lines)
