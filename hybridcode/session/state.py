"""The state of a session as a fold of its envelopes: what the TUI paints and what the JSON result reports.

Invariant: applying the same envelopes in order always gives the same state; nothing else feeds it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from hybridcode.domain.action import Applied, ChangeSet, Decision, Declined, Denied, Proposal, Receipt, ShellCommand
from hybridcode.domain.asked import ChecksNamed
from hybridcode.domain.events import (
    EffectFinished,
    EffectStarted,
    Envelope,
    Interrupted,
    ModeChanged,
    NoticeGiven,
    ProposalDecided,
    ProposalMade,
    Rewound,
    SessionForked,
    SessionOpened,
    SessionResumed,
    TaskGiven,
    UndoMade,
)
from hybridcode.domain.own import is_own
from hybridcode.domain.worktree import WorktreeLeft, WorktreeMade
from hybridcode.session.record import Record
from hybridcode.session.sums import CallView, Ruled, Sums
from hybridcode.session.task_view import StepStatus, StepView, TaskView, apply_to_task

ProposalStatus = Literal[
    "pending", "approved", "edited", "rejected", "expired", "superseded", "executing", "done", "failed", "unknown"
]


@dataclass
class ProposalView:
    """A proposal and what became of it."""

    proposal: Proposal
    task: str = ""
    """Id of the task it was made for, or, of a person's own command, of the latest one before it."""
    made_at: int = 0
    """Seq of its ProposalMade."""
    is_forgotten: bool = False
    """True once a person went back to before it."""
    status: ProposalStatus = "pending"
    decision: Decision | None = None
    receipt: Receipt | None = None
    ended_at: int = 0
    """Seq of the envelope with the receipt."""


