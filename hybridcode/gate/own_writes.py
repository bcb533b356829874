"""What a session wrote to each path, undos included, and how far back it is all its own.

Invariant: a fold of envelopes alone; what a person ran themselves and what checks left behind are not the task's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hybridcode.domain.action import Applied, Committed, FileEdit, FileState, GitCommit, Proposal, ShellCommand
from hybridcode.domain.events import CommandChanged, EffectFinished, Envelope, ProposalMade
from hybridcode.domain.own import is_own


@dataclass(frozen=True)
class Write:
    """One write to a path."""

    step: str
    seq: int
    """Of the envelope that recorded it."""
    before: FileState | None
    after: FileState | None


@dataclass(frozen=True)
class CommitMade:
    """A commit of this session."""

    proposal: str
    seq: int
    receipt: Committed


def writes_of(envelopes: Iterable[Envelope]) -> dict[str, list[Write]]:
    """The writes to each path, oldest first."""
    found: dict[str, list[Write]] = {}
    made: dict[str, Proposal] = {}
    for envelope in envelopes:
        changes: Iterable[tuple[str, FileState | None, FileState | None]] = ()
        match envelope.event:
            case ProposalMade(proposal=proposal):
                made[proposal.id] = proposal
                continue
            case EffectFinished(proposal=name, receipt=Applied(edits=edits)):
                changes = ((edit.path, *_states(edit)) for edit in edits)
            case CommandChanged(proposal=name, changes=changed) if name in made and _is_step(made[name]):
                changes = ((change.path, change.before, change.after) for change in changed)
            case _:
                continue
        step = made[name].step if name in made else ""
        for path, before, after in changes:
            found.setdefault(path, []).append(Write(step, envelope.seq, before, after))
    return found


def own_states(writes: Sequence[Write]) -> list[FileState | None]:
    """What a path held, newest first, as far back as nobody else wrote to it."""
    states = [writes[-1].after]
    for write in reversed(writes):
        if write.after != states[-1]:
            break
        states.append(write.before)
    return states


def commits_of(envelopes: Iterable[Envelope]) -> list[CommitMade]:
    """The commits of a session, oldest first."""
    return [
        CommitMade(envelope.event.proposal, envelope.seq, envelope.event.receipt)
        for envelope in envelopes
        if isinstance(envelope.event, EffectFinished) and isinstance(envelope.event.receipt, Committed)
    ]


def still_committed(envelopes: Iterable[Envelope], paths: Iterable[str]) -> list[Committed]:
    """Commits of a session that hold changes of these paths, oldest first, but for those that revert others."""
    gone, kept = set(paths), list(envelopes)
    reverting = {
        envelope.event.proposal.id
        for envelope in kept
        if isinstance(envelope.event, ProposalMade)
        and isinstance(envelope.event.proposal.action, GitCommit)
        and envelope.event.proposal.action.subject.startswith(REVERT)
    }
    made = [one for one in commits_of(kept) if one.proposal not in reverting]
    return [one.receipt for one in made if gone.intersection(one.receipt.files)]


REVERT = "Revert "
"""How the subject of a commit begins that takes back others."""


def _states(edit: FileEdit) -> tuple[FileState | None, FileState | None]:
    before = None if edit.before_sha256 is None else FileState(edit.before_sha256, _typed(edit.former_mode))
    after = None if edit.after_sha256 is None else FileState(edit.after_sha256, _typed(edit.mode))
    return before, after


def _typed(mode: int) -> int:
    """A mode with its type: edits name permission bits only, but for links."""
    return mode if mode & 0o170000 else mode | 0o100000


def _is_step(proposal: Proposal) -> bool:
    command = proposal.action
    return not is_own(proposal) and not (isinstance(command, ShellCommand) and command.purpose == "check")
