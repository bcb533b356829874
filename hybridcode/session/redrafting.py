"""Drafts of a recorded session read and placed once more, and what was proposed compared with that.

Invariant: a change counts as rebuilt only if reading and placing the recorded answers on the recorded bytes gives the
digest that was shown and approved; nothing is placed on the files of today.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest

import msgspec
from msgspec.structs import replace

from hybridcode.agent.importing import loose_ends_of
from hybridcode.agent.placing import Asked, Placed, place_draft
from hybridcode.agent.ruled import ruled
from hybridcode.agent.shifting import standing
from hybridcode.agent.submitting import MERGED
from hybridcode.domain.action import ChangeSet, FileChange, FileEdit, Proposal, action_digest
from hybridcode.domain.canonical import canonical_json, sha256_hex
from hybridcode.domain.errors import RepoError
from hybridcode.domain.events import DraftMade, DraftRefused, DraftRuled, ImportAdded, WindowAssembled
from hybridcode.domain.plan import Region, Step
from hybridcode.domain.refusal import Refusal
from hybridcode.domain.window import Target
from hybridcode.gate.titles import summary
from hybridcode.patch.check import unparsable
from hybridcode.patch.filetext import FileText, LineEdit
from hybridcode.patch.imports import place_on_top
from hybridcode.patch.merge import onto
from hybridcode.session.checked import Checked, agrees
from hybridcode.session.recorded import Missing, Recorded

NOT_KEPT = "its window was not rebuilt, so what it was placed on is not known"


@dataclass
class Drafting:
    """One try at a step: what its answers make of the files."""

    before: dict[str, bytes | None] = field(default_factory=dict[str, bytes | None])
    after: dict[str, bytes | None] = field(default_factory=dict[str, bytes | None])
    modes: dict[str, int] = field(default_factory=dict[str, int])
    refused: tuple[Refusal, ...] = ()
    """Why the last answer is refused, as rebuilt."""
    unchanged: list[Refusal] = field(default_factory=list[Refusal])
    """Of a step with several regions: those that are to stay as they are."""
    why_not: str = ""
    """Why it cannot be rebuilt."""

    @property
    def is_of_one(self) -> bool:
        """The answer for one region was refused, and not what all of them came to."""
        return bool(self.refused) and self.refused != tuple(self.unchanged)

    @property
    def changes(self) -> tuple[FileChange, ...]:
        """What the try as a whole changes, sorted by path."""
        return tuple(
            FileChange(path, before=self.before[path], after=self.after[path], mode=self.modes[path])
            for path in sorted(self.after)
            if self.before[path] != self.after[path]
        )

    def conclude(self) -> None:
        """Where all regions that were asked for are to stay as they are, that is why the try comes to nothing."""
        if not self.refused and self.unchanged and not self.changes:
            self.refused = tuple(self.unchanged)

    def take(self, changes: tuple[FileChange, ...], made_in: "Drafting") -> None:
        """Lay the changes of one more answer over those before; of one that was kept, without those that were not."""
        for change in changes:
            base = self.before.setdefault(change.path, made_in.before.get(change.path, change.before))
            laid = onto(change, self.after.get(change.path, base))
            if isinstance(laid, Refusal):
                self.why_not = f"it was kept beside other changes, and now {laid.reason}"
                return
            self.after[change.path], self.modes[change.path] = laid.after, laid.mode

    def take_import(self, added: ImportAdded) -> None:
        """Add an import to what was drafted of a file, where it is on record to have gone."""
        data, place = self.after.get(added.path), added.place
        if data is None:
            return
        if isinstance(place, msgspec.UnsetType):
            edit = place_on_top(data, added.line)
        else:
            edit = LineEdit(place.start, place.end, place.lines) if 0 <= place.start <= place.end else None
        if edit is not None:
            self.after[added.path] = FileText.of(data).bytes_with([edit])


def redraft(
    drafting: Drafting,
    event: DraftMade,
    window: WindowAssembled,
    target: Target,
    step: Step,
    recorded: Recorded,
    *,
    made_in: Drafting,
) -> None:
    """Read an answer and place it on the bytes that it was made for; `step` is as it was planned then, `made_in` the
    try that asked for it."""
    drafting.refused = ()
    try:
        text = recorded.text(event.text_sha256)
        found = _placed(text, event, window, target, step, recorded)
    except Missing as missing:
        drafting.why_not = missing.message
        return
    if isinstance(found, Refusal):
        drafting.refused = (found,)
        return
    drafting.take(found.changes, made_in)
    drafting.unchanged += found.stays


def rule_again(drafting: Drafting, event: DraftRuled, step: Step, recorded: Recorded) -> None:
    """What a step comes to that needs no draft, from the files on record."""
    try:
        drafting.take(ruled(step, recorded.snapshot(event.source)), drafting)
    except Missing as missing:
        drafting.why_not = missing.message
    except RepoError:
        drafting.why_not = "what a file held that it changes was not kept"


def _placed(
    text: str, event: DraftMade, window: WindowAssembled, target: Target, step: Step, recorded: Recorded
) -> Placed | Refusal:
    """As `agent.drafter` does it, from what is on record. Raises: Missing."""
    source = window.source
    assert not isinstance(source, msgspec.UnsetType)
    asked = Asked(
        standing(step, source.touches),
        Region.parse(source.region),
        recorded.snapshot(source),
        target,
        has_others=len(step.regions) > 1,
        must_change=event.must_change,
        may_go=event.may_go,
    )
    try:
        return place_draft(text, asked, finish=event.finish)
    except RepoError as error:
        raise Missing("what a file held that its answer changes was not kept") from error


def check_refusal(seq: int, event: DraftRefused, drafting: Drafting | None, step: Step | None) -> Checked:
    """Compare why a draft was refused with why it is refused now."""
    reason = event.refusals[0].reason if event.refusals else "no reason"
    what = f"draft of step {event.step}, try {event.attempt}, refused: {reason}"
    digest = sha256_hex(canonical_json(event.refusals))
    if drafting is None or drafting.why_not:
        return Checked(seq, "draft", "not_rebuilt", what, drafting.why_not if drafting else NOT_KEPT, digest)
    found = drafting.refused or _faults(event, drafting, step)
    rebuilt = sha256_hex(canonical_json(found))
    if agrees(canonical_json(event.refusals).decode(), canonical_json(found).decode()):
        return Checked(seq, "draft", "ok", what, "", digest, digest)
    why = f"now it is refused because {found[0].reason}" if found else "now it can be placed"
    return Checked(seq, "draft", "differs", what, why, digest, rebuilt)


def _faults(event: DraftRefused, drafting: Drafting, step: Step | None) -> tuple[Refusal, ...]:
    """Why a draft that can be placed was refused: for what it leaves undefined or unused, of which other steps may
    bring the rest, even where it does not parse either and somebody was to look at it; else for that. What the advice
    goes on to say of other files is taken from the record."""
    found = loose_ends_of(step, drafting.changes) if step is not None else ()
    same = tuple(one for other in found for one in event.refusals if _says(one, other))
    return same or unparsable(drafting.changes)


def _says(recorded: Refusal, found: Refusal) -> bool:
    return recorded.advice.startswith(found.advice) and replace(recorded, advice=found.advice) == found


def check_proposal(seq: int, proposal: Proposal, drafting: Drafting | None, recorded: Recorded) -> Checked:
    """Compare a change that a draft was turned into with what the draft is turned into now."""
    assert isinstance(proposal.action, ChangeSet)
    what = f"change {proposal.id}: {proposal.title}"
    if drafting is None or drafting.why_not:
        return _line(seq, proposal, "not_rebuilt", what, drafting.why_not if drafting else NOT_KEPT)
    try:
        changes = drafting.changes if MERGED not in proposal.notes else _merged(drafting, proposal.action, recorded)
    except Missing as missing:
        return _line(seq, proposal, "not_rebuilt", what, missing.message)
    if drafting.refused:
        return _line(seq, proposal, "differs", what, f"its answer is refused now: {drafting.refused[0].reason}")
    rebuilt = ChangeSet(tuple(_edit(change, proposal.action) for change in changes))
    digest = action_digest(rebuilt)
    title = ", ".join(map(summary, changes))
    if digest != proposal.digest:
        return _line(seq, proposal, "differs", what, _first_difference(proposal.action, rebuilt), digest)
    if title != proposal.title:
        return _line(seq, proposal, "differs", what, f"its title is {title} now", digest)
    return _line(seq, proposal, "ok", what, "", digest)


def _line(seq: int, proposal: Proposal, verdict: str, what: str, why: str, rebuilt: str = "") -> Checked:
    match verdict:
        case "ok" | "differs" | "not_rebuilt":
            return Checked(seq, "proposal", verdict, what, why, proposal.digest, rebuilt)
        case _:
            raise AssertionError(verdict)


def _merged(drafting: Drafting, action: ChangeSet, recorded: Recorded) -> tuple[FileChange, ...]:
    """The changes carried over to the bytes that the proposal names as its base."""
    bases: Mapping[str, str | None] = {edit.path: edit.before_sha256 for edit in action.edits}
    merged: list[FileChange] = []
    for change in drafting.changes:
        digest = bases.get(change.path)
        found = onto(change, recorded.blob(digest) if digest else None)
        if isinstance(found, FileChange):
            merged.append(found)
    return tuple(merged)


def _edit(change: FileChange, action: ChangeSet) -> FileEdit:
    """The change by digests; what the file's bits were on disk then, only the record knows."""
    known = next((edit for edit in action.edits if edit.path == change.path), None)
    plain = FileEdit(
        path=change.path,
        before_sha256=None if change.before is None else sha256_hex(change.before),
        after_sha256=None if change.after is None else sha256_hex(change.after),
        mode=change.mode,
    )
    if known is None:
        return plain
    mode = known.mode if change.after is None else change.mode
    return FileEdit(plain.path, plain.before_sha256, plain.after_sha256, mode, known.before_mode)


def _first_difference(recorded: ChangeSet, rebuilt: ChangeSet) -> str:
    for old, new in zip_longest(recorded.edits, rebuilt.edits):
        if old == new:
            continue
        if new is None:
            return f"{old.path} is not changed by its draft"
        if old is None or old.path != new.path:
            return f"its draft changes {new.path} too"
        if old.before_sha256 != new.before_sha256:
            return f"{old.path}: it was made for other bytes"
        return f"{old.path}: the result is different"
    return "the digest is not that of the change"


def check_deletion(seq: int, proposal: Proposal, step: Step) -> Checked:
    """A step that deletes needs no draft: the plan names the files."""
    assert isinstance(proposal.action, ChangeSet)
    named = {Region.parse(text).path for text in step.touches}
    wrong = [edit.path for edit in proposal.action.edits if edit.after_sha256 is not None or edit.path not in named]
    what = f"change {proposal.id}: {proposal.title}"
    if wrong:
        return _line(seq, proposal, "differs", what, f"the plan deletes no {wrong[0]}")
    return _line(seq, proposal, "ok", what, "", action_digest(proposal.action))
