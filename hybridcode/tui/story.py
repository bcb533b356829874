"""Events as entries of the transcript: what a person reads while it happens and afterwards.

Invariant: pure; the same events give the same entries, live or resumed.
"""

from typing import Literal, NamedTuple, assert_never

from hybridcode.domain.action import (
    Amend,
    Applied,
    Approve,
    ChangeSet,
    Decision,
    Declined,
    Denied,
    Failed,
    Held,
    Ran,
    Receipt,
    Reject,
    Stale,
    Unanswered,
    Unknown,
)
from hybridcode.domain.events import (
    CheckRan,
    DraftRefused,
    EffectFinished,
    Event,
    Interrupted,
    ModelAnswered,
    NoticeGiven,
    PlanDecided,
    PlanMade,
    ProposalDecided,
    ProposalMade,
    RungTaken,
    SessionResumed,
    StepEnded,
    StepStarted,
    TaskEnded,
    TaskGiven,
    TaskJudged,
    UndoMade,
    WindowAssembled,
)
from hybridcode.session.state import RESUMABLE, SessionState
from hybridcode.tui.amounts import dollars, plural, seconds, tokens
from hybridcode.tui.meter import meter_of

Tone = Literal["plain", "quiet", "strong", "good", "bad", "warn", "code"]

_LEVELS: dict[str, Tone] = {"info": "quiet", "warning": "warn", "error": "bad"}

TAIL_LINES = 6
"""Lines of a command's output that the transcript shows."""


class Entry(NamedTuple):
    """One paragraph: a short label in the margin and text beside it."""

    label: str
    text: str
    tone: Tone = "plain"


def entries(event: Event, state: SessionState) -> list[Entry]:
    """What an event adds to the transcript. `state` has taken it in already."""
    match event:
        case TaskGiven(task=task):
            gap = [Entry("", "")] if len(state.tasks) > 1 else []
            return [*gap, Entry("you", task.text, "strong")]
        case NoticeGiven():
            return _notice(event)
        case PlanMade():
            return _plan(event)
        case PlanDecided(approved=False):
            return [Entry("plan", "not followed: nothing was changed", "warn")]
        case PlanDecided():
            return [Entry("plan", "approved", "quiet")]
        case StepStarted() | RungTaken() | WindowAssembled() | DraftRefused() | StepEnded() | CheckRan():
            return _step(event, state)
        case ProposalMade() | ProposalDecided() | EffectFinished():
            return _proposal(event, state)
        case ModelAnswered(error=error) if error:
            return [Entry("!", f"the model did not answer: {error}", "warn")]
        case TaskJudged(verdict=verdict, reason=reason) if verdict != "skipped":
            return [Entry("judge", f"{verdict}: {reason}", "good" if verdict == "good" else "warn")]
        case TaskEnded():
            return _ended(event, state)
        case Interrupted(by=by):
            return [Entry("‖", f"interrupted by {by}; what waits for approval still waits", "warn")]
        case SessionResumed():
            return [Entry("", "resumed", "quiet")]
        case UndoMade():
            return [Entry("undo", "files were put back", "good")]
        case _:
            return []


def _notice(event: NoticeGiven) -> list[Entry]:
    tone = _LEVELS[event.level]
    found = [Entry("!" if event.level != "info" else "·", event.text, tone)]
    return [*found, Entry("", event.hint, "quiet")] if event.hint else found


def _plan(event: PlanMade) -> list[Entry]:
    plan = event.plan
    if plan.answer and not plan.steps:
        return [Entry("answer", plan.answer)]
    files = {region.path for step in plan.steps for region in step.regions}
    facts = [plural(len(plan.steps), "step"), plural(len(files), "file")]
    checks = dict.fromkeys(check for check in (*(step.check for step in plan.steps), plan.check) if check)
    facts += [f"checks: {', '.join(checks)}"] if checks else ["no check"]
    found = [Entry("plan", " · ".join([*facts, f"by {event.source}"]))]
    return [*found, Entry("", plan.rationale, "quiet")] if plan.rationale else found


def _step(
    event: StepStarted | RungTaken | WindowAssembled | DraftRefused | StepEnded | CheckRan, state: SessionState
) -> list[Entry]:
    view = state.task.steps.get(event.step or "") if state.task else None
    match event:
        case StepStarted(step=step):
            return [Entry(f"● {step}", view.step.goal if view else step)]
        case RungTaken(writer=writer, attempt=attempt, why=why):
            return [Entry("", f"{writer}, try {attempt} · why: {why}", "quiet")]
        case WindowAssembled(used=used, budget=budget, digest=digest, excerpts=excerpts):
            touched = ", ".join(view.step.touches) if view else ""
            share = f"window {tokens(used)} of {budget:,} · {plural(len(excerpts), 'excerpt')}" if budget else ""
            facts = " · ".join(part for part in (touched, share, f"sha {digest[:8]}") if part)
            return [Entry("", facts, "quiet")]
        case DraftRefused(attempt=attempt, refusals=refusals):
            return [
                Entry("", f"draft {attempt} refused: {r.reason}{f' · {r.advice}' if r.advice else ''}", "warn")
                for r in refusals
            ]
        case CheckRan():
            return _check(event)
        case StepEnded(outcome="done"):
            return [Entry(f"✓ {event.step}", "done", "good")]
        case StepEnded(step=step, outcome=outcome, why=why):
            return [Entry(f"✗ {step}", f"{outcome}: {why}" if why else outcome, "bad")]
        case _:
            assert_never(event)


