"""The way of every effect: proposal on disk, policy, approver, compare-and-swap, effect, receipt.

Invariant: an effect happens only between an EffectStarted and an EffectFinished of a proposal whose approved digest is
the digest of its action; each of these is on disk before the next thing happens.
"""

import asyncio
import contextlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

from msgspec import UNSET

from hybridcode.domain.action import (
    Action,
    Amend,
    Approve,
    ChangeSet,
    Decision,
    Expired,
    Failed,
    FileChange,
    FileEdit,
    GitCommit,
    Held,
    Proposal,
    Receipt,
    Reject,
    ShellCommand,
    Stale,
    ToolCall,
    Unanswered,
    Unknown,
    action_digest,
)
from hybridcode.domain.errors import IntegrityError
from hybridcode.domain.events import EffectFinished, EffectStarted, ProposalDecided
from hybridcode.domain.ports import Approver
from hybridcode.gate import lineage
from hybridcode.gate.approvers import Refuse
from hybridcode.gate.beside import Alone, Beside
from hybridcode.gate.effects import Effects
from hybridcode.gate.lapsing import lapse, lapsed, seconds_left
from hybridcode.gate.outcomes import PERSON, approved_digest, for_person, refusal, ruled
from hybridcode.gate.policy import READ_ONLY, Policy, worse
from hybridcode.gate.running import recovered, run
from hybridcode.gate.titles import summary, title_of
from hybridcode.gate.traces import Traces
from hybridcode.journal.approvals import ApprovalRow, Approvals, new_proposal_id
from hybridcode.journal.states import UNDECIDED, ApprovalState, state_after
from hybridcode.journal.store import SessionJournal


