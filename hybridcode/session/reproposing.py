"""Proposals of a recorded session against what they came from, and approvals and effects against what was shown.

Invariant: an approval and an effect count as right only for the very digest that was proposed.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hybridcode.agent.commands import shell_command
from hybridcode.agent.diffs import Versions, bounded_diff
from hybridcode.agent.judge import DIFF_CHARS
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
from hybridcode.domain.events import CommandChanged, EffectFinished, EffectStarted, ProposalDecided, ProposalMade
from hybridcode.domain.plan import Step
from hybridcode.gate.taking_back import UNDO_STEP
from hybridcode.session.checked import Checked, Kind
from hybridcode.session.recorded import Missing, Recorded
from hybridcode.session.redrafting import Drafting, check_deletion, check_proposal

_TRY = re.compile(r", try (\d+)")


@dataclass
class Changes:
    """What was proposed and done so far."""

    proposals: dict[str, Proposal] = field(default_factory=dict[str, Proposal])
    amended: dict[str, Amend] = field(default_factory=dict[str, Amend])
    former: dict[str, set[str | None]] = field(default_factory=dict[str, set[str | None]])
    """Path -> digests of what it held before this session changed it."""
    before: dict[str, str | None] = field(default_factory=dict[str, str | None])
    """Path -> what it held before the task edited it."""
    after: dict[str, str | None] = field(default_factory=dict[str, str | None])
    """Path -> what it held when the task, or a command in it, was done with it."""

    def begin_task(self) -> None:
        """Forget what the task before changed."""
        self.before, self.after = {}, {}

    def diff_of_task(self, paths: Sequence[str], recorded: Recorded) -> str | None:
        """What the task changed in these files, as its judge is shown it; None if that is not on record."""
        try:
            found = {
                path: Versions(_bytes(self.before[path], recorded), _bytes(self.after[path], recorded))
                for path in paths
            }
        except (KeyError, Missing):
            return None
        return bounded_diff(found, most_chars=DIFF_CHARS)

    def _note(self, path: str, before: str | None, after: str | None, *, by_command: bool = False) -> None:
        self.former.setdefault(path, set()).add(before)
        if not by_command:
            self.before.setdefault(path, before)
        self.after[path] = after

    def take(
        self,
        seq: int,
        event: ProposalMade | ProposalDecided | EffectStarted | EffectFinished | CommandChanged,
        step_named: Callable[[str], Step | None],
        tries: Mapping[tuple[str, int], Drafting],
        recorded: Recorded,
    ) -> Iterator[Checked]:
        """Check one event against what was proposed before it."""
        match event:
            case ProposalMade(proposal=proposal):
                self.proposals[proposal.id] = proposal
                yield self._made(seq, event, step_named(proposal.step), tries, recorded)
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
                    before = change.before.sha256 if change.before else None
                    after = change.after.sha256 if change.after else None
                    self._note(change.path, before, after, by_command=True)
            case _:
                pass

    def _made(
        self,
        seq: int,
        event: ProposalMade,
        step: Step | None,
        tries: Mapping[tuple[str, int], Drafting],
        recorded: Recorded,
    ) -> Checked:
        """What a proposal is compared with: an edit by a person, what was there before, the plan, or a draft."""
        proposal, supersedes = event.proposal, event.supersedes
        what = f"{'change' if isinstance(proposal.action, ChangeSet) else 'command'} {proposal.id}: {proposal.title}"
        digest = action_digest(proposal.action)
        if digest != proposal.digest:
            why = "it is not the action of its digest"
            return Checked(seq, "proposal", "differs", what, why, proposal.digest, digest)
        if supersedes in self.amended:
            return self._edited(seq, proposal, self.amended[supersedes], what, recorded)
        match proposal.action:
            case ChangeSet(edits=edits) if proposal.step == UNDO_STEP:
                lost = [edit.path for edit in edits if edit.after_sha256 not in self.former.get(edit.path, set())]
                why = f"{lost[0]} never held that before" if lost else ""
                return Checked(seq, "proposal", "differs" if lost else "ok", what, why, digest, digest)
            case ChangeSet() if step is not None and step.kind == "delete":
                return check_deletion(seq, proposal, step)
            case ChangeSet():
                found = _TRY.search(proposal.writer)
                drafting = tries.get((proposal.step, int(found[1]))) if found else None
                return check_proposal(seq, proposal, drafting, recorded)
            case ShellCommand() as command if command.purpose == "step" and step is not None:
                wanted = shell_command(
                    step.command or "", timeout_s=command.timeout_s, purpose="step", env_names=command.env_names
                )
                if (wanted.argv, wanted.script) != (command.argv, command.script):
                    return Checked(seq, "proposal", "differs", what, f"the plan says {step.command}", digest)
            case _:
                pass
        return Checked(seq, "proposal", "ok", what, "", digest, digest)

    def _edited(self, seq: int, proposal: Proposal, decision: Amend, what: str, recorded: Recorded) -> Checked:
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
                        recorded.blob(digest)
        except Missing as missing:
            return Checked(seq, "proposal", "not_rebuilt", what, missing.message, proposal.digest)
        return Checked(seq, "proposal", "ok", f"{what} (as {decision.by} edited it)", "", wanted, wanted)

    def _bound(self, seq: int, kind: Kind, what: str, name: str, digest: str) -> Checked:
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
            self._note(edit.path, edit.before_sha256, edit.after_sha256)
        if proposal is None or not isinstance(proposal.action, ChangeSet) or proposal.action.edits != edits:
            return Checked(seq, "effect", "differs", what, "other bytes were written than were shown")
        return Checked(seq, "effect", "ok", what, "", proposal.digest, proposal.digest)


def _bytes(sha256: str | None, recorded: Recorded) -> bytes | None:
    return None if sha256 is None else recorded.blob(sha256)
