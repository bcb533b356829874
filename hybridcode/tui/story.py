"""Events as entries of the transcript: what a person reads while it happens and afterwards.

Invariant: pure; the same events give the same entries, live or resumed.
"""

from typing import Literal, NamedTuple, assert_never

from hybridcode.domain.action import (
    Amend,
    Applied,
    Approve,
    ChangeSet,
    Committed,
    Decision,
    Declined,
    Denied,
    Expired,
    Failed,
    Held,
    Ran,
    Receipt,
    Reject,
    ShellCommand,
    Stale,
    Unanswered,
    Unknown,
)
from hybridcode.domain.events import (
    CheckRan,
    CommandChanged,
    DraftRefused,
    EffectFinished,
    Event,
    FailureReproduced,
    Interrupted,
    ModeChanged,
    ModelAnswered,
    NoteGiven,
    NoticeGiven,
    PlanDecided,
    PlanMade,
    PlannerChosen,
    ProposalDecided,
    ProposalMade,
    QuestionAnswered,
    Rewound,
    RuleGranted,
    RungTaken,
    SessionForked,
    SessionResumed,
    StepEnded,
    StepStarted,
    TaskEnded,
    TaskGiven,
    TaskJudged,
    TaskQuestioned,
    TaskResumed,
    UndoMade,
    WindowAssembled,
)
from hybridcode.domain.own import is_own, waits_for_look
from hybridcode.session.telling import asked, reproduced
from hybridcode.session.state import RESUMABLE, ProposalView, SessionState
from hybridcode.tui.amounts import plural, seconds, tokens
from hybridcode.tui.conversation import whom
from hybridcode.tui.meter import meter_of, spent
from hybridcode.tui.modes import mode_told
from hybridcode.tui.paint import clip
from hybridcode.tui.waiting import waiting_plan, waiting_proposals

Tone = Literal["plain", "quiet", "strong", "good", "bad", "warn", "code"]

_LEVELS: dict[str, Tone] = {"info": "quiet", "warning": "warn", "error": "bad"}

TAIL_LINES = 6
"""Lines of a command's output that the transcript shows."""
OWN_LINES = 40
"""The same for a command that the person typed."""
TRACES = 6
"""Paths that a command changed and that one entry names."""
TAIL_CHARS = 4_000
"""Characters of output that a receipt keeps: a tail this long has lost its beginning."""
PROMPT_LINES = 12
"""Lines of a task that the transcript shows."""


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
            return [*gap, *_prompt(task.text)]
        case NoticeGiven():
            return _notice(event)
        case NoteGiven(text=text):
            return [Entry("steer", text, "strong"), Entry("", "the next request to a model holds it", "quiet")]
        case PlannerChosen(writer=writer, why=why):
            return [Entry("", f"{writer} model plans · why: {why}", "quiet")]
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
        case TaskQuestioned(questions=questions):
            return [Entry("?", asked(question), "warn") for question in questions]
        case QuestionAnswered(answer=answer):
            return [Entry("you", answer, "strong")]
        case FailureReproduced():
            return [Entry("", f"✓ {reproduced(event)}", "good")]
        case TaskEnded():
            return _ended(event, state)
        case Interrupted(by=by):
            waits = bool(waiting_proposals(state)) or waiting_plan(state, "default") is not None
            kept = "; what waits is kept · Ctrl+Y" if waits else ""
            return [Entry("‖", f"interrupted by {whom(by)}{kept}", "warn")]
        case SessionResumed():
            return _opened_again(state)
        case TaskResumed():
            return [Entry("▸", "the task goes on", "quiet")]
        case CommandChanged() if event.changes or event.not_captured:
            return _traces(event)
        case ModeChanged():
            return [Entry("mode", mode_told(event), "quiet")]
        case RuleGranted(rule=rule, by=by):
            return [Entry("", f"allowed from now on by {whom(by)}: {rule}", "quiet")]
        case UndoMade():
            return _undone(event)
        case SessionForked(origin=origin, title=title):
            return [Entry("fork", f"of session {origin}: {clip(title, 60)}", "quiet")]
        case Rewound():
            return _rewound(event, state)
        case _:
            return []