@dataclass
class SessionState:
    """Everything a view needs, in the order it became true.

    One more envelope costs the same however many there were.
    """

    keeps_record: bool = True
    """False where somebody else keeps the envelopes."""
    forgets_ended: bool = False
    """True where nobody asks what was proposed and checked in earlier tasks: a new task lets go of what has ended."""
    session: str = ""
    seq: int = 0
    """Of the latest envelope."""
    opened_at: str = ""
    """When the first envelope was written; UTC."""
    opened: SessionOpened | None = None
    forked: SessionForked | None = None
    mode: str = ""
    """The permission mode; empty before the session is opened."""
    mode_by: str = ""
    """Who switched to it; empty for the mode that the session began in."""
    tasks: list[TaskView] = field(default_factory=list[TaskView])
    proposals: dict[str, ProposalView] = field(default_factory=dict[str, ProposalView])
    ruled: dict[str, Ruled] = field(default_factory=dict[str, Ruled])
    """What each rule ruled in this session, by its name."""
    sums: Sums = field(default_factory=Sums)
    named_checks: ChecksNamed | None = None
    """Check commands of the command line, also of an earlier one."""
    declined_checks: set[str] = field(default_factory=set[str])
    """Texts of the check commands that somebody said no to."""
    worktree: WorktreeMade | None = None
    """The git worktree that it works in; None: the person's own folder."""
    left: WorktreeLeft | None = None
    """What became of the worktree when the session was closed, if it was."""
    notices: list[NoticeGiven] = field(default_factory=list[NoticeGiven])
    undone: list[UndoMade] = field(default_factory=list[UndoMade])
    envelopes: Record = field(default_factory=Record)
    """All of them, where they are kept."""
    _moving: dict[str, ProposalView] = field(default_factory=dict[str, ProposalView], repr=False, compare=False)
    """Proposals that wait or are being carried out, so that no view looks through all there ever were."""

    @classmethod
    def of(cls, envelopes: Iterable[Envelope], *, forgets_ended: bool = False) -> "SessionState":
        """Fold a whole session."""
        state, past = cls(keeps_record=False, forgets_ended=forgets_ended), tuple(envelopes)
        for envelope in past:
            state.apply(envelope)
        state.envelopes, state.keeps_record = Record(past), True
        return state

    @property
    def task(self) -> TaskView | None:
        """The latest task; None if there is none, or a person went back to before it."""
        return self.tasks[-1] if self.tasks and not self.tasks[-1].is_forgotten else None

    @property
    def of_task(self) -> list[ProposalView]:
        """Proposals of the latest task, oldest first."""
        task = self.tasks[-1].task.id if self.tasks else ""
        return [view for view in self.proposals.values() if view.task == task and not is_own(view.proposal)]

    @property
    def own(self) -> list[ProposalView]:
        """A person's own commands, oldest first, forgotten ones too."""
        return [view for view in self.proposals.values() if is_own(view.proposal)]

    @property
    def waiting(self) -> list[ProposalView]:
        """Proposals nobody has decided yet, oldest first."""
        return sorted((v for v in self._moving.values() if v.status == "pending"), key=lambda view: view.made_at)

    @property
    def executing(self) -> ProposalView | None:
        """What is being carried out, the oldest first, a person's own commands aside; None if nothing is."""
        running = (v for v in self._moving.values() if v.status == "executing" and not is_own(v.proposal))
        return min(running, key=lambda view: view.made_at, default=None)

    @property
    def last_call(self) -> CallView | None:
        """The call that was asked last."""
        return self.sums.last

    @property
    def denials(self) -> list[tuple[Proposal, Denied]]:
        """What policy refused in the latest task, in order."""
        return [(view.proposal, view.receipt) for view in self.of_task if isinstance(view.receipt, Denied)]

    def apply(self, envelope: Envelope) -> None:
        """Take in one more envelope."""
        self.session, self.seq = envelope.session, envelope.seq
        self.opened_at = self.opened_at or envelope.at
        if self.keeps_record:
            self.envelopes.append(envelope)
        event = envelope.event
        self.sums.take(event, self.tasks[-1].use if self.tasks else {})
        match event:
            case SessionOpened():
                self.opened, self.mode = event, event.mode
            case SessionForked():
                self.forked = event
            case ModeChanged(mode=mode, by=by):
                self.mode, self.mode_by = mode, by
            case ChecksNamed():
                self.named_checks = event
            case WorktreeMade():
                self.worktree, self.left = event, None
            case WorktreeLeft():
                self.left = event
            case TaskGiven(task=task):
                self._let_go()
                self.tasks.append(TaskView(task, begun_at=envelope.seq))
            case Rewound():
                self._rewind(event)
            case NoticeGiven():
                self.notices.append(event)
            case ProposalMade() | ProposalDecided() | EffectStarted() | EffectFinished():
                self._apply_proposal(event, envelope.seq)
            case UndoMade():
                self.undone.append(event)
                self._reopen(event)
            case SessionResumed() | Interrupted():
                self._settle(interrupted=isinstance(event, Interrupted))
            case _:
                if self.tasks:
                    apply_to_task(self.tasks[-1], event, self.mode)

    def _settle(self, *, interrupted: bool) -> None:
        asked = set[str]() if interrupted else {view.proposal.step for view in self.waiting}
        for task in self.tasks[-1:]:
            for view in task.steps.values():
                if view.status == "awaiting" and view.step.id in asked:
                    continue
                if view.status in ("running", "drafting", "awaiting", "applying", "checking"):
                    view.status = "interrupted" if interrupted else "waiting"

    def _let_go(self) -> None:
        if not self.forgets_ended:
            return
        begun_at = self.tasks[-1].begun_at if self.tasks else 0
        self.proposals = {
            name: view
            for name, view in self.proposals.items()
            if view.status not in _ENDED or (is_own(view.proposal) and view.made_at > begun_at)
        }
        for task in self.tasks[-1:]:
            for checks in (task.checks, *(view.checks for view in task.steps.values())):
                checks.clear()

    def _rewind(self, event: Rewound) -> None:
        begin = next((place for place, view in enumerate(self.tasks) if view.task.id == event.task), len(self.tasks))
        if event.conversation:
            for view in self.tasks[begin:]:
                view.is_forgotten = True
            since = self.tasks[begin].begun_at if begin < len(self.tasks) else None
            for proposal in self.proposals.values():
                proposal.is_forgotten |= since is not None and proposal.made_at >= since

    def _reopen(self, event: UndoMade) -> None:
        """Steps whose changes were put back are open again."""
        for view in self.proposals.values():
            receipt = view.receipt
            if not isinstance(receipt, Applied) or event.step not in (None, view.proposal.step):
                continue
            if view.ended_at < event.since or 0 < event.until <= view.ended_at:
                continue
            if all(edit.path in event.restored for edit in receipt.edits):
                view.receipt = None
                self._mark_step(view.proposal.step, "waiting")

    def _apply_proposal(self, event: ProposalMade | ProposalDecided | EffectStarted | EffectFinished, seq: int) -> None:
        if isinstance(event, ProposalMade):
            task = self.tasks[-1].task.id if self.tasks else ""
            ruling = event.proposal.ruling
            times = self.ruled[ruling.rule].times if ruling.rule in self.ruled else 0
            self.ruled[ruling.rule] = Ruled(ruling, times + 1)
            self._turn(ProposalView(event.proposal, task, made_at=seq), "pending")
            former = self.proposals.get(event.supersedes)
            if former is not None and former.status in ("pending", "approved", "edited"):
                self._turn(former, "superseded")
            self._mark_step(event.proposal.step, "awaiting")
            if isinstance(event.proposal.action, ChangeSet) and (step := self._step(event.proposal.step)) is not None:
                step.files = event.proposal.title
            return
        view = self.proposals.get(event.proposal)
        if view is None:
            return
        match event:
            case ProposalDecided(decision=decision):
                view.decision = decision
                self._turn(view, _DECIDED.get(type(decision).__name__, "pending"))
            case EffectStarted():
                self._turn(view, "executing")
                self._mark_step(view.proposal.step, "applying")
            case EffectFinished(receipt=receipt):
                view.receipt, view.ended_at = receipt, seq
                action = view.proposal.action
                if isinstance(receipt, Declined) and isinstance(action, ShellCommand) and action.purpose == "check":
                    self.declined_checks.add(action.text)
                self._turn(view, _RECEIVED.get(type(receipt).__name__, "failed"))

    def _turn(self, view: ProposalView, status: ProposalStatus) -> None:
        name, view.status = view.proposal.id, status
        self.proposals[name] = view
        if status in ("pending", "executing"):
            self._moving[name] = view
        else:
            self._moving.pop(name, None)

    def _mark_step(self, step: str, status: StepStatus) -> None:
        if (view := self._step(step)) is not None:
            view.status = status

    def _step(self, name: str) -> StepView | None:
        return self.tasks[-1].steps.get(name) if self.tasks else None


_ENDED: frozenset[ProposalStatus] = frozenset({"rejected", "expired", "superseded", "done", "failed", "unknown"})
_DECIDED: dict[str, ProposalStatus] = {
    "Approve": "approved",
    "Amend": "edited",
    "Reject": "rejected",
    "Unanswered": "pending",
}
_RECEIVED: dict[str, ProposalStatus] = {
    "Applied": "done",
    "Ran": "done",
    "Committed": "done",
    "Stale": "superseded",
    "Expired": "expired",
    "Declined": "rejected",
    "Denied": "rejected",
    "Held": "pending",
    "Failed": "failed",
    "Unknown": "unknown",
}