def _check(event: CheckRan) -> list[Entry]:
    where = " in the scratch copy" if event.where == "scratch" else ""
    if event.passed:
        return [Entry("", f"✓ {event.command} passed{where}, {seconds(event.seconds)}", "good")]
    said = f"✗ {event.command} ended with exit code {event.exit_code}{where}, {seconds(event.seconds)}"
    return [Entry("", said, "bad"), *_tail(event.tail)]


def _tail(text: str) -> list[Entry]:
    lines = text.rstrip("\n").split("\n") if text.strip() else []
    hidden = len(lines) - TAIL_LINES
    found = [Entry("", line, "code") for line in lines[-TAIL_LINES:]]
    return [Entry("", f"⋯ {plural(hidden, 'line')} above", "quiet"), *found] if hidden > 0 else found


def _proposal(event: ProposalMade | ProposalDecided | EffectFinished, state: SessionState) -> list[Entry]:
    if isinstance(event, ProposalMade):
        proposal = event.proposal
        if proposal.ruling.verdict != "ask":
            return []
        return [Entry("?", f"{proposal.title} waits for you · Ctrl+Y", "warn")]
    view = state.proposals.get(event.proposal)
    title = view.proposal.title if view else event.proposal
    if isinstance(event, ProposalDecided):
        return _decision(event.decision, title)
    is_command = view is not None and not isinstance(view.proposal.action, ChangeSet)
    return _receipt(event.receipt, title, is_command=is_command)


def _decision(decision: Decision, title: str) -> list[Entry]:
    match decision:
        case Approve(by=by) if by.startswith("policy:"):
            return [Entry("", f"allowed by rule {by.removeprefix('policy:')}: {title}", "quiet")]
        case Approve(by=by):
            return [Entry("", f"✓ approved by {by}: {title}", "quiet")]
        case Amend(by=by):
            return [Entry("", f"✎ approved with changes by {by}: {title}", "quiet")]
        case Reject() | Unanswered():
            return []
        case _:
            assert_never(decision)


def _receipt(receipt: Receipt, title: str, *, is_command: bool) -> list[Entry]:
    match receipt:
        case Applied(edits=edits, already=already):
            paths = ", ".join(edit.path for edit in edits)
            return [Entry("", f"✓ {'already there' if already else 'wrote'}: {paths}", "good")]
        case Ran(exit_code=0, timed_out=False, seconds=spent, sandbox=sandbox):
            return [Entry("", f"$ {title} · exit 0 · {seconds(spent)} · sandbox {sandbox}", "good")]
        case Ran(exit_code=code, timed_out=timed_out, seconds=spent, tail=tail):
            ended = "timed out" if timed_out else f"exit {code}"
            return [Entry("", f"$ {title} · {ended} · {seconds(spent)}", "bad"), *_tail(tail)]
        case Stale(paths=paths):
            text = f"not written: {', '.join(paths)} changed meanwhile"
            return [Entry("!", text, "warn"), Entry("", "it is drafted again from the file as it is now", "quiet")]
        case Declined(reason=reason, by=by):
            what = "not run" if is_command else "not written"
            return [Entry("✗", f"{what}: {title} · rejected by {by}{f': {reason}' if reason else ''}", "warn")]
        case Denied(reason=reason, rule=rule, hint=hint):
            found = [Entry("⊘", f"denied: {title} · {reason} (rule {rule})", "bad")]
            return [*found, Entry("", hint, "quiet")] if hint else found
        case Held(proposal=proposal):
            return [Entry("?", f"held for approval as {proposal}: {title}", "warn")]
        case Failed(reason=reason):
            return [Entry("✗", f"failed: {reason}", "bad")]
        case Unknown(reason=reason):
            return [Entry("!", f"nobody knows how this ended: {reason}", "bad")]
        case _:
            assert_never(receipt)


def _ended(event: TaskEnded, state: SessionState) -> list[Entry]:
    is_good = event.exit_code == 0
    reason = event.exit_reason.replace("_", " ")
    found = [Entry("done" if is_good else "ended", event.message or reason, "good" if is_good else "bad")]
    if event.files:
        found.append(Entry("", f"{plural(len(event.files), 'file')}: {', '.join(event.files)}", "quiet"))
    if event.exit_reason in RESUMABLE:
        found.append(Entry("", "/resume goes on with it", "strong"))
    meter = meter_of(state)
    share = "" if meter.local_share is None else f", {meter.local_share} % of what was written"
    spent = f"frontier {tokens(meter.frontier_tokens)} {dollars(meter.usd)} · local {tokens(meter.local_tokens)}{share}"
    return [*found, Entry("", spent, "quiet")]
