"""Events as entries of the transcript: what a person reads while it happens and afterwards.

Invariant: pure; the same events give the same entries, live or resumed.
"""

from typing import assert_never

from hybridcode.domain.action import Declined, Denied
from hybridcode.domain.asked import FailureReproduced, QuestionAnswered, TaskQuestioned
from hybridcode.domain.events import (
    BaselineTaken,
    CheckRan,
    CommandChanged,
    DraftRefused,
    EffectFinished,
    Event,
    ImportAdded,
    Interrupted,
    ModeChanged,
    ModelAnswered,
    NoteGiven,
    NoticeGiven,
    PlanDecided,
    PlanMade,
    PlannerChosen,
    PlanRevised,
    ProposalDecided,
    ProposalMade,
    RepairAsked,
    Rewound,
    RuleGranted,
    RuleWithdrawn,
    RungTaken,
    SessionForked,
    SessionResumed,
    StepEnded,
    StepMoved,
    StepStarted,
    TaskEnded,
    TaskGiven,
    TaskJudged,
    TaskResumed,
    UndoMade,
    WindowAssembled,
)
from hybridcode.domain.worktree import WorktreeLeft, WorktreeMade
from hybridcode.session.state import SessionState
from hybridcode.session.task_view import RESUMABLE
from hybridcode.session.telling import told, worktree_left, worktree_made
from hybridcode.tui.amounts import plural, seconds, tokens
from hybridcode.tui.conversation import whom
from hybridcode.tui.entry import Entry, Fold, Tone
from hybridcode.tui.meter import meter_of, spent
from hybridcode.tui.modes import mode_told
from hybridcode.tui.paint import clip
from hybridcode.tui.story_effects import output_tail, told_of_proposal
from hybridcode.tui.waiting import waiting_answer, waiting_plan, waiting_proposals

_LEVELS: dict[str, Tone] = {"info": "quiet", "warning": "warn", "error": "bad"}

TRACES = 6
"""Paths that a command changed and that one entry names."""
PROMPT_LINES = 12
"""Lines of a task that stand while it is folded."""
ANSWER_LINES = 40
"""The same of an answer."""
RATIONALE_LINES = 8
"""The same of the reasons of a plan."""

_WHAT_NOW = {
    "verification_failed": "what was written stays: /diff shows it, /undo puts it back, another task can go on from it",
    "denied": "the rule is named above; `hybridcode policy explain` says what came of each rule",
    "limit": "`hybridcode config show --origin` says where the limit is set",
    "model_unavailable": "`hybridcode doctor` looks at the models",
    "integrity": "`hybridcode audit verify` says which record does not fit",
    "internal": "this is a fault of the program: /export writes the record that a report needs",
}
"""Exit reason -> what a person can do about it."""


def entries(event: Event, state: SessionState) -> list[Entry]:
    """What an event adds to the transcript. `state` has taken it in already."""
    match event:
        case TaskGiven(task=task):
            gap = [Entry("", "")] if len(state.tasks) > 1 else []
            return [*gap, Entry("you", task.text, "strong", fold=Fold(first=PROMPT_LINES))]
        case NoticeGiven():
            return _notice(event)
        case ImportAdded(path=path, line=line, why=why):
            return [Entry("import", f"{line} added to {path}, {why}", "quiet")]
        case NoteGiven(text=text):
            return [Entry("steer", text, "strong"), Entry("", "the next request to a model holds it", "quiet")]
        case PlannerChosen() | PlanMade() | PlanDecided() | PlanRevised() | RepairAsked() | StepMoved():
            return _planned(event)
        case StepStarted() | RungTaken() | WindowAssembled() | DraftRefused() | StepEnded() | CheckRan():
            return _step(event, state)
        case ProposalMade() | ProposalDecided() | EffectFinished():
            return told_of_proposal(event, state)
        case ModelAnswered(error=error) if error:
            return [Entry("!", f"the model did not answer: {error}", "warn")]
        case TaskJudged(verdict=verdict, reason=reason) if verdict != "skipped":
            return [Entry("judge", f"{verdict}: {reason}", "good" if verdict == "good" else "warn", "markdown")]
        case TaskQuestioned() | QuestionAnswered() | FailureReproduced() | BaselineTaken():
            return [Entry(*line) for line in told(event)]
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
        case WorktreeMade():
            return [Entry("git", worktree_made(event), "quiet")]
        case WorktreeLeft():
            return [Entry("git", worktree_left(event), "strong")]
        case ModeChanged():
            return [Entry("mode", mode_told(event), "quiet")]
        case RuleGranted(rule=rule, by=by):
            return [Entry("", f"allowed from now on by {whom(by)}: {rule}", "quiet")]
        case RuleWithdrawn(rule=rule, by=by):
            return [Entry("", f"asked again from now on, by {whom(by)}: {rule}", "quiet")]
        case UndoMade():
            return _undone(event)
        case SessionForked(origin=origin, title=title):
            return [Entry("fork", f"of session {origin}: {clip(title, 60)}", "quiet")]
        case Rewound():
            return _rewound(event, state)
        case _:
            return []