def _traces(event: CommandChanged) -> list[Entry]:
    """What a command changed, and what of it cannot be undone."""
    paths = ", ".join(change.path for change in event.changes[:TRACES])
    more = f" and {len(event.changes) - TRACES} more" if len(event.changes) > TRACES else ""
    found = [Entry("", f"it changed: {paths}{more} · undo puts that back", "quiet")] if event.changes else []
    return [*found, *(Entry("", f"not covered by undo: {what}", "warn") for what in event.not_captured[:TRACES])]


def _undone(event: UndoMade) -> list[Entry]:
    found = [Entry("undo", f"put back: {', '.join(event.restored)}" if event.restored else "nothing put back", "good")]
    return [
        *found,
        *(Entry("", f"kept {path}: {event.why.get(path, 'it changed since')}", "warn") for path in event.kept),
    ]


def _rewound(event: Rewound, state: SessionState) -> list[Entry]:
    """Where a person went back to; what was put back stood among what is told no more."""
    text = next((view.task.text for view in state.tasks if view.task.id == event.task), event.task)
    follows = {
        (True, True): "files put back, and it is forgotten",
        (True, False): "files put back; it is still known to later tasks",
        (False, True): "it is forgotten; files stay as they are",
    }[event.files, event.conversation]
    files = _undone(state.undone[-1]) if event.files and event.conversation and state.undone else []
    first = text.split("\n", 1)[0]
    return [*files, Entry("back", f"to before: {clip(first, 60)}", "strong"), Entry("", follows, "quiet")]


def _prompt(text: str) -> list[Entry]:
    """A task, a long one folded."""
    lines = text.split("\n")
    hidden = len(lines) - PROMPT_LINES
    if hidden <= 0:
        return [Entry("you", text, "strong")]
    shown = Entry("you", "\n".join(lines[:PROMPT_LINES]), "strong")
    return [shown, Entry("", f"⋯ {plural(hidden, 'more line')} · ↑ in an empty composer shows them", "quiet")]


def _opened_again(state: SessionState) -> list[Entry]:
    found = [Entry("", "opened again", "quiet")]
    if state.task is not None and state.task.is_open:
        found.append(Entry("!", "this task stopped: /resume goes on", "warn"))
    return found


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
    found = [Entry("plan", " · ".join([*facts, f"by {whom(event.source)}"]))]
    return [*found, Entry("", plan.rationale, "quiet")] if plan.rationale else found


def _step(
    event: StepStarted | RungTaken | WindowAssembled | DraftRefused | StepEnded | CheckRan, state: SessionState
) -> list[Entry]:
    view = state.task.steps.get(event.step or "") if state.task else None
    match event:
        case StepStarted(step=step):
            touched = [Entry("", ", ".join(view.step.touches), "quiet")] if view and view.step.touches else []
            return [Entry(f"● {step}", view.step.goal if view else step), *touched]
        case RungTaken(writer=writer, attempt=attempt, why=why):
            reason = f" · why: {why}" if _says_more(why, writer) else ""
            return [Entry("", f"{writer}, try {attempt}{reason}", "quiet")]
        case WindowAssembled(used=used, budget=budget, digest=digest, excerpts=excerpts):
            share = f"window {tokens(used)} of {budget:,} · {plural(len(excerpts), 'excerpt')}" if budget else ""
            facts = " · ".join(part for part in (share, f"sha {digest[:8]}") if part)
            return [Entry("", facts, "quiet")]
        case DraftRefused(attempt=attempt, refusals=refusals):
            return [
                Entry("", f"draft {attempt} refused: {r.reason}{f' · {r.advice}' if r.advice else ''}", "warn")
                for r in refusals
            ]
        case CheckRan():
            was_told = view is not None and view.step.kind == "command"
            return [] if was_told else _check(event)
        case StepEnded(outcome="done"):
            return [Entry(f"✓ {event.step}", "done", "good")]
        case StepEnded(step=step, outcome=outcome, why=why):
            was_told = _refused(state, step) if outcome in ("declined", "denied") else ""
            ended = was_told or (f"{outcome}: {why}" if why else outcome)
            return [Entry(f"✗ {step}", ended, "bad")]
        case _:
            assert_never(event)


