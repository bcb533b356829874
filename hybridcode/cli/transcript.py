"""A session as plain lines, in the order it happened: what was asked, answered, shown, decided and done.

Invariant: a fold of single envelopes and their blobs; nothing is left out of a diff, a draft or an answer without
saying how much.
"""

from collections.abc import Callable, Iterator

from hybridcode.agent.distil import without_colours
from hybridcode.domain.action import (
    Amend,
    Applied,
    Approve,
    ChangeSet,
    Committed,
    Declined,
    Denied,
    Expired,
    Failed,
    Held,
    Ran,
    Receipt,
    Reject,
    Stale,
    Unanswered,
    Unknown,
)
from hybridcode.domain.errors import IntegrityError
from hybridcode.domain.events import (
    BaselineTaken,
    CheckRan,
    CommandChanged,
    DraftMade,
    DraftRefused,
    DraftRuled,
    EffectFinished,
    Envelope,
    Event,
    ImportAdded,
    Interrupted,
    ModeChanged,
    ModelAnswered,
    ModelAsked,
    NoteGiven,
    NoticeGiven,
    OutlineMade,
    PlanDecided,
    PlanMade,
    PlannerChosen,
    ProposalDecided,
    ProposalMade,
    RepairAsked,
    Rewound,
    RuleGranted,
    RungTaken,
    SessionForked,
    SessionOpened,
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
from hybridcode.patch.hunks import unified
from hybridcode.session.telling import before, worktree_left, worktree_made

Blob = Callable[[str], bytes]


def transcript(envelope: Envelope, blob: Blob) -> Iterator[str]:
    """The lines of one envelope; none for what another one tells."""
    lines = iter(_lines(envelope.event, blob))
    first = next(lines, None)
    if first is None:
        return
    yield f"{envelope.seq:>5}  {envelope.at[:10]} {envelope.at[11:19]}  {first}"
    yield from (f"       {line}" for line in lines)


def _lines(event: Event, blob: Blob) -> Iterator[str]:
    match event:
        case ModelAsked() | ModelAnswered() | OutlineMade() | WindowAssembled() | DraftMade() | DraftRefused():
            yield from _of_models(event, blob)
        case PlanMade() | PlanDecided() | StepStarted() | RungTaken() | StepEnded() | CheckRan() | TaskJudged():
            yield from _of_steps(event)
        case ProposalMade() | ProposalDecided() | EffectFinished() | CommandChanged() | UndoMade():
            yield from _of_changes(event, blob)
        case _:
            yield from _of_session(event)


def _of_session(event: Event) -> Iterator[str]:
    match event:
        case SessionOpened():
            scripted = " (a script, not a model)" if event.frontier_is_scripted else ""
            yield f"session opened in {event.workspace}, hybridcode {event.version}"
            yield f"frontier {event.frontier or 'none'}{scripted}, local {event.local or 'none'}{event.further}"
            yield f"mode {event.mode}, sandbox {event.sandbox}"
        case SessionForked(origin=origin, task=task):
            yield f"begins where session {origin} stood after {task}"
        case WorktreeMade():
            yield worktree_made(event)
        case WorktreeLeft():
            yield worktree_left(event)
        case SessionResumed(version=version):
            yield f"session resumed, hybridcode {version}"
        case TaskGiven(task=task, tree_digest=tree):
            yield f"task {task.id}, on tree {tree[:12]}" + (f", commit {task.repo_head[:12]}" if task.repo_head else "")
            yield from task.text.split("\n")
        case TaskResumed(task=task):
            yield f"task {task} goes on"
        case NoticeGiven(level=level, text=text, hint=hint):
            yield f"{level}: {text}{' ' + hint if hint else ''}"
        case NoteGiven(text=text, by=by):
            yield f"said meanwhile by {by}"
            yield from text.split("\n")
        case BaselineTaken():
            yield before(event)
        case PlannerChosen(writer=writer, why=why):
            yield f"{writer} plans: {why}"
        case RepairAsked(why=why):
            yield f"{event.told}: {why}"
        case DraftRuled():
            yield f"step {event.step}, try {event.attempt}: no model is asked, the step names what goes"
        case ImportAdded(step=step, path=path, line=line, why=why):
            yield f"step {step}: {line} added to {path}, {why}"
        case StepMoved(step=step, touches=touches, why=why):
            yield f"step {step} is written at {', '.join(touches)} now, {why}"
        case ModeChanged(mode=mode, by=by):
            yield f"mode {mode}, switched by {by}"
        case RuleGranted(rule=rule, scope=scope, by=by):
            yield f"rule for this {scope} by {by}: {rule}"
        case Interrupted(by=by):
            yield f"interrupted by {by}"
        case Rewound(task=task, files=files, conversation=conversation):
            what = " and ".join(
                word for word, is_meant in (("files", files), ("conversation", conversation)) if is_meant
            )
            yield f"went back to before {task}: {what or 'nothing'}"
        case TaskEnded():
            yield f"task ended, exit code {event.exit_code} ({event.exit_reason}): {event.message}"
            yield from (f"changed {path}" for path in event.files)
        case _:
            return


def _of_models(
    event: ModelAsked | ModelAnswered | OutlineMade | WindowAssembled | DraftMade | DraftRefused, blob: Blob
) -> Iterator[str]:
    match event:
        case OutlineMade():
            yield f"outline for the plan, {event.used:,} tok of {event.budget:,}, sha256 {event.digest[:12]}"
        case WindowAssembled():
            yield (
                f"window of step {event.step}, try {event.attempt}, {event.used:,} tok of {event.budget:,}, "
                f"sha256 {event.digest[:12]}"
            )
            for excerpt in event.excerpts:
                yield f"{excerpt.path}, lines {excerpt.start}-{excerpt.end} ({excerpt.reason})"
        case ModelAsked():
            where = f"left this machine for {event.host}" if event.is_remote else "stayed here"
            yield f"{event.call_id}: {event.role} asked of {event.model}, {event.prompt_bytes:,} bytes, {where}"
        case ModelAnswered():
            yield f"{event.call_id}: {_usage(event)}"
            if event.error:
                yield f"failed: {event.error}"
            yield from _quoted(event.answer_sha256, blob)
        case DraftMade():
            yield f"draft of step {event.step}, try {event.attempt}, by {event.model}"
        case DraftRefused():
            yield f"draft of step {event.step}, try {event.attempt}, refused"
            for refusal in event.refusals:
                yield f"{refusal.reason}. {refusal.advice}".strip()
                yield from (f"| {line}" for line in refusal.near.splitlines())


def _usage(event: ModelAnswered) -> str:
    usage, timing = event.usage, event.timing
    cost = "" if event.cost_usd is None else f", ${event.cost_usd:.4f}"
    cached = f" ({usage.cached_tokens:,} reused)" if usage.cached_tokens else ""
    return (
        f"answered ({event.finish}), {usage.input_tokens:,} tok in{cached}, {usage.output_tokens:,} tok out, "
        f"{timing.total_s:.1f} s{cost}"
    )


def _quoted(sha256: str, blob: Blob) -> Iterator[str]:
    try:
        text = blob(sha256).decode("utf-8", "replace")
    except IntegrityError as error:
        yield error.message
        return
    yield from (f"| {line}" for line in text.splitlines())


def _of_steps(
    event: PlanMade | PlanDecided | StepStarted | RungTaken | StepEnded | CheckRan | TaskJudged,
) -> Iterator[str]:
    match event:
        case PlanMade(plan=plan, source=source):
            count = len(plan.steps)
            yield f"plan by {source}, {count} {'step' if count == 1 else 'steps'}"
            yield from plan.answer.splitlines()
            for step in plan.steps:
                after = f", after {', '.join(step.needs)}" if step.needs else ""
                yield f"{step.id} ({step.kind}, {step.writer}{after}): {step.goal}"
        case PlanDecided(approved=approved, by=by, reason=reason):
            yield f"plan {'approved' if approved else 'rejected'} by {by}{': ' + reason if reason else ''}"
        case StepStarted(step=step):
            yield f"step {step} begins"
        case RungTaken():
            yield f"step {event.step}, try {event.attempt} by {event.writer} ({event.rung}): {event.why}"
        case StepEnded(step=step, outcome=outcome, why=why):
            yield f"step {step} {outcome}{': ' + why if why else ''}"
        case CheckRan():
            where = "in a scratch copy" if event.where == "scratch" else "in the workspace"
            result = "passed" if event.passed else f"failed, exit code {event.exit_code}"
            yield f"check {result} {where} after {event.seconds:.1f} s: {event.command}"
            yield from (f"| {line}" for line in without_colours(event.tail).splitlines())
        case TaskJudged(verdict=verdict, reason=reason):
            yield f"judge: {verdict}{'. ' + reason if reason else ''}"


def _of_changes(
    event: ProposalMade | ProposalDecided | EffectFinished | CommandChanged | UndoMade, blob: Blob
) -> Iterator[str]:
    match event:
        case ProposalMade(proposal=proposal):
            ruling = proposal.ruling
            yield f"proposal {proposal.id}: {proposal.title}"
            yield f"{ruling.verdict} by rule {ruling.rule} ({ruling.source}): {ruling.reason}"
            yield from (f"note: {note}" for note in proposal.notes)
            if isinstance(proposal.action, ChangeSet):
                for edit in proposal.action.edits:
                    yield from _diff(edit.path, edit.before_sha256, edit.after_sha256, blob)
        case ProposalDecided(proposal=name, decision=decision):
            match decision:
                case Approve(by=by):
                    yield f"{name} approved by {by}"
                case Reject(reason=reason, by=by):
                    yield f"{name} rejected by {by}{': ' + reason if reason else ''}"
                case Amend(by=by, reason=reason):
                    yield f"{name} edited by {by}{': ' + reason if reason else ''}"
                case Unanswered(reason=reason):
                    yield f"{name} not answered: {reason}"
        case EffectFinished(proposal=name, receipt=receipt):
            yield from _receipt(name, receipt)
        case CommandChanged():
            yield f"{event.proposal} changed {len(event.changes)} files"
            yield from (change.path for change in event.changes)
            yield from (f"not covered by undo: {what}" for what in event.not_captured)
        case UndoMade():
            yield f"undo: {len(event.restored)} files put back, {len(event.kept)} left"
            yield from (f"put back {path}" for path in event.restored)
            yield from (f"left {path}: {event.why.get(path, '')}" for path in event.kept)


def _receipt(name: str, receipt: Receipt) -> Iterator[str]:
    match receipt:
        case Applied(edits=edits):
            yield f"{name} applied: {', '.join(edit.path for edit in edits)}"
        case Ran():
            ended = f"exit code {receipt.exit_code} after {receipt.seconds:.1f} s, sandbox {receipt.sandbox}"
            yield f"{name} ran, {ended}: {receipt.command}"
            yield from (f"| {line}" for line in without_colours(receipt.tail).splitlines())
        case Committed(commit=commit, branch=branch, subject=subject):
            yield f"{name} commit {commit} on {branch}: {subject}"
        case Stale(paths=paths):
            yield f"{name} not applied, changed meanwhile: {', '.join(paths)}"
        case Held():
            yield f"{name} waits for an answer"
        case Denied(reason=reason, rule=rule):
            yield f"{name} denied: {reason} (rule {rule})"
        case Declined(reason=reason, by=by):
            yield f"{name} declined by {by}{': ' + reason if reason else ''}"
        case Expired(reason=reason) | Failed(reason=reason) | Unknown(reason=reason):
            yield f"{name} {type(receipt).__name__.lower()}: {reason}"


def _diff(path: str, before: str | None, after: str | None, blob: Blob) -> Iterator[str]:
    try:
        text = unified(path, blob(before) if before else None, blob(after) if after else None)
    except IntegrityError as error:
        yield f"{path}: {error.message}"
        return
    yield from text.splitlines()