class Gate:
    """The one way to change a workspace, for one session."""

    def __init__(
        self,
        workspace: Path,
        journal: SessionJournal,
        *,
        approvals: Approvals,
        policy: Policy,
        approver: Approver,
        effects: Effects,
        expires_s: float = 0.0,
    ) -> None:
        self.workspace = workspace.resolve()
        self.journal = journal
        self.approvals = approvals
        self.policy = policy
        """What each judgement goes by when it is made; a person may add a rule or switch the mode at any time."""
        self.approver = approver
        self.effects = effects
        self.expires_s = expires_s
        """Seconds that a proposal may wait for an answer, and an approval for its effect; 0 = for ever."""
        self.traces = Traces(self.workspace, journal)
        self.beside: Beside = Alone()
        """What goes on at the same time."""

    @property
    def is_unattended(self) -> bool:
        """Nobody answers what policy asks."""
        return isinstance(self.approver, Refuse)

    def seal(self, changes: Sequence[FileChange]) -> ChangeSet:
        """Turn bytes in memory into a change set of durable blobs, sorted by path, links in folders resolved."""
        return ChangeSet(tuple(sorted(map(self._sealed, changes), key=lambda edit: edit.path)))

    def _sealed(self, change: FileChange) -> FileEdit:
        path = self.policy.places.plain(change.path)
        mode = change.mode
        former = None if change.before is None else self.effects.read(path)  # so that an undo can give its mode back
        if change.after is None and former is not None:
            mode = former[1]
        return FileEdit(
            path=path,
            before_sha256=None if change.before is None else self.journal.put_blob(change.before),
            after_sha256=None if change.after is None else self.journal.put_blob(change.after),
            mode=mode,
            before_mode=UNSET if former is None or former[1] == mode else former[1],
        )

    async def submit_changes(
        self,
        changes: Sequence[FileChange],
        *,
        step: str,
        title: str = "",
        model_says: str = "",
        writer: str = "",
        notes: Sequence[str] = (),
        proven_by: str = "",
        resume: str | None = None,
        person_only: str = "",
    ) -> Receipt:
        """`submit` for changes whose bytes are still in memory."""
        return await self.submit(
            self.seal(changes),
            step=step,
            title=title or ", ".join(map(summary, sorted(changes, key=lambda change: change.path))),
            model_says=model_says,
            writer=writer,
            notes=notes,
            proven_by=proven_by,
            resume=resume,
            person_only=person_only,
        )

    async def submit(
        self,
        action: Action,
        *,
        step: str,
        title: str = "",
        model_says: str = "",
        writer: str = "",
        notes: Sequence[str] = (),
        proven_by: str = "",
        resume: str | None = None,
        person_only: str = "",
    ) -> Receipt:
        """Propose an action, get it decided, and carry it out if it may be.

        `resume` names a proposal of an earlier run: taken up if it has not ended and is for the same action, superseded
        if for another. `person_only` is a reason why nobody but a person may say yes, whatever the rules allow.

        Raises:
            IntegrityError: an approval, a proposal or a blob does not match its digest.
            JournalError: it could not be recorded; then nothing happened.
        """
        if isinstance(action, ChangeSet) and not action.edits:
            return Failed("nothing to change")
        if isinstance(action, ChangeSet) and any(edit.is_link for edit in action.edits):
            return Failed("symbolic links are made by commands, not by changes of files")
        former = self._unended(resume) if resume is not None else None
        if former is not None and former.proposal.digest == action_digest(action):
            return await self.resubmit(former.id)
        proposal = self._propose(
            action,
            step=step,
            title=title,
            model_says=model_says,
            writer=writer,
            notes=(*notes, *await self._limits_of_undo(action)),
            proven_by=proven_by,
            supersedes=former.id if former is not None and former.state in UNDECIDED else "",
            person_only=person_only,
        )
        return await self.resubmit(proposal.id)

    async def _limits_of_undo(self, action: Action) -> tuple[str, ...]:
        """What a person who is asked about a command should know first."""
        if not isinstance(action, ShellCommand) or self.policy.judge(action).verdict != "ask":
            return ()
        return await self.traces.limits(action, sandbox=self.effects.sandbox.kind)

    def _propose(
        self,
        action: Action,
        *,
        step: str,
        title: str = "",
        model_says: str = "",
        writer: str = "",
        notes: tuple[str, ...] = (),
        proven_by: str = "",
        supersedes: str = "",
        person_only: str = "",
    ) -> Proposal:
        """Put a proposal on disk, with what policy says of it now."""
        proposal = Proposal(
            id=new_proposal_id(),
            step=step,
            action=action,
            digest=action_digest(action),
            ruling=for_person(self.policy.judge(action), person_only),
            title=title or title_of(action),
            model_says=model_says,
            writer=writer,
            notes=notes,
            proven_by=proven_by,
        )
        self.approvals.add(self.journal.id, proposal, supersedes=supersedes)
        return proposal

    async def resubmit(self, proposal_id: str) -> Receipt:
        """Go on with a recorded proposal from wherever it stands."""
        while True:
            row = self.approvals.get(proposal_id)
            if (receipt := await asyncio.to_thread(self._lapsed, row)) is not None:
                if lapse(self.approvals, row, receipt):
                    return receipt
                continue
            match row.state:
                case ApprovalState.PENDING:
                    if not await self._decide(row):
                        return self._finished(proposal_id, Held(proposal_id))
                case ApprovalState.APPROVED:
                    await self.beside.enter(row.proposal)
                    if (receipt := await self._carry_out(row)) is not None:
                        return receipt
                case ApprovalState.EDITED:
                    proposal_id = await self._amended(row)
                case ApprovalState.REJECTED:
                    return lineage.past(self.journal, proposal_id) or self._finished(proposal_id, refusal(row))
                case ApprovalState.EXECUTING:
                    return Unknown(f"proposal {proposal_id} is being carried out by another process, or was cut off")
                case _:
                    return lineage.past(self.journal, proposal_id) or Failed(f"proposal {proposal_id} is {row.state}")

    async def perform(self, action: Action, *, step: str, title: str, by: str) -> Receipt:
        """A person's own act, as an undo: recorded and judged like any other, and approved by being asked for."""
        proposal = self._propose(action, step=step, title=title)
        ruling = proposal.ruling
        is_denied = ruling.verdict == "deny"
        decision = ruled(ruling, proposal.digest) if is_denied else Approve(proposal.digest, by)
        self.approvals.answer(proposal.id, decision)
        return await self.resubmit(proposal.id)

    def pending(self) -> list[Proposal]:
        """Proposals of this session that wait for an answer, oldest first."""
        return [row.proposal for row in self.approvals.pending(self.journal.id)]

    def recover(self) -> list[Receipt]:
        """Settle what was being carried out when an earlier process of this session died.

        Files that are their result are done; at their base they are written again; if that fails, all are put back.
        Anything else is left alone and reported. A command is never run again.

        Raises:
            SessionBusy: another process works on this session, so nothing of it is cut off.
        """
        with self.journal.claimed():
            rows = self.approvals.in_state(ApprovalState.EXECUTING, session=self.journal.id)
            return [
                self._finished(row.id, recovered(row.proposal, effects=self.effects, traces=self.traces))
                for row in rows
            ]

    def _lapsed(self, row: ApprovalRow) -> Expired | Stale | None:
        """Why a proposal that waits cannot be carried out any more."""
        now = self.journal.journal.clock()
        return lapsed(row, read=self.effects.read, now=now, expires_s=self.expires_s)

    async def _answer_to(self, row: ApprovalRow) -> Decision | None:
        """What the approver says; None when the proposal's time is over before."""
        left = seconds_left(row, now=self.journal.journal.clock(), expires_s=self.expires_s)
        limit = asyncio.timeout(left)
        try:
            async with limit:
                return await self.beside.ask(self.approver, row.proposal)
        except TimeoutError:
            if not limit.expired():
                raise
            return None

    async def _decide(self, row: ApprovalRow) -> bool:
        """Get a pending proposal decided, or its time over. False: nobody can answer now."""
        proposal = row.proposal
        ruling = self.policy.judge(proposal.action)
        if proposal.ruling.person_only:
            ruling = worse(ruling, proposal.ruling)
        if ruling.verdict != "ask":
            self.approvals.answer(proposal.id, ruled(ruling, proposal.digest))
            return True
        decision = await self._answer_to(row)
        if decision is None:
            return True
        if isinstance(decision, Unanswered):
            return self.approvals.get(proposal.id).state != ApprovalState.PENDING
        if ruling.person_only and not isinstance(decision, Reject) and not decision.by.startswith(PERSON):
            return False
        # False here means that another terminal was faster; its answer counts, and the row tells it.
        self.approvals.answer(proposal.id, decision)
        return True

    async def _carry_out(self, row: ApprovalRow) -> Receipt | None:
        """Carry out an approved proposal; None when it is not to be: the row says why."""
        if not self._start(row):
            return None
        match row.proposal.action:
            case ChangeSet() as change:
                return await self._change(row.id, change)
            case ShellCommand() as command:
                is_traceless = bool(command.tree) or self.policy.judge(command).rule == READ_ONLY
                return await run(
                    command,
                    proposal=row.id,
                    effects=self.effects,
                    traces=None if is_traceless else self.traces,
                    finish=lambda receipt: self._finished(row.id, receipt),
                    tell=self.journal.append,
                )
            case ToolCall(server=server):
                return self._finished(row.id, Failed(f"there is no tool server {server}"))
            case GitCommit() as commit:
                return self._finished(row.id, await self.effects.commit(commit))
            case _:
                assert_never(row.proposal.action)

    async def _change(self, proposal_id: str, change: ChangeSet) -> Receipt:
        """Apply and record in one piece: a cancellation ends the wait for other processes, and passes on afterwards."""
        stop = threading.Event()

        async def apply() -> Receipt:
            return self._finished(proposal_id, await self.effects.apply(change, stop=stop))

        applying = asyncio.create_task(apply())
        try:
            return await asyncio.shield(applying)
        except asyncio.CancelledError:
            stop.set()
            while not applying.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait({applying})
            raise

    def _start(self, row: ApprovalRow) -> bool:
        """Approved -> executing; False if policy or another process was in the way. Raises IntegrityError where the
        approval is for something else."""
        proposal = row.proposal
        if action_digest(proposal.action) != proposal.digest or approved_digest(row) != proposal.digest:
            raise IntegrityError(f"Proposal {row.id} is not what was approved.", "Run `hybridcode audit verify`.")
        ruling = self.policy.judge(proposal.action)
        if ruling.verdict != "deny":
            started = EffectStarted(row.id, proposal.digest)
            return self.approvals.move(row.id, expect=ApprovalState.APPROVED, to=ApprovalState.EXECUTING, event=started)
        decision = ruled(ruling, proposal.digest)
        self.approvals.move(
            row.id,
            expect=ApprovalState.APPROVED,
            to=ApprovalState.REJECTED,
            event=ProposalDecided(row.id, decision),
            by=decision.by,
            reason=ruling.reason,
        )
        return False

    def _finished(self, proposal_id: str, receipt: Receipt) -> Receipt:
        receipt = lineage.with_reason(self.journal, proposal_id, receipt)
        if (state := state_after(receipt)) is None:
            self.journal.append(EffectFinished(proposal_id, receipt))
        else:
            event = EffectFinished(proposal_id, receipt)
            self.approvals.move(proposal_id, expect=ApprovalState.EXECUTING, to=state, event=event)
        return receipt

    def _unended(self, proposal_id: str) -> ApprovalRow | None:
        """A proposal that there is still something to do about; None if it, or what it was amended to, has ended."""
        row = self.approvals.get(proposal_id)
        if row.state not in (*UNDECIDED, ApprovalState.EXECUTING, ApprovalState.EDITED, ApprovalState.REJECTED):
            return None
        if lineage.past(self.journal, row.id) is not None:
            return None
        successor = lineage.successor(self.journal, row.id) if row.state == ApprovalState.EDITED else None
        return row if successor is None or self._unended(successor) is not None else None

    async def _amended(self, row: ApprovalRow) -> str:
        """The proposal that stands in for an amended one. A person's own edit of ordinary files is approved by it."""
        if (successor := lineage.successor(self.journal, row.id)) is not None:
            return successor
        if not isinstance(row.decision, Amend):
            raise IntegrityError(f"Proposal {row.id} was edited, but not into what.", "Run `hybridcode audit verify`.")
        action, by = row.decision.action, row.decision.by
        old = row.proposal
        proposal = self._propose(
            action,
            step=old.step,
            model_says=old.model_says,
            writer=f"{old.writer}; edited by {by}" if old.writer else f"edited by {by}",
            notes=await self._limits_of_undo(action),
            supersedes=row.id,
        )
        ruling, is_person = proposal.ruling, by.startswith(PERSON)
        if is_person and ruling.verdict == "ask" and ruling.rule == "files.inside" and not ruling.person_only:
            self.approvals.answer(proposal.id, Approve(proposal.digest, by))
        return proposal.id