def _planned(
    event: PlannerChosen | PlanMade | PlanDecided | PlanRevised | RepairAsked | StepMoved,
) -> list[Entry]:
    match event:
        case PlannerChosen(writer=writer, why=why):
            return [Entry("", f"{writer} model plans · why: {why}", "quiet")]
        case PlanMade():
            return _plan(event)
        case PlanDecided(approved=False):
            return [Entry("plan", "not followed: nothing was changed", "warn")]
        case PlanDecided():
            return [Entry("plan", "approved", "quiet")]
        case PlanRevised(step=step, dropped=dropped):
            return [Entry("plan", f"{step} was declined; asking what to do in place of {', '.join(dropped)}", "quiet")]
        case RepairAsked(why=why):
            return [Entry("plan", f"{event.told}: {why}", "warn")]
        case StepMoved(step=step, touches=touches, why=why):
            return [Entry("plan", f"{step} is written at {', '.join(touches)} now, {why}", "quiet")]
        case _:
            assert_never(event)


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


def _opened_again(state: SessionState) -> list[Entry]:
    found = [Entry("", "opened again", "quiet")]
    if state.task is not None and state.task.is_open:
        goes_on = "Ctrl+Y shows what the planner asks" if waiting_answer(state) else "/resume goes on"
        found.append(Entry("!", f"this task stopped: {goes_on}", "warn"))
    return found


def _notice(event: NoticeGiven) -> list[Entry]:
    tone = _LEVELS[event.level]
    found = [Entry("!" if event.level != "info" else "·", event.text, tone)]
    return [*found, Entry("", event.hint, "quiet")] if event.hint else found


def _plan(event: PlanMade) -> list[Entry]:
    plan = event.plan
    if plan.answer and not plan.steps:
        return [Entry("answer", plan.answer, form="markdown", fold=Fold(first=ANSWER_LINES))]
    files = {region.path for step in plan.steps for region in step.regions}
    facts = [plural(len(plan.steps), "step"), plural(len(files), "file")]
    checks = dict.fromkeys(check for check in (*(step.check for step in plan.steps), plan.check) if check)
    facts += [f"checks: {', '.join(checks)}"] if checks else ["no check"]
    found = [Entry("plan", " · ".join([*facts, f"by {whom(event.source)}"]))]
    why = Entry("", plan.rationale, "quiet", "markdown", Fold(first=RATIONALE_LINES))
    return [*found, why] if plan.rationale else found


def _step(
    event: StepStarted | RungTaken | WindowAssembled | DraftRefused | StepEnded | CheckRan, state: SessionState
) -> list[Entry]:
    view = state.task.steps.get(event.step or "") if state.task else None
    match event:
        case StepStarted(step=step, ahead_of=ahead_of):
            touched = [Entry("", ", ".join(view.step.touches), "quiet")] if view and view.step.touches else []
            ahead = [Entry("", f"drafted ahead: {', '.join(ahead_of)} not settled yet", "quiet")] if ahead_of else []
            return [Entry(f"● {step}", view.step.goal if view else step), *touched, *ahead]
        case RungTaken(writer=writer, attempt=attempt, why=why):
            reason = f" · why: {why}" if _says_more(why, writer) else ""
            return [Entry("", f"{writer}, try {attempt}{reason}", "quiet")]
        case WindowAssembled(used=used, budget=budget, digest=digest, excerpts=excerpts):
            share = f"window {tokens(used)} of {budget:,} · {plural(len(excerpts), 'excerpt')}" if budget else ""
            facts = " · ".join(part for part in (share, f"sha {digest[:8]}") if part)
            chosen = [f"  {one.path} {one.start}-{one.end} · {one.reason}" for one in excerpts]
            return [Entry("", "\n".join([facts, *chosen]), "quiet", fold=Fold(is_summed_up=True))]
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
    return [Entry("", said, "bad"), *output_tail(event.tail)]


def _ended(event: TaskEnded, state: SessionState) -> list[Entry]:
    is_good = event.exit_code == 0
    found = [Entry("done" if is_good else "ended", _ending(event, state), "good" if is_good else "bad")]
    if event.files:
        found.append(Entry("", f"{plural(len(event.files), 'file')}: {', '.join(event.files)}", "quiet"))
        found.append(Entry("undo", "/undo shows what can be put back, and puts it back", "quiet"))
    if what_now := _WHAT_NOW.get(event.exit_reason):
        found.append(Entry("", what_now, "quiet"))
    if waiting_answer(state) is not None:
        found.append(Entry("", "Ctrl+Y shows the question; what you write next answers it too", "strong"))
    elif event.exit_reason in RESUMABLE:
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
