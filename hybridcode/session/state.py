"""The state of a session as a fold of its envelopes: what the TUI paints and what the JSON result reports.

Invariant: applying the same envelopes in order always gives the same state; nothing else feeds it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from hybridcode.domain.action import Applied, Decision, Declined, Denied, Proposal, Receipt, ShellCommand
from hybridcode.domain.events import (
    CheckRan,
    ChecksNamed,
    DraftMade,
    DraftRefused,
    EffectFinished,
    EffectStarted,
    Envelope,
    Event,
    Interrupted,
    ModeChanged,
    ModelAnswered,
    ModelAsked,
    NoteGiven,
    NoticeGiven,
    PlanDecided,
    PlanMade,
    ProposalDecided,
    ProposalMade,
    Question,
    QuestionAnswered,
    Rewound,
    RungTaken,
    SessionForked,
    SessionOpened,
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
from hybridcode.domain.own import is_own
from hybridcode.domain.plan import Plan, Step, Task, Writer
from hybridcode.domain.refusal import Refusal

StepStatus = Literal[
    "waiting",
    "running",
    "drafting",
    "awaiting",
    "applying",
    "checking",
    "done",
    "failed",
    "declined",
    "denied",
    "stale",
    "held",
    "interrupted",
]
PlanStatus = Literal["none", "proposed", "approved", "rejected"]
ProposalStatus = Literal[
    "pending", "approved", "edited", "rejected", "expired", "superseded", "executing", "done", "failed", "unknown"
]


@dataclass
class StepView:
    """A step and where it stands."""

    step: Step
    status: StepStatus = "waiting"
    writer: Writer | None = None
    attempt: int = 0
    rung: str = ""
    why: str = ""
    """Why this rung, or why it ended as it did."""
    window_tokens: int = 0
    refusals: tuple[Refusal, ...] = ()
    checks: list[CheckRan] = field(default_factory=list[CheckRan])


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
class TaskView:
    """A task of the session."""

    task: Task
    plan: Plan | None = None
    plan_status: PlanStatus = "none"
    plan_source: str = ""
    plan_mode: str = ""
    """The permission mode in which the plan was made."""
    steps: dict[str, StepView] = field(default_factory=dict[str, StepView])
    checks: list[CheckRan] = field(default_factory=list[CheckRan])
    """Checks of the whole task."""
    notes: list[NoteGiven] = field(default_factory=list[NoteGiven])
    """What a person said to it while it ran."""
    questions: tuple[Question, ...] = ()
    """What the planner asked back."""
    answer: str = ""
    """What the person wrote to that; empty: nothing yet."""
    judged: TaskJudged | None = None
    ended: TaskEnded | None = None
    begun_at: int = 0
    """Seq of its TaskGiven."""
    is_forgotten: bool = False
    """True once a person went back to before it."""

    @property
    def waits_for_answer(self) -> bool:
        """The planner asked something that the person has not answered."""
        return bool(self.questions) and not self.answer and self.plan is None

    @property
    def is_open(self) -> bool:
        """True until the task ended in a way that a resumed run would not continue."""
        return not self.is_forgotten and (self.ended is None or self.ended.exit_reason in RESUMABLE)


RESUMABLE = frozenset(
    {"approval_pending", "interrupted", "terminated", "transient", "model_unavailable", "limit", "stale"}
)
"""Exit reasons after which `--resume` goes on where the task stopped."""


@dataclass
class CallView:
    """A model call: running while `answered` is None."""

    asked: ModelAsked
    answered: ModelAnswered | None = None


@dataclass
class SessionState:
    """Everything a view needs, in the order it became true."""

    session: str = ""
    opened: SessionOpened | None = None
    forked: SessionForked | None = None
    mode: str = ""
    """The permission mode; empty before the session is opened."""
    mode_by: str = ""
    """Who switched to it; empty for the mode that the session began in."""
    tasks: list[TaskView] = field(default_factory=list[TaskView])
    proposals: dict[str, ProposalView] = field(default_factory=dict[str, ProposalView])
    calls: dict[str, CallView] = field(default_factory=dict[str, CallView])
    named_checks: ChecksNamed | None = None
    """Check commands of the command line, also of an earlier one."""
    notices: list[NoticeGiven] = field(default_factory=list[NoticeGiven])
    undone: list[UndoMade] = field(default_factory=list[UndoMade])
    envelopes: list[Envelope] = field(default_factory=list[Envelope])

    @classmethod
    def of(cls, envelopes: Iterable[Envelope]) -> "SessionState":
        """Fold a whole session."""
        state = cls()
        for envelope in envelopes:
            state.apply(envelope)
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
        return [view for view in self.proposals.values() if view.status == "pending"]

    @property
    def declined_checks(self) -> set[str]:
        """Texts of the check commands that somebody said no to."""
        views = (view for view in self.proposals.values() if isinstance(view.receipt, Declined))
        actions = (view.proposal.action for view in views)
        return {each.text for each in actions if isinstance(each, ShellCommand) and each.purpose == "check"}

    @property
    def last_call(self) -> CallView | None:
        """The call that was asked last."""
        return next(reversed(self.calls.values())) if self.calls else None

    @property
    def denials(self) -> list[tuple[Proposal, Denied]]:
        """What policy refused in the latest task, in order."""
        return [(view.proposal, view.receipt) for view in self.of_task if isinstance(view.receipt, Denied)]

    def apply(self, envelope: Envelope) -> None:
        """Take in one more envelope."""
        self.session = envelope.session
        self.envelopes.append(envelope)
        event = envelope.event
        match event:
            case SessionOpened():
                self.opened, self.mode = event, event.mode
            case SessionForked():
                self.forked = event
            case ModeChanged(mode=mode, by=by):
                self.mode, self.mode_by = mode, by
            case ChecksNamed():
                self.named_checks = event
            case TaskGiven(task=task):
                self.tasks.append(TaskView(task, begun_at=envelope.seq))
            case Rewound():
                self._rewind(event)
            case NoticeGiven():
                self.notices.append(event)
            case ModelAsked():
                self.calls[event.call_id] = CallView(event)
            case ModelAnswered():
                if event.call_id in self.calls:
                    self.calls[event.call_id].answered = event
            case ProposalMade() | ProposalDecided() | EffectStarted() | EffectFinished():
                self._apply_proposal(event, envelope.seq)
            case UndoMade():
                self.undone.append(event)
                self._reopen(event)
            case SessionResumed() | Interrupted():
                self._settle(interrupted=isinstance(event, Interrupted))
            case _:
                if self.tasks:
                    _apply_to_task(self.tasks[-1], event, self.mode)

    def _settle(self, *, interrupted: bool) -> None:
        for task in self.tasks[-1:]:
            for view in task.steps.values():
                if view.status in ("running", "drafting", "awaiting", "applying", "checking"):
                    view.status = "interrupted" if interrupted else "waiting"

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
            self.proposals[event.proposal.id] = ProposalView(event.proposal, task, made_at=seq)
            former = self.proposals.get(event.supersedes)
            if former is not None and former.status in ("pending", "approved", "edited"):
                former.status = "superseded"
            self._mark_step(event.proposal.step, "awaiting")
            return
        view = self.proposals.get(event.proposal)
        if view is None:
            return
        match event:
            case ProposalDecided(decision=decision):
                view.decision = decision
                view.status = _DECIDED.get(type(decision).__name__, "pending")
            case EffectStarted():
                view.status = "executing"
                self._mark_step(view.proposal.step, "applying")
            case EffectFinished(receipt=receipt):
                view.receipt, view.ended_at = receipt, seq
                view.status = _RECEIVED.get(type(receipt).__name__, "failed")

    def _mark_step(self, step: str, status: StepStatus) -> None:
        if self.tasks and step in self.tasks[-1].steps:
            self.tasks[-1].steps[step].status = status


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


def _apply_to_task(task: TaskView, event: Event, mode: str) -> None:
    match event:
        case PlanMade(plan=plan, source=source):
            done = {name: view for name, view in task.steps.items() if view.status == "done"}
            task.plan, task.plan_source, task.plan_status, task.plan_mode = plan, source, "proposed", mode
            task.steps = {step.id: done.get(step.id, StepView(step)) for step in plan.steps}
        case PlanDecided(approved=approved):
            task.plan_status = "approved" if approved else "rejected"
        case CheckRan(step=None):
            task.checks.append(event)
        case TaskQuestioned(questions=questions):
            task.questions, task.answer = questions, ""
        case QuestionAnswered(answer=answer):
            task.answer = answer
        case TaskJudged():
            task.judged = event
        case TaskEnded():
            task.ended = event
        case TaskResumed():
            task.ended = None
        case NoteGiven():
            task.notes.append(event)
        case StepStarted() | RungTaken() | WindowAssembled() | DraftMade() | DraftRefused() | CheckRan() | StepEnded():
            view = task.steps.get(event.step or "")
            if view is not None:
                _apply_to_step(view, event)
        case _:
            pass


def _apply_to_step(
    view: StepView,
    event: StepStarted | RungTaken | WindowAssembled | DraftMade | DraftRefused | CheckRan | StepEnded,
) -> None:
    match event:
        case StepStarted():
            view.status = "running"
        case RungTaken(writer=writer, attempt=attempt, rung=rung, why=why):
            view.status, view.writer, view.attempt, view.rung, view.why = "drafting", writer, attempt, rung, why
        case WindowAssembled(used=used):
            view.window_tokens = used
        case DraftMade():
            view.refusals = ()
        case DraftRefused(refusals=refusals):
            view.refusals = refusals
        case CheckRan():
            view.status = "checking"
            view.checks.append(event)
        case StepEnded(outcome=outcome, why=why):
            view.status, view.why = outcome, why or view.why
