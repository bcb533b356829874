"""What a session used so far, and each step of it: sums that grow with every call.

Invariant: equal to adding up all calls again; a cost that nobody knows stays unknown; one more event costs the same
however long the session is.
"""

from dataclasses import dataclass, field

from hybridcode.domain.events import Event, ModelAnswered, ModelAsked
from hybridcode.domain.model import Timing, Usage
from hybridcode.models.ledger import Account, Ledger


@dataclass
class StepUse:
    """What a step used, all tries together."""

    frontier: Account = field(default_factory=Account)
    local: Account = field(default_factory=Account)
    decode_tps: float | None = None
    """Tokens a second of the latest draft, where it was told."""

    @property
    def calls(self) -> int:
        """Requests that were sent, also failed ones."""
        return self.frontier.calls + self.local.calls

    @property
    def input_tokens(self) -> int:
        """Tokens of prompts, by each model's own tokenizer."""
        return self.frontier.input_tokens + self.local.input_tokens

    @property
    def output_tokens(self) -> int:
        """Tokens of answers."""
        return self.frontier.output_tokens + self.local.output_tokens

    @property
    def seconds(self) -> float:
        """Seconds in which a model worked."""
        return self.frontier.seconds + self.local.seconds

    @property
    def usd(self) -> float | None:
        """Dollars; None when one call's price is unknown. The local model has none."""
        return self.frontier.usd

    def ask(self, event: ModelAsked) -> None:
        """Count a request."""
        self._side(event).calls += 1

    def answer(self, question: ModelAsked, event: ModelAnswered) -> None:
        """Add what came of it."""
        self._side(question).add(Account.of_answer(event))
        if question.role == "draft":
            self.decode_tps = event.timing.decode_tps

    def _side(self, event: ModelAsked) -> Account:
        return self.frontier if event.backend == "frontier" else self.local


@dataclass
class CallView:
    """A model call: running while `answered` is None."""

    asked: ModelAsked
    use: StepUse
    """Where its sums go."""
    answered: ModelAnswered | None = None


@dataclass
class Sums:
    """The ledger of a session as it stands, and its latest call."""

    ledger: Ledger = field(default_factory=Ledger)
    calls: int = 0
    """Calls that were begun; a transport's retries count as one with the first try."""
    last: CallView | None = None
    """The call that was asked last."""
    usage: Usage | None = None
    """Of the latest answer."""
    timing: Timing | None = None
    _open: dict[str, CallView] = field(default_factory=dict[str, CallView])

    def take(self, event: Event, use: dict[str, StepUse]) -> None:
        """Take in one event; `use` are the sums of the task it belongs to, by step, empty for calls of no step."""
        self.ledger.take(event)
        match event:
            case ModelAsked():
                self.calls += event.attempt == 1
                step = use.setdefault(event.step or "", StepUse())
                step.ask(event)
                self.last = self._open[event.call_id] = CallView(event, step)
            case ModelAnswered() if event.call_id in self._open:
                call = self._open.pop(event.call_id)
                call.answered = event
                call.use.answer(call.asked, event)
                self.usage, self.timing = event.usage, event.timing
            case _:
                pass
