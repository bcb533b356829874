"""What stands in a report, piece by piece, before anybody decides how it looks.

Invariant: each task is told in the order it happened; who decided, when, and by which rule stands beside every change.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

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
    FileEdit,
    Held,
    Proposal,
    Ran,
    Receipt,
    Reject,
    ShellCommand,
    Stale,
    Unanswered,
    Unknown,
)
from hybridcode.domain.errors import IntegrityError
from hybridcode.domain.events import (
    BaselineTaken,
    CheckRan,
    CommandChanged,
    DraftRefused,
    EffectFinished,
    Envelope,
    ImportAdded,
    Interrupted,
    ModeChanged,
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
    SessionResumed,
    StepEnded,
    StepMoved,
    StepStarted,
    TaskEnded,
    TaskGiven,
    TaskJudged,
    UndoMade,
    WindowAssembled,
)
from hybridcode.domain.worktree import WorktreeLeft, WorktreeMade
from hybridcode.gate.change_flags import mode_note
from hybridcode.models.ledger import Account, Estimate, Ledger
from hybridcode.patch.hunks import unified
from hybridcode.session.state import SessionState
from hybridcode.session.task_view import TaskView
from hybridcode.session.telling import before, worktree_left, worktree_made

Blob = Callable[[str], bytes]
Kind = Literal["title", "section", "part", "text", "item", "code", "diff", "table", "folded"]


class Block(NamedTuple):
    """A piece of the document. A `table` has rows, the first of them its heads; `folded` has a title and rows."""

    kind: Kind
    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()


def blocks_of(state: SessionState, blob: Blob, ledger: Ledger, estimate: Estimate | None) -> Iterator[Block]:
    """The whole document."""
    yield Block("title", f"Session {state.session}")
    yield from _head(state)
    yield from _costs(ledger, estimate)
    yield from _story(state, blob)
    yield from _egress(state.envelopes, ledger)
    if state.envelopes:
        last = state.envelopes[-1]
        yield Block("section", "Record")
        yield Block("item", f"{last.seq:,} events from {_moment(state.envelopes[0].at)} to {_moment(last.at)}")
        yield Block("item", f"their hash chain ends in {last.hash}")
        yield Block("item", f"hybridcode replay {state.session} --verify rebuilds windows, drafts and changes from it")


def _head(state: SessionState) -> Iterator[Block]:
    if state.opened is not None:
        opened = state.opened
        scripted = " (a script, not a model)" if opened.frontier_is_scripted else ""
        yield Block("item", f"in {opened.workspace}, opened {_moment(state.envelopes[0].at)}")
        yield Block(
            "item", f"frontier {opened.frontier or 'none'}{scripted}, local {opened.local or 'none'}{opened.further}"
        )
        yield Block("item", f"mode {opened.mode}, sandbox {opened.sandbox}, hybridcode {opened.version}")
    if state.forked is not None:
        yield Block("item", f"begins where session {state.forked.origin} stood after {state.forked.task}")


def _costs(ledger: Ledger, estimate: Estimate | None) -> Iterator[Block]:
    yield Block("section", "Cost")
    if not ledger.accounts:
        yield Block("item", "no model was asked anything")
        return
    heads = ("model", "", "role", "calls", "tok in", "tok cached", "tok out", "seconds", "cost")
    rows = [(model, name, role, *_amounts(account)) for (name, model, role), account in sorted(ledger.accounts.items())]
    for name, account in (("frontier", ledger.frontier), ("local", ledger.local)):
        if account.calls:
            rows.append((f"all of {name}", "", "", *_amounts(account)))
    yield Block("table", "", (heads, *rows))
    share = ledger.local_output_share
    if share is not None:
        yield Block("item", f"local share of the output: {share:.0%} (bytes / 4)")
    if estimate is not None:
        who = estimate.baseline or "the frontier"
        yield Block(
            "item", f"all of it by {who}: about ${estimate.usd:.4f} (estimate: the same tokens, {estimate.source})"
        )
    if lost := ledger.frontier.uncounted_calls + ledger.local.uncounted_calls:
        yield Block("item", f"{lost} calls failed or stopped: what they used is not known")


def _amounts(account: Account) -> tuple[str, ...]:
    usd = "unknown" if account.usd is None else f"${account.usd:.4f}"
    counts = (account.calls, account.input_tokens, account.cached_tokens, account.output_tokens)
    return (*(f"{count:,}" for count in counts), f"{account.seconds:,.1f}", usd)


def _story(state: SessionState, blob: Blob) -> Iterator[Block]:
    """Tasks, and what happened in each."""
    views, number = iter(state.tasks), 0
    proposals: dict[str, Proposal] = {}
    for envelope in state.envelopes:
        match envelope.event:
            case TaskGiven() if (view := next(views, None)) is not None:
                number += 1
                yield from _task(number, view, envelope.at)
            case ProposalMade(proposal=proposal):
                proposals[proposal.id] = proposal
                yield from _proposed(proposal, envelope.at, blob)
            case ProposalDecided(proposal=name, decision=decision):
                yield Block("item", _decided(decision, name, proposals.get(name), envelope.at))
            case EffectFinished(proposal=name, receipt=receipt):
                yield from _received(receipt, name, envelope.at)
            case _:
                yield from _happened(envelope)


def _task(number: int, view: TaskView, at: str) -> Iterator[Block]:
    yield Block("section", f"Task {number}" + (" (went back from)" if view.is_forgotten else ""))
    commit = f", on commit {view.task.repo_head}" if view.task.repo_head else ""
    yield Block("item", f"given {_moment(at)}{commit}")
    yield Block("code", view.task.text)


def _happened(envelope: Envelope) -> Iterator[Block]:
    event, at = envelope.event, _moment(envelope.at)
    match event:
        case BaselineTaken():
            yield Block("item", f"{before(event)}, {at}")
        case PlannerChosen(writer=writer, why=why):
            yield Block("item", f"{writer} plans{_after(why)}")
        case RepairAsked(why=why):
            yield Block("item", f"{event.told}, because: {why}")
        case StepMoved(step=step, touches=touches, why=why):
            yield Block("item", f"step {step} is written at {', '.join(touches)} now, {why}")
        case PlanMade(plan=plan, source=source):
            yield Block("part", f"Plan by {source}")
            if plan.answer:
                yield Block("text", plan.answer)
            rows = [(step.id, step.kind, step.writer, ", ".join(step.needs), step.goal) for step in plan.steps]
            if rows:
                yield Block("table", "", (("step", "kind", "writer", "after", "goal"), *rows))
        case PlanDecided(approved=approved, by=by, reason=reason):
            yield Block("item", f"plan {'approved' if approved else 'rejected'} by {by}, {at}{_after(reason)}")
        case StepStarted(step=step):
            yield Block("part", f"Step {step}")
        case RungTaken():
            yield Block("item", f"try {event.attempt}: {event.writer} writes ({event.rung}), because: {event.why}")
        case WindowAssembled():
            title = f"window of step {event.step}, try {event.attempt}: {event.used:,} tok of {event.budget:,}"
            rows = [(one.path, f"{one.start}-{one.end}", one.reason) for one in event.excerpts]
            yield Block("folded", f"{title}, sha256 {event.digest}", (("file", "lines", "reason"), *rows))
        case OutlineMade():
            yield Block("item", f"outline for the plan: {event.used:,} tok of {event.budget:,}, sha256 {event.digest}")
        case ImportAdded(path=path, line=line, why=why):
            yield Block("item", f"{line} added to {path}, {why}")
        case DraftRefused():
            for refusal in event.refusals:
                yield Block("item", f"draft refused: {refusal.reason}")
        case CommandChanged():
            for change in event.changes:
                yield Block("item", f"the command changed {change.path}")
            for what in event.not_captured:
                yield Block("item", f"not covered by undo: {what}")
        case CheckRan():
            where = "in a scratch copy" if event.where == "scratch" else "in the workspace"
            result = "passed" if event.passed else f"failed, exit code {event.exit_code}"
            yield Block("item", f"check {event.command}: {result}, {where}, {event.seconds:.1f} s, {at}")
            if not event.passed and event.tail:
                yield Block("code", without_colours(event.tail).rstrip("\n"))
        case StepEnded(step=step, outcome=outcome, why=why):
            yield Block("item", f"step {step} {outcome}{_after(why)}")
        case TaskJudged(verdict=verdict, reason=reason, model=model):
            yield Block("part", "End")
            yield Block("item", f"judged {verdict}{f' by {model}' if model else ''}{_after(reason)}")
        case TaskEnded():
            message = event.message or event.exit_reason
            yield Block("item", f"ended {at}, exit code {event.exit_code} ({event.exit_reason}): {message}")
            yield from (Block("item", f"changed {path}") for path in event.files)
        case _:
            yield from _beside(envelope)


def _beside(envelope: Envelope) -> Iterator[Block]:
    """What persons and circumstances did."""
    event, at = envelope.event, _moment(envelope.at)
    match event:
        case NoteGiven(text=text, by=by):
            yield Block("item", f"said meanwhile by {by}, {at}:")
            yield Block("text", text)
        case RuleGranted(rule=rule, scope=scope, by=by):
            yield Block("item", f"rule for this {scope} by {by}, {at}: {rule}")
        case ModeChanged(mode=mode, by=by):
            yield Block("item", f"mode {mode}, switched by {by}, {at}")
        case WorktreeMade():
            yield Block("item", worktree_made(event))
        case WorktreeLeft():
            yield Block("item", worktree_left(event))
        case SessionResumed(version=version):
            yield Block("item", f"session resumed {at}, hybridcode {version}")
        case Interrupted(by=by):
            yield Block("item", f"interrupted by {by}, {at}")
        case NoticeGiven(level="warning" | "error" as level, text=text):
            yield Block("item", f"{level}: {text}")
        case UndoMade():
            yield Block("part", f"Undo, {at}")
            yield from (Block("item", f"put back {path}") for path in event.restored)
            yield from (Block("item", f"left {path}{_after(event.why.get(path, ''))}") for path in event.kept)
            yield from (Block("item", f"not covered: {what}") for what in event.not_captured)
        case Rewound(task=task, files=files, conversation=conversation):
            what = [word for word, is_meant in (("files", files), ("conversation", conversation)) if is_meant]
            yield Block("item", f"went back to before {task} ({' and '.join(what)}), {at}")
        case _:
            return


def _proposed(proposal: Proposal, at: str, blob: Blob) -> Iterator[Block]:
    ruling = proposal.ruling
    yield Block("part", f"{proposal.title or proposal.id}")
    yield Block("item", f"proposal {proposal.id}, {_moment(at)}, sha256 {proposal.digest}")
    if proposal.writer:
        yield Block("item", f"written by {proposal.writer}")
    yield Block("item", f"policy: {ruling.verdict} by rule {ruling.rule} ({ruling.source}){_after(ruling.reason)}")
    if ruling.flags:
        yield Block("item", f"flags: {', '.join(ruling.flags)}")
    for note in proposal.notes:
        yield Block("item", f"note: {note}")
    if proposal.proven_by:
        yield Block("item", f"proven: {proposal.proven_by} passed on exactly these bytes")
    if proposal.model_says:
        yield Block("item", "the model says (not checked):")
        yield Block("text", proposal.model_says)
    if isinstance(proposal.action, ChangeSet):
        for edit in proposal.action.edits:
            yield Block("diff", _diff(edit, blob))
            if note := mode_note(edit):
                yield Block("item", note)
    elif isinstance(proposal.action, ShellCommand):
        yield Block("code", f"$ {proposal.action.text}")


def _decided(decision: Approve | Reject | Amend | Unanswered, name: str, proposal: Proposal | None, at: str) -> str:
    rule = f", rule {proposal.ruling.rule}" if proposal is not None else ""
    match decision:
        case Approve(by=by, digest=digest):
            return f"{name} approved by {by}, {_moment(at)}{rule}, for sha256 {digest}"
        case Reject(by=by, reason=reason):
            return f"{name} rejected by {by}, {_moment(at)}{rule}{_after(reason)}"
        case Amend(by=by, reason=reason):
            return f"{name} edited by {by}, {_moment(at)}; what came of it is a proposal of its own{_after(reason)}"
        case Unanswered(reason=reason):
            return f"{name} not answered, {_moment(at)}{_after(reason)}"


def _received(receipt: Receipt, name: str, at: str) -> Iterator[Block]:
    match receipt:
        case Applied(edits=edits, already=already):
            how = "held the bytes already" if already else "applied"
            yield Block("item", f"{name} {how}, {_moment(at)}: {', '.join(edit.path for edit in edits)}")
        case Ran():
            ended = "timed out" if receipt.timed_out else f"exit code {receipt.exit_code}"
            yield Block("item", f"{name} ran, {ended} after {receipt.seconds:.1f} s, sandbox {receipt.sandbox}")
            yield Block("code", f"$ {receipt.command}\n{without_colours(receipt.tail)}".rstrip("\n"))
        case Committed(commit=commit, branch=branch, subject=subject, files=files):
            yield Block("item", f"{name} commit {commit} on {branch}, {_moment(at)}: {subject} ({', '.join(files)})")
        case Stale(paths=paths):
            yield Block("item", f"{name} not applied, changed meanwhile: {', '.join(paths)}")
        case Held():
            yield Block("item", f"{name} waits for an answer")
        case Denied(reason=reason, rule=rule):
            yield Block("item", f"{name} denied by rule {rule}{_after(reason)}")
        case Declined(reason=reason, by=by):
            yield Block("item", f"{name} declined by {by}{_after(reason)}")
        case Expired(reason=reason) | Failed(reason=reason) | Unknown(reason=reason):
            yield Block("item", f"{name} {type(receipt).__name__.lower()}{_after(reason)}")


def _egress(envelopes: Sequence[Envelope], ledger: Ledger) -> Iterator[Block]:
    yield Block("section", "What left this machine")
    sent = ledger.egress_json()
    if not ledger.remote_calls:
        yield Block("item", "nothing")
        return
    tokens = f"{sent['input_tokens']:,} tok in, {sent['output_tokens']:,} tok out"
    yield Block("item", f"{ledger.bytes_sent:,} bytes in {ledger.remote_calls} requests to {', '.join(sent['hosts'])}")
    yield Block("item", f"{tokens}; {ledger.redactions} secrets were taken out before")
    heads = ("time", "host", "model", "role", "bytes", "taken out", "withheld", "files", "sha256 of the request")
    rows = [
        (
            _moment(one.at),
            (one.event.host or "") + (f" via {one.event.via}" if one.event.via else ""),
            one.event.model,
            one.event.role,
            f"{one.event.prompt_bytes:,}",
            f"{one.event.redactions}",
            f"{one.event.withheld}",
            "\n".join(one.event.files),
            one.event.prompt_sha256,
        )
        for one in envelopes
        if isinstance(one.event, ModelAsked) and one.event.is_remote
    ]
    yield Block("table", "", (heads, *rows))


def _diff(edit: FileEdit, blob: Blob) -> str:
    try:
        before = blob(edit.before_sha256) if edit.before_sha256 else None
        after = blob(edit.after_sha256) if edit.after_sha256 else None
    except IntegrityError as error:
        return f"{edit.path}: {error.message}"
    if b"\0" in (before or b"") + (after or b""):
        return f"{edit.path}: binary, {len(before or b''):,} to {len(after or b''):,} bytes"
    return unified(edit.path, before, after).rstrip("\n")


def _after(text: str) -> str:
    return f": {text}" if text else ""


def _moment(at: str) -> str:
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M:%S} UTC" if at else ""
