"""What each step used, and how it added up over time: folds of a session's envelopes.

Invariant: the steps' sums are the session's sums; a cost that is unknown stays unknown.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from hybridcode.domain.events import Envelope, ModelAnswered, ModelAsked, PlanMade, TaskGiven
from hybridcode.models.ledger import Account
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


def step_accounts(envelopes: Iterable[Envelope]) -> list[StepAccount]:
    """Accounts by task and step, in the order they were first used."""
    found: dict[tuple[str, str], StepAccount] = {}
    asked: dict[str, tuple[ModelAsked, StepAccount]] = {}
    goals: dict[str, str] = {}
    task, text = "", ""
    for envelope in envelopes:
        match envelope.event:
            case TaskGiven(task=given):
                task, text, goals = given.id, given.text, {}
            case PlanMade(plan=plan):
                goals = {step.id: step.goal for step in plan.steps}
            case ModelAsked() as event:
                name = event.step or BESIDE
                account = found.setdefault((task, name), StepAccount(text, name))
                account.goal = goals.get(name, account.goal)
                asked[event.call_id] = event, account
                _side(account, event).calls += 1
            case ModelAnswered() as event if event.call_id in asked:
                question, account = asked[event.call_id]
                _side(account, question).add(Account.of_answer(event))
            case _:
                pass
    return list(found.values())


def _side(account: StepAccount, event: ModelAsked) -> Account:
    return account.frontier if event.backend == "frontier" else account.local


def growth(envelopes: Iterable[Envelope]) -> Growth:
    """Tokens and dollars as they added up, in seconds since the first request."""
    result = Growth()
    start: datetime | None = None
    tokens, usd = 0.0, 0.0
    for envelope in envelopes:
        event = envelope.event
        if isinstance(event, ModelAsked) and start is None:
            start = datetime.fromisoformat(envelope.at)
        elif isinstance(event, ModelAnswered) and start is not None:
            moment = max(0.0, (datetime.fromisoformat(envelope.at) - start).total_seconds())
            tokens += event.usage.input_tokens + event.usage.output_tokens
            usd += event.cost_usd or 0.0
            result.tokens.append((moment, tokens))
            result.usd.append((moment, usd))
    return result