def _says_more(why: str, writer: str) -> bool:
    """False for a reason that only repeats who writes."""
    return not set(why.split()) <= {writer, "model", "writes", "default"}


def _refused(state: SessionState, step: str) -> str:
    """How a step ended whose refusal stands above already; empty if it was not refused."""
    receipts = [view.receipt for view in state.proposals.values() if view.proposal.step == step]
    match receipts[-1] if receipts else None:
        case Declined(by=by):
            return f"declined by {whom(by)}"
        case Denied():
            return "denied"
        case _:
            return ""


def _check(event: CheckRan) -> list[Entry]:
    where = " in the scratch copy" if event.where == "scratch" else ""
    if event.passed:
        return [Entry("", f"✓ {event.command} passed{where}, {seconds(event.seconds)}", "good")]
    said = f"✗ {event.command} ended with exit code {event.exit_code}{where}, {seconds(event.seconds)}"
    return [Entry("", said, "bad"), *_tail(event.tail)]


def _tail(text: str, most: int = TAIL_LINES) -> list[Entry]:
    lines = text.rstrip("\n").split("\n") if text.strip() else []
    hidden = len(lines) - most
    found = [Entry("", line, "code") for line in lines[-most:]]
    if hidden <= 0:
        return found
    more = "at least " if len(text) >= TAIL_CHARS else ""
    return [Entry("", f"⋯ {more}{plural(hidden, 'line')} above", "quiet"), *found]


def _proposal(event: ProposalMade | ProposalDecided | EffectFinished, state: SessionState) -> list[Entry]:
    if isinstance(event, ProposalMade):
        proposal = event.proposal
        typed = [Entry("you", f"! {proposal.title}", "strong")] if is_own(proposal) else []
        if proposal.ruling.verdict != "ask" or (typed and not waits_for_look(proposal)):
            return typed
        return [*typed, Entry("?", f"{proposal.title} waits for you · Ctrl+Y", "warn")]
    view = state.proposals.get(event.proposal)
    if view is not None and is_own(view.proposal) and (told := _own(event, view)) is not None:
        return told
    title = view.proposal.title if view else event.proposal
    if isinstance(event, ProposalDecided):
        return _decision(event.decision, title)
    return _receipt(event.receipt, title, view)


def _own(event: ProposalDecided | EffectFinished, view: ProposalView) -> list[Entry] | None:
    """How a person's own command went, without what goes without saying; None where it is told as of any other."""
    if isinstance(event, ProposalDecided):
        return None if waits_for_look(view.proposal) else []
    match event.receipt:
        case Ran(command=command) as ran:
            amended = [Entry("", f"$ {command}", "quiet")] if command != view.proposal.title else []
            ended = "timed out" if ran.timed_out else f"exit {ran.exit_code}"
            is_good = ran.exit_code == 0 and not ran.timed_out
            said = f"{ended} · {seconds(ran.seconds)} · sandbox {ran.sandbox}"
            return [*amended, *_tail(ran.tail, OWN_LINES), Entry("", said, "good" if is_good else "bad")]
        case Declined():
            return [Entry("✗", "not run", "warn")]
        case _:
            return None


