"""What a headless run prints while it goes: text for people on stderr, or the stored envelopes as JSON lines.

Invariant: an envelope is on disk before it is printed; every foreign string is made visible first.
"""

import json
from collections.abc import Callable, Sequence

from hybridcode.cli.console import json_line, say, shown
from hybridcode.domain.action import (
    Applied,
    ChangeSet,
    Committed,
    Declined,
    Denied,
    Expired,
    Failed,
    GitCommit,
    Held,
    Proposal,
    Ran,
    ShellCommand,
    Stale,
    Unknown,
)
from hybridcode.domain.asked import FailureReproduced, QuestionAnswered, TaskQuestioned
from hybridcode.domain.canonical import canonical_json
from hybridcode.domain.events import (
    BaselineTaken,
    CheckRan,
    CommandChanged,
    DraftRefused,
    EffectFinished,
    Envelope,
    ImportAdded,
    NoticeGiven,
    PlanMade,
    PlannerChosen,
    ProposalMade,
    RepairAsked,
    RungTaken,
    SessionOpened,
    StepEnded,
    StepMoved,
    StepStarted,
    TaskJudged,
)
from hybridcode.domain.plan import Step
from hybridcode.domain.worktree import WorktreeLeft, WorktreeMade
from hybridcode.gate.change_flags import mode_note
from hybridcode.gate.reach import network_words, sandbox_words
from hybridcode.patch.hunks import unified
from hybridcode.session.telling import asked, before, reproduced, worktree_left, worktree_made

COLOURS = {"info": None, "warning": "yellow", "error": "red"}
TAIL_LINES = 12


def stream_json(envelope: Envelope) -> None:
    """Print an envelope as it stands in the journal."""
    json_line(canonical_json(envelope))


