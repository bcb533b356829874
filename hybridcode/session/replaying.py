"""A recorded session gone through once more: every window, request, draft, change and approval against its digest.

Invariant: no model is asked and nothing is written; each recorded thing gives exactly one line, in the order it became
true; what cannot be made again is said to be so and never passes as equal.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from hybridcode.agent.shifting import planned
from hybridcode.domain.canonical import digest_of
from hybridcode.domain.errors import IntegrityError
from hybridcode.domain.events import (
    BaselineTaken,
    CheckRan,
    CommandChanged,
    DraftMade,
    DraftRefused,
    DraftRuled,
    EffectFinished,
    EffectStarted,
    Envelope,
    ImportAdded,
    ModelAnswered,
    ModelAsked,
    OutlineMade,
    PlanMade,
    ProposalDecided,
    ProposalMade,
    RepairAsked,
    RungTaken,
    StepMoved,
    StepStarted,
    TaskGiven,
    TaskResumed,
    WindowAssembled,
)
from hybridcode.domain.plan import Plan, Step, Writer, moved
from hybridcode.domain.refusal import Refusal
from hybridcode.journal import chain
from hybridcode.journal.store import SessionJournal
from hybridcode.session.checked import Checked
from hybridcode.session.history import history_of
from hybridcode.session.rebuilding import Rebuilt, check_outline, check_window
from hybridcode.session.recorded import Missing, Recorded
from hybridcode.session.redrafting import Drafting, check_refusal, redraft, rule_again
from hybridcode.session.reproposing import Changes
from hybridcode.session.requests import Expected, check_request, of_draft, of_hint, of_judge, of_plan
from hybridcode.session.state import SessionState


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


_Refused = tuple[tuple[Refusal, ...], Writer | None]
"""Why a draft was refused, and whose it was."""


@dataclass
class _Walk:
    """What is known so far of the session."""

    recorded: Recorded
    state: SessionState = field(default_factory=lambda: SessionState(forgets_ended=True))
    task: str = ""
    history: str = ""
    """What the planner was told of earlier tasks."""
    baseline: BaselineTaken | None = None
    """How the check ended before any change."""
    plan: Plan | None = None
    plans: dict[str, Plan] = field(default_factory=dict[str, Plan])
    """By digest: all that the task had so far."""
    outline: str = ""
    """Digest of the outline that the next plan request begins with."""
    windows: dict[str, tuple[WindowAssembled, Rebuilt]] = field(
        default_factory=dict[str, tuple[WindowAssembled, Rebuilt]]
    )
    """By digest: the window of that text which was assembled last."""
    shown: dict[str, str] = field(default_factory=dict[str, str])
    """Step -> digest of its window that was assembled last."""
    asked: dict[str, ModelAsked] = field(default_factory=dict[str, ModelAsked])
    answers: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Step -> digests of what models answered to its drafts."""
    writers: dict[str, Writer] = field(default_factory=dict[str, Writer])
    """Step -> whose turn it is."""
    refused: dict[str, dict[str, _Refused]] = field(default_factory=dict[str, dict[str, _Refused]])
    """Step -> place of the plan whose last answer was refused, if nothing came of it since; empty: what all of the
    step's answers came to. Other places are not told of it."""
    tries: dict[tuple[str, int], Drafting] = field(default_factory=dict[tuple[str, int], Drafting])
    changes: Changes = field(default_factory=Changes)

    def take(self, envelope: Envelope) -> Iterator[Checked]:
        """Check one event against what came before it."""
        seq, event = envelope.seq, envelope.event
        match event:
            case TaskGiven(task=task):
                self.task, self.plan, self.outline, self.baseline = task.text, None, "", None
                self.history, self.recorded.head = history_of(self.state), task.repo_head
                self.tries.clear()
                self.changes.begin_task()
            case TaskResumed():
                self.history = ""
            case BaselineTaken():
                self.baseline = event
            case RepairAsked():
                self.baseline = None
            case PlanMade(plan=plan):
                self._follow(plan)
            case StepMoved(step=name, touches=touches, goal=goal) if self.plan is not None:
                self._follow(moved(self.plan, name, touches, goal=goal))
            case OutlineMade():
                self.outline = event.digest
                yield check_outline(seq, event, self.task, self.recorded)
            case WindowAssembled():
                rebuilt = check_window(seq, event, self._plan_of(event), self.recorded)
                self.windows[event.digest] = event, rebuilt
                self.shown[event.step] = event.digest
                yield rebuilt.checked
            case ModelAsked():
                self.asked[event.call_id] = event
                yield check_request(seq, event, self._expected(event), self.recorded)
            case ModelAnswered(call_id=name) if name in self.asked and self.asked[name].role == "draft":
                self.answers.setdefault(self.asked[name].step or "", set()).add(event.answer_sha256)
            case RungTaken():
                self.tries[event.step, event.attempt] = Drafting()
                self.writers[event.step] = event.writer
                if event.rung == "local_sample":
                    self.refused.pop(event.step, None)
            case DraftMade():
                yield self._draft(seq, event)
            case DraftRuled():
                yield self._ruled(seq, event)
            case StepStarted(step=name) | CheckRan(step=str(name)):
                self.refused.pop(name, None)
            case ImportAdded(step=name, attempt=attempt):
                if (drafting := self.tries.get((name, attempt))) is not None:
                    drafting.take_import(event)
            case DraftRefused():
                drafting = self.tries.get((event.step, event.attempt))
                place = self._region(event.step) if drafting and drafting.is_of_one else ""
                others = self.refused.get(event.step, {}) if place else {}
                others.pop("", None)
                self.refused[event.step] = {**others, place: (event.refusals, self.writers.get(event.step))}
                yield check_refusal(seq, event, drafting, self._step(event.step))
            case ProposalMade() | ProposalDecided() | EffectStarted() | EffectFinished() | CommandChanged():
                if isinstance(event, ProposalMade):
                    self.refused.pop(event.proposal.step, None)
                yield from self.changes.take(seq, event, self._step, self.tries, self.recorded)
            case _:
                pass
        self.state.apply(envelope)

    def _expected(self, event: ModelAsked) -> Expected | None:
        """What a request has to say; None where nothing on record tells."""
        step = self._step(event.step or "")
        match event.role:
            case "plan":
                return self._expected_of_plan()
            case "draft" if step is not None and step.id in self.shown:
                window, rebuilt = self.windows[self.shown[step.id]]
                is_tiny = not isinstance(window.source, msgspec.UnsetType) and window.source.is_tiny
                now = self.writers.get(step.id)
                known = self.refused.get(step.id, {})
                refused, writer = known.get("") or known.get(self._region(step.id)) or ((), now)
                return rebuilt.window and of_draft(
                    rebuilt.window, step=step, task=self.task, is_tiny=is_tiny, refused=refused, is_own=writer == now
                )
            case "judge":
                diff = self.changes.diff_of_task(event.files, self.recorded)
                return of_judge(self.task, diff) if diff is not None else None
            case "hint" if step is not None:
                return of_hint(step)
            case _:
                return None

    def _follow(self, plan: Plan) -> None:
        self.plan = self.plans[digest_of(plan)] = plan

    def _plan_of(self, event: WindowAssembled) -> Plan | None:
        """The plan that a window was made for: another step may have been moved while it was made."""
        source = event.source
        return self.plan if isinstance(source, msgspec.UnsetType) else self.plans.get(source.subject, self.plan)

    def _expected_of_plan(self) -> Expected | None:
        try:
            outline = self.recorded.text(self.outline) if self.outline else "# Repository\n(no files yet)"
        except Missing:
            return None
        return of_plan(outline, self.task, self.history, self.baseline)

    def _draft(self, seq: int, event: DraftMade) -> Checked:
        what = f"draft of step {event.step}, try {event.attempt}, by {event.model}"
        window, rebuilt = self.windows.get(event.window_digest, (None, None))
        drafting = self.tries.setdefault((event.step, event.attempt), Drafting())
        step = self._step(event.step)
        if event.text_sha256 not in self.answers.get(event.step, set()):
            return Checked(seq, "draft", "differs", what, "no model answered that for this step", event.text_sha256)
        if window is None or rebuilt is None or step is None:
            return Checked(seq, "draft", "differs", what, "there is no window of its digest", event.text_sha256)
        if rebuilt.target is None:
            drafting.why_not = "its window was not rebuilt"
        else:
            planned_then = _step_of(self._plan_of(window), event.step) or step
            made_in = self.tries.get((event.step, window.attempt), drafting)
            redraft(drafting, event, window, rebuilt.target, planned_then, self.recorded, made_in=made_in)
            drafting.conclude()
        if drafting.why_not:
            return Checked(seq, "draft", "not_rebuilt", what, drafting.why_not, event.text_sha256)
        return Checked(seq, "draft", "ok", what, "", event.text_sha256, event.text_sha256)

    def _ruled(self, seq: int, event: DraftRuled) -> Checked:
        what = f"draft of step {event.step}, try {event.attempt}, by rule"
        drafting = self.tries.setdefault((event.step, event.attempt), Drafting())
        step = self._step(event.step)
        if step is None:
            return Checked(seq, "draft", "differs", what, "there is no such step in the plan")
        rule_again(drafting, event, step, self.recorded)
        if drafting.why_not:
            return Checked(seq, "draft", "not_rebuilt", what, drafting.why_not)
        if not drafting.changes:
            return Checked(seq, "draft", "differs", what, "now the step needs a writer")
        return Checked(seq, "draft", "ok", what)

    def _region(self, step: str) -> str:
        """The place of the plan that a step's last window is about."""
        source = self.windows[self.shown[step]][0].source if step in self.shown else msgspec.UNSET
        found = self._step(step)
        if isinstance(source, msgspec.UnsetType) or found is None:
            return ""
        return planned(found, source.touches, source.region)

    def _step(self, name: str) -> Step | None:
        return _step_of(self.plan, name)


def _step_of(plan: Plan | None, name: str) -> Step | None:
    return next((step for step in plan.steps if step.id == name), None) if plan is not None else None
