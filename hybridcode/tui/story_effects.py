"""What became of proposals, as entries of the transcript.

Invariant: pure; who decided is told with the decision, and of an output everything that the record has.
"""

from typing import assert_never

from hybridcode.agent.distil import without_colours
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
from hybridcode.domain.events import EffectFinished, ProposalDecided, ProposalMade
from hybridcode.domain.own import is_own, waits_for_look
from hybridcode.session.state import ProposalView, SessionState
from hybridcode.tui.amounts import plural, seconds
from hybridcode.tui.conversation import whom
from hybridcode.tui.entry import Entry, Fold

TAIL_LINES = 6
"""Lines of a command's output that stand while it is folded."""
OWN_LINES = 40
"""The same for a command that the person typed."""
TAIL_CHARS = 4_000
"""Characters of output that a receipt keeps: a tail this long has lost its beginning."""


def output_tail(text: str, most: int = TAIL_LINES) -> list[Entry]:
    """The end of an output, as much of it as the record has; `most` of its lines stand while it is folded."""
    if not text.strip():
        return []
    fold = Fold(last=most, is_tail=len(text) >= TAIL_CHARS)
    return [Entry("", without_colours(text).rstrip("\n"), "code", fold=fold)]


def told_of_proposal(event: ProposalMade | ProposalDecided | EffectFinished, state: SessionState) -> list[Entry]:
    """What an event of a proposal adds."""
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
    step = state.task.steps.get(view.proposal.step) if view is not None and state.task is not None else None
    return _receipt(event.receipt, title, view, is_last=step is not None and step.is_last)


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
            return [*amended, *output_tail(ran.tail, OWN_LINES), Entry("", said, "good" if is_good else "bad")]
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


def _receipt(receipt: Receipt, title: str, view: ProposalView | None, *, is_last: bool) -> list[Entry]:
    """How a proposal ended. `is_last`: nobody is left who could draft its step anew."""
    match receipt:
        case Applied(edits=edits, already=already, reason=reason):
            paths = ", ".join(edit.path for edit in edits)
            wrote = Entry("", f"✓ {'already there' if already else 'wrote'}: {paths}", "good")
            said = [Entry("✗", f"the rest declined · {reason}", "warn"), Entry("", what_follows(is_last), "quiet")]
            return [wrote, *said] if reason else [wrote]
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
            follows = "the step is given up" if is_command else what_follows(is_last)
            return _declined(f"declined by {whom(by)}: {title}", reason, follows)
        case Denied(reason=reason, rule=rule, hint=hint):
            found = [Entry("⊘", f"denied: {title} · {reason} (rule {rule})", "bad")]
            return [*found, Entry("", hint, "quiet")] if hint else found
        case Held(proposal=proposal):
            return [Entry("?", f"held for approval as {proposal}: {title}", "warn")]
        case Failed(reason=reason):
            return [Entry("✗", f"failed: {reason}", "bad"), Entry("", "F5 shows what was changed so far", "quiet")]
        case Unknown(reason=reason):
            name = view.proposal.id if view else ""
            look = f"look at what it did before anything runs again: `hybridcode approvals show {name}`"
            found = [Entry("!", f"nobody knows how this ended: {reason}", "bad")]
            return [*found, Entry("", look, "quiet")] if view else found
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
    return [Entry("", line, "good" if is_good else "bad"), *([] if is_check else output_tail(receipt.tail))]


def what_follows(is_last: bool) -> str:
    """What becomes of the reason of a no to a change."""
    return "it is recorded; no draft follows" if is_last else "the next draft sees it"


def _declined(said: str, reason: str, follows: str) -> list[Entry]:
    """A person's no, and what follows from it."""
    if not reason:
        return [Entry("✗", f"{said} · no reason: the step is given up", "warn")]
    return [Entry("✗", f"{said} · {reason}", "warn"), Entry("", follows, "quiet")]
