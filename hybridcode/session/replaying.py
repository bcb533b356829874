"""A recorded session gone through once more: every window, request, draft, change and approval against its digest.

Invariant: no model is asked and nothing is written; each recorded thing gives exactly one line, in the order it became
true; what cannot be made again is said to be so and never passes as equal.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from hybridcode.domain.action import (
    Amend,
    Applied,
    Approve,
    ChangeSet,
    FileEdit,
    Proposal,
    ShellCommand,
    action_digest,
)
from hybridcode.domain.errors import IntegrityError
from hybridcode.domain.events import (
    CommandChanged,
    DraftMade,
    DraftRefused,
    EffectFinished,
    EffectStarted,
    Envelope,
    ModelAnswered,
    ModelAsked,
    OutlineMade,
    PlanMade,
    ProposalDecided,
    ProposalMade,
    RungTaken,
    TaskGiven,
    WindowAssembled,
)
from hybridcode.domain.plan import Plan, Step
from hybridcode.domain.window import Target
from hybridcode.gate.taking_back import UNDO_STEP
from hybridcode.journal import chain
from hybridcode.journal.store import SessionJournal
from hybridcode.session.checked import Checked
from hybridcode.session.rebuilding import check_outline, check_request, check_window
from hybridcode.session.recorded import Missing, Recorded
from hybridcode.session.redrafting import Drafting, check_deletion, check_proposal, check_refusal, redraft

_TRY = re.compile(r", try (\d+)")


class Totals(msgspec.Struct):
    """How many lines said what."""

    ok: int = 0
    differs: int = 0
    not_rebuilt: int = 0

    def add(self, line: Checked) -> None:
        """Count one more."""
        setattr(self, line.verdict, getattr(self, line.verdict) + 1)


def replayed(log: SessionJournal, workspace: Path | None) -> Iterator[Checked]:
    """Every line of a session's replay. `workspace` is asked for bytes that the journal did not keep."""
    rows = log.journal.rows
    yield _chain(log)
    yield from _blobs(log)
    envelopes, problems = chain.readable(rows, log.id)
    yield from (Checked(0, "chain", "differs", "event", problem) for problem in problems)
    recorded = Recorded(log, workspace)
    try:
        walk = _Walk(recorded)
        for envelope in envelopes:
            yield from walk.take(envelope)
    finally:
        recorded.close()


def _chain(log: SessionJournal) -> Checked:
    try:
        chain.verify_session(log.journal.rows, log.id)
    except IntegrityError as error:
        return Checked(0, "chain", "differs", "hash chain", error.message)
    count, head = log.journal.rows("SELECT head_seq, head_hash FROM session WHERE id = ?", (log.id,))[0]
    return Checked(0, "chain", "ok", f"hash chain of {count:,} events", "", head, head)


def _blobs(log: SessionJournal) -> Iterator[Checked]:
    sound, size = 0, 0
    for sha256 in chain.blobs_of(log.journal.rows, log.id):
        try:
            size += len(log.get_blob(sha256))
            sound += 1
        except IntegrityError as error:
            yield Checked(0, "blob", "differs", "stored bytes", error.message, sha256)
    yield Checked(0, "blob", "ok", f"{sound:,} stored texts and files, {size:,} bytes")


