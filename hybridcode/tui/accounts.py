"""What each step used, and how it added up over time: folds of a session's envelopes.

Invariant: the steps' sums are the session's sums; a cost that is unknown stays unknown.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from hybridcode.domain.events import Envelope, ModelAnswered, ModelAsked, PlanMade, TaskGiven
from hybridcode.models.ledger import Account, Ledger
from hybridcode.tui.plot import Point

BESIDE = ""
"""Stands for calls that belong to no step: plans, verdicts, summaries."""


@dataclass
class StepAccount:
    """What a step of a task used."""

    task: str
    step: str
    goal: str = ""
    frontier: Account = field(default_factory=Account)
    local: Account = field(default_factory=Account)

    @property
    def usd(self) -> float | None:
        """Dollars of both models."""
        both = (self.frontier.usd, self.local.usd)
        return None if both[0] is None or both[1] is None else both[0] + both[1]

    @property
    def seconds(self) -> float:
        """Seconds in which a model worked."""
        return self.frontier.seconds + self.local.seconds


@dataclass
class Growth:
    """Sums over time."""

    tokens: list[Point] = field(default_factory=list[Point])
    usd: list[Point] = field(default_factory=list[Point])
    """Of the calls whose price is known."""


@dataclass
class Books:
    """What a session used: in sum, by step, over time."""

    ledger: Ledger = field(default_factory=Ledger)
    steps: dict[tuple[str, str], StepAccount] = field(default_factory=dict[tuple[str, str], StepAccount])
    """By task and step, in the order they were first used."""
    growth: Growth = field(default_factory=Growth)
    _asked: dict[str, tuple[ModelAsked, StepAccount]] = field(default_factory=dict[str, tuple[ModelAsked, StepAccount]])
    _goals: dict[str, str] = field(default_factory=dict[str, str])
    _task: tuple[str, str] = ("", "")
    """Id and text."""
    _start: datetime | None = None
    _sums: tuple[float, float] = (0.0, 0.0)

    def take(self, envelopes: Iterable[Envelope]) -> Self:
        """Take in later envelopes."""
        for envelope in envelopes:
            self.ledger.take(envelope.event)
            match envelope.event:
                case TaskGiven(task=given):
                    self._task, self._goals = (given.id, given.text), {}
                case PlanMade(plan=plan):
                    self._goals = {step.id: step.goal for step in plan.steps}
                case ModelAsked() as event:
                    self._ask(event, datetime.fromisoformat(envelope.at))
                case ModelAnswered() as event:
                    self._answer(event, datetime.fromisoformat(envelope.at))
                case _:
                    pass
        return self

    def _ask(self, event: ModelAsked, at: datetime) -> None:
        self._start = self._start or at
        task, text = self._task
        name = event.step or BESIDE
        account = self.steps.setdefault((task, name), StepAccount(text, name))
        account.goal = self._goals.get(name, account.goal)
        self._asked[event.call_id] = event, account
        _side(account, event).calls += 1

    def _answer(self, event: ModelAnswered, at: datetime) -> None:
        if event.call_id in self._asked:
            question, account = self._asked[event.call_id]
            _side(account, question).add(Account.of_answer(event))
        if self._start is not None:
            tokens, usd = self._sums
            tokens += event.usage.input_tokens + event.usage.output_tokens
            usd += event.cost_usd or 0.0
            self._sums = tokens, usd
            moment = max(0.0, (at - self._start).total_seconds())
            self.growth.tokens.append((moment, tokens))
            self.growth.usd.append((moment, usd))


def step_accounts(envelopes: Iterable[Envelope]) -> list[StepAccount]:
    """Accounts by task and step, in the order they were first used."""
    return list(Books().take(envelopes).steps.values())


def _side(account: StepAccount, event: ModelAsked) -> Account:
    return account.frontier if event.backend == "frontier" else account.local