class TextPrinter:
    """Tells a run's story in plain lines."""

    def __init__(self, get_blob: Callable[[str], bytes]) -> None:
        self._get_blob = get_blob
        self._steps: dict[str, Step] = {}

    def __call__(self, envelope: Envelope) -> None:
        """Print what an envelope says, if a person wants to know it."""
        match envelope.event:
            case SessionOpened() as opened:
                self._opened(envelope.session, opened)
            case NoticeGiven(level=level, text=text, hint=hint):
                say(f"{level}: {shown(text)}{' ' + shown(hint) if hint else ''}", colour=COLOURS[level])
            case BaselineTaken() as baseline:
                say(shown(before(baseline)), dim=True)
            case PlannerChosen(writer=writer, why=why):
                say(f"{writer} plans: {shown(why)}", dim=True)
            case RepairAsked(why=why) as again:
                say(f"{again.told}: {shown(why)}", colour=COLOURS["warning"])
            case StepMoved(step=step, touches=touches, why=why):
                say(f"step {step} is written at {shown(', '.join(touches))} now, {shown(why)}", dim=True)
            case PlanMade(plan=plan, source=source):
                self._plan(plan.steps, source, plan.answer)
            case StepStarted(step=step):
                self._step(step)
            case RungTaken(writer=writer, attempt=attempt, why=why) if attempt > 1:
                say(f"  try {attempt}, {writer}: {shown(why)}", colour="yellow")
            case ImportAdded(path=path, line=line, why=why):
                say(f"  {shown(line)} added to {shown(path)}, {shown(why)}", dim=True)
            case DraftRefused(refusals=refusals):
                for refusal in refusals:
                    say(f"  refused: {shown(refusal.reason)}", colour="yellow")
            case ProposalMade(proposal=proposal):
                print_proposal(proposal, self._get_blob)
            case CommandChanged(changes=changes, not_captured=missed):
                _print_some([f"it changed {change.path}" for change in changes])
                _print_some([f"not covered by undo: {what}" for what in missed])
            case EffectFinished(proposal=name, receipt=receipt):
                self._receipt(name, receipt)
            case CheckRan() as check:
                self._check(check)
            case StepEnded(step=step, outcome=outcome, why=why) if outcome != "done":
                say(shown(f"  step {step} {outcome}: {why}"), colour="red")
            case WorktreeMade() as made:
                say(shown(worktree_made(made)))
            case WorktreeLeft() as left:
                say(shown(worktree_left(left)), bold=True)
            case TaskQuestioned(questions=questions):
                for question in questions:
                    say(shown(f"question: {asked(question)}"), colour="yellow")
            case QuestionAnswered(answer=answer):
                say(shown(f"answer: {answer}"))
            case FailureReproduced() as failure:
                say(shown(f"  {reproduced(failure)}"), colour="green")
            case TaskJudged(verdict=verdict, reason=reason):
                say(shown(f"judge: {verdict}{'. ' + reason if reason else ''}"))
            case _:
                pass

    def _opened(self, session: str, event: SessionOpened) -> None:
        frontier = f"{event.frontier or 'none'}{' (a script, not a model)' if event.frontier_is_scripted else ''}"
        models = f"frontier {frontier}  local {event.local or 'none'}{event.further}"
        say(shown(f"session {session}  {models}  sandbox {event.sandbox}"), dim=True)

    def _plan(self, steps: tuple[Step, ...], source: str, answer: str) -> None:
        self._steps = {step.id: step for step in steps}
        if steps:
            say(f"plan ({source}, {len(steps)} steps)", bold=True)
        for step in steps:
            after = f"  after {', '.join(step.needs)}" if step.needs else ""
            say(shown(f"  {step.id:<10} {step.kind:<8} {step.goal}{after}"))

    def _step(self, name: str) -> None:
        step = self._steps.get(name)
        say(shown(f"step {name}: {step.goal if step else ''}"), bold=True)

    def _receipt(self, name: str, receipt: object) -> None:
        match receipt:
            case Applied(edits=edits):
                say(f"  applied {name}: {', '.join(shown(edit.path) for edit in edits)}", colour="green")
            case Ran(exit_code=code, seconds=seconds, sandbox=sandbox, tail=tail):
                say(
                    f"  exit code {code} after {seconds:.1f} s, sandbox {sandbox}",
                    colour="green" if code == 0 else "red",
                )
                if code:
                    _print_tail(tail)
            case Committed(commit=commit, branch=branch, subject=subject, note=note):
                say(shown(f"  commit {commit[:10]} on {branch}: {subject}"), colour="green")
                if note:
                    say(shown(f"  note: {note}"), colour="yellow")
            case Denied(reason=reason, rule=rule, hint=hint):
                say(shown(f"  denied {name}: {reason} (rule {rule}) {hint}").rstrip(), colour="red")
            case Held(proposal=proposal):
                say(f"  waits for approval: hybridcode approvals approve {proposal}", colour="yellow")
            case Declined(reason=reason, by=by):
                say(f"  declined by {by}: {shown(reason)}", colour="yellow")
            case Stale(paths=paths):
                say(f"  not applied, changed meanwhile: {', '.join(shown(path) for path in paths)}", colour="yellow")
            case Expired(reason=reason):
                say(f"  not done {name}: {shown(reason)}", colour="yellow")
            case Unknown(reason=reason):
                say(f"  unknown {name}, check: {shown(reason)}", colour="red")
            case Failed(reason=reason):
                say(f"  failed {name}: {shown(reason)}", colour="red")
            case _:
                pass

    def _check(self, check: CheckRan) -> None:
        word = "passed" if check.passed else f"failed with exit code {check.exit_code}"
        where = " in a scratch copy" if check.where == "scratch" else ""
        say(f"  check {word}{where}: {shown(check.command)}", colour="green" if check.passed else "red")
        if not check.passed and check.where == "scratch":
            say("  the draft is not applied", dim=True)