@dataclass
class _Walk:
    """What is known so far of the session."""

    recorded: Recorded
    task: str = ""
    plan: Plan | None = None
    outline: str = ""
    """Digest of the outline that the next plan request begins with."""
    windows: dict[str, tuple[WindowAssembled, Target | None]] = field(
        default_factory=dict[str, tuple[WindowAssembled, Target | None]]
    )
    """By digest: the window of that text which was assembled last, and what its answer is about."""
    asked: dict[str, ModelAsked] = field(default_factory=dict[str, ModelAsked])
    answers: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Step -> digests of what models answered to its drafts."""
    shown: dict[str, str] = field(default_factory=dict[str, str])
    """Step -> digest of its window that was assembled last."""
    tries: dict[tuple[str, int], Drafting] = field(default_factory=dict[tuple[str, int], Drafting])
    proposals: dict[str, Proposal] = field(default_factory=dict[str, Proposal])
    amended: dict[str, Amend] = field(default_factory=dict[str, Amend])
    former: dict[str, set[str | None]] = field(default_factory=dict[str, set[str | None]])
    """Path -> digests of what it held before this session changed it."""

    def take(self, envelope: Envelope) -> Iterator[Checked]:
        """Check one event against what came before it."""
        seq, event = envelope.seq, envelope.event
        match event:
            case TaskGiven(task=task):
                self.task, self.plan = task.text, None
                self.tries.clear()
            case PlanMade(plan=plan):
                self.plan = plan
            case OutlineMade():
                self.outline = event.digest
                yield check_outline(seq, event, self.task, self.recorded)
            case WindowAssembled():
                rebuilt = check_window(seq, event, self.plan, self.recorded)
                self.windows[event.digest] = event, rebuilt.target
                self.shown[event.step] = event.digest
                yield rebuilt.checked
            case ModelAsked():
                self.asked[event.call_id] = event
                yield check_request(seq, event, self._shown(event), self.recorded)
            case ModelAnswered(call_id=name) if name in self.asked and self.asked[name].role == "draft":
                self.answers.setdefault(self.asked[name].step or "", set()).add(event.answer_sha256)
            case RungTaken():
                self.tries[event.step, event.attempt] = Drafting()
            case DraftMade():
                yield self._draft(seq, event)
            case DraftRefused():
                yield check_refusal(seq, event, self.tries.get((event.step, event.attempt)))
            case ProposalMade() | ProposalDecided() | EffectStarted() | EffectFinished() | CommandChanged():
                yield from self._proposal(seq, event)
            case _:
                pass

    def _shown(self, event: ModelAsked) -> str | None:
        """The text that a request has to begin with."""
        digest = {"plan": self.outline, "draft": self.shown.get(event.step or "", "")}.get(event.role, "")
        try:
            return self.recorded.text(digest) if digest else None
        except Missing:
            return None

    def _draft(self, seq: int, event: DraftMade) -> Checked:
        what = f"draft of step {event.step}, try {event.attempt}, by {event.model}"
        window, target = self.windows.get(event.window_digest, (None, None))
        drafting = self.tries.setdefault((event.step, event.attempt), Drafting())
        step = self._step(event.step)
        if event.text_sha256 not in self.answers.get(event.step, set()):
            return Checked(seq, "draft", "differs", what, "no model answered that for this step", event.text_sha256)
        if window is None or step is None:
            return Checked(seq, "draft", "differs", what, "there is no window of its digest", event.text_sha256)
        if target is None:
            drafting.why_not = "its window was not rebuilt"
        else:
            redraft(drafting, event, window, target, step, self.recorded)
        if drafting.why_not:
            return Checked(seq, "draft", "not_rebuilt", what, drafting.why_not, event.text_sha256)
        return Checked(seq, "draft", "ok", what, "", event.text_sha256, event.text_sha256)

    def _step(self, name: str) -> Step | None:
        return next((step for step in self.plan.steps if step.id == name), None) if self.plan is not None else None

    def _proposal(self, seq: int, event: Any) -> Iterator[Checked]:
        match event:
            case ProposalMade(proposal=proposal):
                self.proposals[proposal.id] = proposal
                yield self._made(seq, proposal, event.supersedes)
            case ProposalDecided(proposal=name, decision=Amend() as decision):
                self.amended[name] = decision
                yield Checked(seq, "decision", "ok", f"{name} edited by {decision.by}")
            case ProposalDecided(proposal=name, decision=Approve(digest=digest, by=by)):
                yield self._bound(seq, "decision", f"{name} approved by {by}", name, digest)
            case EffectStarted(proposal=name, digest=digest):
                yield self._bound(seq, "effect", f"{name} carried out", name, digest)
            case EffectFinished(proposal=name, receipt=Applied(edits=edits)):
                yield self._applied(seq, name, edits)
            case CommandChanged(changes=changes):
                for change in changes:
                    self.former.setdefault(change.path, set()).add(change.before.sha256 if change.before else None)
            case _:
                pass

    def _made(self, seq: int, proposal: Proposal, supersedes: str) -> Checked:
        """What a proposal is compared with: an edit by a person, what was there before, the plan, or a draft."""
        what = f"{'change' if isinstance(proposal.action, ChangeSet) else 'command'} {proposal.id}: {proposal.title}"
        digest = action_digest(proposal.action)
        if digest != proposal.digest:
            why = "it is not the action of its digest"
            return Checked(seq, "proposal", "differs", what, why, proposal.digest, digest)
        if supersedes in self.amended:
            return self._edited(seq, proposal, self.amended[supersedes], what)
        step = self._step(proposal.step)
        match proposal.action:
            case ChangeSet(edits=edits) if proposal.step == UNDO_STEP:
                lost = [edit.path for edit in edits if edit.after_sha256 not in self.former.get(edit.path, set())]
                why = f"{lost[0]} never held that before" if lost else ""
                return Checked(seq, "proposal", "differs" if lost else "ok", what, why, digest, digest)
            case ChangeSet() if step is not None and step.kind == "delete":
                return check_deletion(seq, proposal, step)
            case ChangeSet():
                found = _TRY.search(proposal.writer)
                drafting = self.tries.get((proposal.step, int(found[1]))) if found else None
                return check_proposal(seq, proposal, drafting, self.recorded)
            case ShellCommand() as command if command.purpose == "step" and step is not None:
                wanted = (step.command or "").strip()
                if command.script != wanted and not command.argv:
                    return Checked(seq, "proposal", "differs", what, f"the plan says {wanted}", digest, digest)
            case _:
                pass
        return Checked(seq, "proposal", "ok", what, "", digest, digest)

    def _edited(self, seq: int, proposal: Proposal, decision: Amend, what: str) -> Checked:
        wanted = action_digest(decision.action)
        if wanted != proposal.digest:
            why = f"it is not what {decision.by} made of it"
            return Checked(seq, "proposal", "differs", what, why, proposal.digest, wanted)
        try:
            if isinstance(proposal.action, ChangeSet):
                for digest in (
                    one for edit in proposal.action.edits for one in (edit.before_sha256, edit.after_sha256)
                ):
                    if digest is not None:
                        self.recorded.blob(digest)
        except Missing as missing:
            return Checked(seq, "proposal", "not_rebuilt", what, missing.message, proposal.digest)
        return Checked(seq, "proposal", "ok", f"{what} (as {decision.by} edited it)", "", wanted, wanted)

    def _bound(self, seq: int, kind: Any, what: str, name: str, digest: str) -> Checked:
        proposal = self.proposals.get(name)
        if proposal is None:
            return Checked(seq, kind, "differs", what, "it was never proposed", digest)
        if proposal.digest != digest:
            return Checked(seq, kind, "differs", what, "that is not what was shown", proposal.digest, digest)
        return Checked(seq, kind, "ok", what, "", digest, digest)

    def _applied(self, seq: int, name: str, edits: tuple[FileEdit, ...]) -> Checked:
        what = f"{name} applied: {', '.join(edit.path for edit in edits)}"
        proposal = self.proposals.get(name)
        for edit in edits:
            self.former.setdefault(edit.path, set()).add(edit.before_sha256)
        if proposal is None or not isinstance(proposal.action, ChangeSet) or proposal.action.edits != edits:
            return Checked(seq, "effect", "differs", what, "other bytes were written than were shown")
        return Checked(seq, "effect", "ok", what, "", proposal.digest, proposal.digest)
