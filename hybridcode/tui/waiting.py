"""What waits for a person: proposals policy asks about, plans before they are followed, questions of the planner.

Invariant: nothing waits that somebody has decided; an answer given here counts before the session confirms it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hybridcode.config.settings import Mode
from hybridcode.domain import asked
from hybridcode.domain.action import Proposal, Stale
from hybridcode.domain.events import Envelope, Event, PlanMade, ProposalMade, TaskResumed
from hybridcode.domain.own import is_own, waits_for_look
from hybridcode.session.modes import PLANNED_FIRST
from hybridcode.session.state import SessionState
from hybridcode.session.task_view import TaskView
from hybridcode.session.telling import asked as question_told
from hybridcode.tui.amounts import plural
from hybridcode.tui.archive import Unanswered

Question = TaskView | Proposal
"""A task whose plan waits or about which the planner asks, or a proposal."""


def is_asked(proposal: Proposal) -> bool:
    """True when policy leaves it to a person, who has not answered it by typing it."""
    return proposal.ruling.verdict == "ask" and (not is_own(proposal) or waits_for_look(proposal))


def waiting_proposals(state: SessionState) -> list[Proposal]:
    """Proposals that wait, oldest first."""
    return [view.proposal for view in state.waiting if is_asked(view.proposal)]


def waiting_plan(state: SessionState, mode: str) -> TaskView | None:
    """The task whose plan waits for a yes, also after an interruption; None if none does."""
    task = state.task
    if task is None or not task.is_open or task.plan is None:
        return None
    if not PLANNED_FIRST & {mode, task.plan_mode}:
        return None
    is_first = all(view.status == "waiting" for view in task.steps.values())
    waits = task.plan_status == "proposed" and (is_first or task.is_revised)
    return task if task.plan.steps and waits else None


def waiting_answer(state: SessionState) -> TaskView | None:
    """The task that stopped for what the planner asked; None if none did."""
    task = state.task
    return task if task is not None and task.waits_for_answer and task.ended is not None else None


def unanswered_of(envelopes: Sequence[Envelope]) -> Unanswered | None:
    """What a session waits for beside proposals; None if for nothing."""
    state = SessionState.of(envelopes)
    task = waiting_answer(state) or waiting_plan(state, state.mode)
    if task is None or not envelopes:
        return None
    questions = () if task.plan is not None else tuple(map(question_told, task.questions))
    steps = plural(len(task.plan.steps), "step") if task.plan is not None else ""
    said = f"a plan of {steps} waits" if steps else f"the planner asks: {task.questions[0].text}"
    asked_at = next(
        (one.at for one in reversed(envelopes) if isinstance(one.event, PlanMade | asked.TaskQuestioned)),
        envelopes[-1].at,
    )
    return Unanswered(state.session, task.task.text, asked_at, False, said, questions)


def in_one(questions: Sequence[asked.Question], answers: Sequence[str]) -> str:
    """The answers to all questions as one text: as it is, or numbered as they are."""
    if len(questions) == 1:
        return answers[0]
    return "\n".join(f"{number}. {answer}" for number, answer in enumerate(answers, 1))


def why_closed(state: SessionState, subject: str) -> str:
    """Why a question is not open any more that nobody answered here."""
    view = state.proposals.get(subject)
    if view is not None and isinstance(view.receipt, Stale):
        return f"closed: {', '.join(view.receipt.paths)} changed on disk"
    if view is not None and view.status == "expired":
        return "closed: it waited too long"
    if view is not None and view.decision is None and view.status == "superseded":
        return "closed: another proposal stands in for it"
    plan_is_decided = any(task.task.id == subject and task.plan_status != "proposed" for task in state.tasks)
    is_decided = view.decision is not None if view is not None else plan_is_decided
    return "answered elsewhere" if is_decided else "closed: interrupted"


def when_it_lapses(subject: str, envelopes: Sequence[Envelope], *, expires_s: float) -> str:
    """When a proposal lapses by itself, by the clock on the wall here; empty if it never does."""
    if expires_s <= 0:
        return ""
    for envelope in reversed(envelopes):
        if isinstance(envelope.event, ProposalMade) and envelope.event.proposal.id == subject:
            end = datetime.fromisoformat(envelope.at) + timedelta(seconds=expires_s)
            return f"{end.astimezone():%Y-%m-%d %H:%M:%S} ([approval] expires_s)"
    return ""


def farewell(state: SessionState) -> str:
    """What to tell a person who leaves; empty if nothing waits and nothing stopped half-way."""
    if count := len(waiting_proposals(state)):
        return f"{plural(count, 'approval')} kept: `hybridcode approvals list` shows, `hybridcode -c` goes on"
    if waiting_answer(state) is not None:
        return "the planner waits for your answer: `hybridcode -c` asks again"
    if state.task is not None and state.task.is_open:
        return "the task is not done: `hybridcode -c`, then /resume, goes on with it"
    return ""


@dataclass
class Questions:
    """The open questions of a session, less those answered here."""

    state: SessionState
    answered: set[str] = field(default_factory=set[str])
    """Ids of proposals, and of tasks for their plans and questions, that a person answered on this screen."""
    left: set[str] = field(default_factory=set[str])
    """Ids of questions put aside: opened again only on request."""

    def hear(self, event: Event) -> None:
        """A plan made anew, or what the planner asks, is asked about anew; a task that goes on offers again what was
        put aside."""
        if isinstance(event, PlanMade | asked.TaskQuestioned) and self.state.task is not None:
            self.answered.discard(self.state.task.task.id)
        elif isinstance(event, TaskResumed):
            self.left.clear()

    def proposals(self) -> list[Proposal]:
        """Proposals that wait, oldest first."""
        return [proposal for proposal in waiting_proposals(self.state) if proposal.id not in self.answered]

    def plan(self, mode: Mode) -> TaskView | None:
        """The task whose plan waits."""
        task = waiting_plan(self.state, mode)
        return task if task is not None and task.task.id not in self.answered else None

    def asked_back(self) -> TaskView | None:
        """The task about which the planner asks."""
        task = waiting_answer(self.state)
        return task if task is not None and task.task.id not in self.answered else None

    def words(self, mode: Mode) -> list[str]:
        """What waits, each kind in a few words."""
        said = ["the plan waits for you"] if self.plan(mode) is not None else []
        if (task := self.asked_back()) is not None:
            said.append(f"the planner asks {plural(len(task.questions), 'question')}")
        if count := len(self.proposals()):
            said.append(f"{plural(count, 'approval')} {'waits' if count == 1 else 'wait'} for you")
        return said

    def all(self, mode: Mode) -> dict[str, Question]:
        """Every open question by its id, that about a task first, then proposals from the oldest on."""
        task = self.plan(mode) or self.asked_back()
        tasks: dict[str, Question] = {task.task.id: task} if task is not None else {}
        return tasks | {proposal.id: proposal for proposal in self.proposals()}

    def fresh(self, mode: Mode) -> Question | None:
        """The first question that was not put aside."""
        return next((question for name, question in self.all(mode).items() if name not in self.left), None)