def print_proposal(proposal: Proposal, get_blob: Callable[[str], bytes]) -> None:
    """Print exactly what a proposal would do."""
    action = proposal.action
    if isinstance(action, ChangeSet):
        say(shown(f"  {proposal.id}  {proposal.writer}"), dim=True)
        for edit in action.edits:
            before = get_blob(edit.before_sha256) if edit.before_sha256 else None
            after = get_blob(edit.after_sha256) if edit.after_sha256 else None
            _print_diff(unified(edit.path, before, after))
            if note := mode_note(edit):
                say(f"  note: {shown(note)}", colour="yellow")
    elif isinstance(action, ShellCommand):
        say(f"  {proposal.id}  $ {shown(action.text)}")
    elif isinstance(action, GitCommit):
        _print_commit(proposal.id, action)
    else:
        say(f"  {proposal.id}  $ {shown(proposal.title)}")
    if proposal.proven_by:
        say(f"  proven: `{shown(proposal.proven_by)}` passed on exactly these bytes", colour="green")
    for note in proposal.notes:
        say(f"  note: {shown(note)}", colour="yellow")


def _print_commit(name: str, commit: GitCommit) -> None:
    new = ", a new branch that HEAD moves to" if commit.makes_branch else ""
    say(shown(f"  {name}  commit to {commit.branch}{new}, on {commit.parent[:12] or 'nothing'}, by {commit.author}"))
    for line in commit.message.rstrip().split("\n"):
        say(f"    {shown(line)}")
    for file in commit.files:
        say(shown(f"  {'removes' if file.sha256 is None else 'holds'} {file.path}"))


def print_grounds(proposal: Proposal, *, flags: Sequence[str], sandbox: tuple[str, Sequence[str]]) -> None:
    """Print what a command may reach, why a proposal is asked about, what must be pointed at, what the model says.

    `sandbox` is the kind that its session uses, and what that one does not enforce.
    """
    ruling, action = proposal.ruling, proposal.action
    if isinstance(action, ShellCommand):
        _print_reach(action, sandbox)
    say(shown(f"  {ruling.verdict} by rule {ruling.rule} ({ruling.source}): {ruling.reason}"))
    if ruling.person_only:
        say("  only a person may say yes, each time", colour="yellow")
    if flags:
        say(shown(f"  flags: {', '.join(flags)}"), colour="red")
    if proposal.model_says:
        say("  the model says (not checked):", dim=True)
        for line in proposal.model_says.splitlines():
            say(f"    | {shown(line)}", dim=True)


def _print_reach(command: ShellCommand, sandbox: tuple[str, Sequence[str]]) -> None:
    kind, unenforced = sandbox
    say(f"  sandbox  {sandbox_words(kind, unenforced)}")
    say(f"  network  {network_words(kind, network=command.network)}")
    say(
        shown(f"  folder   {'the workspace' if command.cwd == '.' else command.cwd}, at most {command.timeout_s:.0f} s")
    )
    say(shown(f"  runs by  {'bash, as a script' if command.script else 'no shell: ' + json.dumps(command.argv)}"))
    say(shown(f"  sees     {len(command.env_names)} variables: {' '.join(command.env_names)}"), dim=True)


def _print_diff(text: str) -> None:
    for line in text.splitlines():
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        say(f"    {shown(line)}", colour=colour)


def _print_some(lines: list[str]) -> None:
    for line in lines[:TAIL_LINES]:
        say(f"  {shown(line)}", dim=True)
    if len(lines) > TAIL_LINES:
        say(f"  [{len(lines) - TAIL_LINES} more; hybridcode sessions show --json has them]", dim=True)


def _print_tail(tail: str) -> None:
    lines = tail.splitlines()
    if len(lines) > TAIL_LINES:
        say(f"    [{len(lines) - TAIL_LINES} more lines; hybridcode sessions show has them]", dim=True)
    for line in lines[-TAIL_LINES:]:
        say(f"    {shown(line)}")
