"""A task and its steps as a fold of their events.

Invariant: as of the whole state: the same events in order always give the same values.
"""

from dataclasses import dataclass, field
from typing import Literal

from hybridcode.domain.asked import Question, QuestionAnswered, TaskQuestioned
from hybridcode.domain.events import (
    BaselineTaken,
    CheckRan,
    DraftMade,
    DraftRefused,
    Event,
    NoteGiven,
    PlanDecided,
    PlanMade,
    PlanRevised,
    RepairAsked,
    RungTaken,
    StepEnded,
    StepMoved,
    StepStarted,
    TaskEnded,
    TaskJudged,
    TaskResumed,
    WindowAssembled,
)
from hybridcode.domain.plan import Plan, Step, Task, Writer, moved
from hybridcode.domain.refusal import Refusal
from hybridcode.session.sums import StepUse

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
    is_last: bool = False
    """Nobody is left to try after this rung."""
    window_tokens: int = 0
    files: str = ""
    """What it changes, as the title of its latest change says it: `shop/cart.py +3 -1`."""
    refusals: tuple[Refusal, ...] = ()
    checks: list[CheckRan] = field(default_factory=list[CheckRan])


@dataclass
class TaskView:
    """A task of the session."""

    task: Task
    plan: Plan | None = None
    plan_status: PlanStatus = "none"
    plan_source: str = ""
    is_revised: bool = False
    """Steps of the plan were planned anew while it was followed."""
    plan_mode: str = ""
    """The permission mode in which the plan was made."""
    steps: dict[str, StepView] = field(default_factory=dict[str, StepView])
    former: set[str] = field(default_factory=set[str])
    """Steps that were begun and are no part of the plan any more."""
    use: dict[str, StepUse] = field(default_factory=dict[str, StepUse])
    """What each step used, by its id; under the empty one what belongs to no step: plans, verdicts, summaries."""
    baseline: BaselineTaken | None = None
    """How its check ended before any change."""
    checks: list[CheckRan] = field(default_factory=list[CheckRan])
    """Checks of the whole task."""
    superseded: int = 0
    """How many of them were of a plan that failed, in whose place another one came."""
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
        return self.is_open and bool(self.questions) and not self.answer and self.plan is None

    @property
    def is_open(self) -> bool:
        """True until the task ended in a way that a resumed run would not continue."""
        return not self.is_forgotten and (self.ended is None or self.ended.exit_reason in RESUMABLE)


RESUMABLE = frozenset(
    {"approval_pending", "interrupted", "terminated", "transient", "model_unavailable", "limit", "stale"}
)
"""Exit reasons after which `--resume` goes on where the task stopped."""


def apply_to_task(task: TaskView, event: Event, mode: str) -> None:
    """Take in an event of a task. `mode` is the permission mode by then."""
    match event:
        case PlanMade(plan=plan, source=source):
            kept = {name: view for name, view in task.steps.items() if view.status == "done" or view.step in plan.steps}
            names = {step.id for step in plan.steps}
            task.former |= {name for name, v in task.steps.items() if name not in names and v.status != "waiting"}
            task.plan, task.plan_source, task.plan_status, task.plan_mode = plan, source, "proposed", mode
            task.steps = {step.id: kept.get(step.id, StepView(step)) for step in plan.steps}
        case StepMoved(step=name) if task.plan is not None and name in task.steps:
            task.plan = moved(task.plan, name, event.touches, goal=event.goal)
            task.steps[name].step = next(step for step in task.plan.steps if step.id == name)
        case PlanDecided(approved=approved):
            task.plan_status = "approved" if approved else "rejected"
        case PlanRevised():
            task.is_revised = True
        case RepairAsked():
            task.superseded = len(task.checks)
        case CheckRan(step=None):
            task.checks.append(event)
        case TaskQuestioned(questions=questions):
            task.questions, task.answer = questions, ""
        case BaselineTaken():
            task.baseline = event
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
            view.is_last = event.is_last
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