def _decision(decision: Decision, title: str) -> list[Entry]:
    match decision:
        case Approve(by=by) if by.startswith("policy:"):
            return [Entry("", f"allowed by rule {by.removeprefix('policy:')}: {title}", "quiet")]
        case Approve(by=by):
            return [Entry("", f"✓ approved by {whom(by)}: {title}", "quiet")]
        case Amend(by=by):
            return [Entry("", f"✎ approved with changes by {whom(by)}: {title}", "quiet")]
        case Reject() | Unanswered():
            return []
        case _:
            assert_never(decision)


def _receipt(receipt: Receipt, title: str, view: ProposalView | None) -> list[Entry]:
    match receipt:
        case Applied(edits=edits, already=already):
            paths = ", ".join(edit.path for edit in edits)
            return [Entry("", f"✓ {'already there' if already else 'wrote'}: {paths}", "good")]
        case Ran():
            action = view.proposal.action if view else None
            is_check = isinstance(action, ShellCommand) and action.purpose == "check"
            return _ran(receipt, title, is_check=is_check)
        case Committed():
            return _committed(receipt)
        case Stale(paths=paths):
            text = f"not written: {', '.join(paths)} changed meanwhile"
            return [Entry("!", text, "warn"), Entry("", "it is drafted again from the file as it is now", "quiet")]
        case Expired(reason=reason):
            return [Entry("!", f"not done: {reason}", "warn"), Entry("", title, "quiet")]
        case Declined(reason=reason, by=by):
            is_command = view is not None and not isinstance(view.proposal.action, ChangeSet)
            return _declined(f"declined by {whom(by)}: {title}", reason, is_command=is_command)
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


def _committed(receipt: Committed) -> list[Entry]:
    files = plural(len(receipt.files), "file")
    found = [Entry("", f"✓ commit {receipt.commit[:10]} on {receipt.branch}: {receipt.subject} · {files}", "good")]
    return [*found, Entry("!", receipt.note, "warn")] if receipt.note else found


def _ran(receipt: Ran, title: str, *, is_check: bool) -> list[Entry]:
    """A command that ended; of a check the output follows with its verdict."""
    is_good = receipt.exit_code == 0 and not receipt.timed_out
    ended = "timed out" if receipt.timed_out else f"exit {receipt.exit_code}"
    line = f"$ {receipt.command or title} · {ended} · {seconds(receipt.seconds)} · sandbox {receipt.sandbox}"
    return [Entry("", line, "good" if is_good else "bad"), *([] if is_check else _tail(receipt.tail))]


def _declined(said: str, reason: str, *, is_command: bool) -> list[Entry]:
    """A person's no, and what follows from it."""
    if not reason:
        return [Entry("✗", f"{said} · no reason: the step is given up", "warn")]
    follows = "the step is given up" if is_command else "the next draft sees it"
    return [Entry("✗", f"{said} · {reason}", "warn"), Entry("", follows, "quiet")]


def _ended(event: TaskEnded, state: SessionState) -> list[Entry]:
    is_good = event.exit_code == 0
    found = [Entry("done" if is_good else "ended", _ending(event, state), "good" if is_good else "bad")]
    if event.files:
        found.append(Entry("", f"{plural(len(event.files), 'file')}: {', '.join(event.files)}", "quiet"))
        found.append(Entry("undo", "/undo shows what can be put back, and puts it back", "quiet"))
    if event.exit_reason in RESUMABLE:
        found.append(Entry("", "/resume goes on with it", "strong"))
    said = spent(meter_of(state))
    return [*found, Entry("", said, "quiet")] if said else found


def _ending(event: TaskEnded, state: SessionState) -> str:
    """The last word on a task, without repeating what stands above."""
    reason = event.exit_reason.replace("_", " ")
    if event.exit_reason == "interrupted":
        return reason
    message = event.message
    for name, view in state.task.steps.items() if state.task else ():
        refused = _refused(state, name) if view.status in ("denied", "declined") else ""
        if refused and view.why:
            message = message.replace(f"step {name}: {view.why}", f"step {name} was {refused}")
    return message or reason
