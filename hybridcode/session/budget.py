"""The cap of dollars: looked at before each call, with the most that the call could cost.

Invariant: a call that could break the cap is not made. What a stopped answer has used is not known, so it counts with
the most that it can have used; a model without a known price is not asked while there is a cap.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hybridcode.config.settings import FrontierSettings, Settings
from hybridcode.domain.errors import LimitReached
from hybridcode.domain.events import Envelope, ModelAnswered, ModelAsked
from hybridcode.domain.model import ModelInfo, ModelRequest, Usage
from hybridcode.models.pricing import Price, price_for
from hybridcode.session.step_cap import check_step_cap

_FRAME_TOKENS = 64
"""Tokens that a provider may put around the messages of one request."""


@dataclass(frozen=True)
class Rate:
    """What a call of one model can cost."""

    price: Price | None
    max_output_tokens: int
    """Of any one call."""
    table: str = "frontier"
    """The NAME of its [models.NAME]."""

    def worst(self, prompt_bytes: int, output_tokens: int) -> float:
        """Dollars at most: no tokenizer makes more tokens than there are bytes."""
        if self.price is None:
            return 0.0  # a script's; no other one without a price is asked
        return self.price.of(Usage(input_tokens=prompt_bytes + _FRAME_TOKENS, output_tokens=output_tokens))


@dataclass(frozen=True)
class Budget:
    """A limit for the calls of a session that go through litellm."""

    limit_usd: float
    """0 = no limit."""
    price: Price | None
    max_output_tokens: int
    """Of any one call."""
    named: Mapping[str, Rate] = field(default_factory=dict[str, Rate])
    """What calls of further models can cost, by the name that they are asked under."""

    def check(self, request: ModelRequest, info: ModelInfo, envelopes: Iterable[Envelope]) -> None:
        """Let a call pass, or say why not.

        Raises:
            LimitReached: it could cost more than is left, or what it costs is not known.
        """
        if not self.limit_usd or info.backend != "frontier":
            return
        rate = self._rate(info.name)
        if rate.price is None:
            if info.is_scripted:
                return
            raise LimitReached(
                f"The price of {info.name} is unknown, so the cost limit cannot be kept.",
                f"Set [models.{rate.table}] input_usd_per_mtok and output_usd_per_mtok, or drop --max-cost-usd.",
            )
        spent = self._spent(envelopes)
        next_call = rate.worst(request.prompt_bytes, request.max_output_tokens)
        if spent + next_call <= self.limit_usd:
            return
        raise LimitReached(
            f"The next call could cost up to ${next_call:.4f} ({request.role}, {request.prompt_bytes:,} bytes in, at "
            f"most {request.max_output_tokens:,} tok out); the run has cost ${spent:.4f} of ${self.limit_usd:.4f}.",
            f"Raise --max-cost-usd, or lower [models.{rate.table}] max_output_tokens; then resume.",
        )

    def _spent(self, envelopes: Iterable[Envelope]) -> float:
        """What all calls so far cost, those whose end is not known with the most they can have cost."""
        asked: dict[str, ModelAsked] = {}
        spent = 0.0
        for envelope in envelopes:
            match envelope.event:
                case ModelAsked(backend="frontier") as event:
                    asked[event.call_id] = event
                case ModelAnswered() as event if event.call_id in asked:
                    spent += self._cost(asked.pop(event.call_id), event)
                case _:
                    pass
        return spent + sum(self._worst_of(event) for event in asked.values())

    def _cost(self, asked: ModelAsked, event: ModelAnswered) -> float:
        if event.cost_usd is not None:
            return event.cost_usd
        if event.error and not event.usage.output_bytes:
            return 0.0  # nothing came back: refused, or never reached
        return self._worst_of(asked)

    def _worst_of(self, asked: ModelAsked) -> float:
        rate = self._rate(asked.model)
        return rate.worst(asked.prompt_bytes, rate.max_output_tokens)

    def _rate(self, model: str) -> Rate:
        return self.named.get(model) or Rate(self.price, self.max_output_tokens)


def budget_check(settings: Settings, envelopes: Sequence[Envelope]) -> Callable[[ModelRequest, ModelInfo], None]:
    """The caps of the settings, as they are looked at before each call; `envelopes` grow meanwhile."""
    limit, frontier = settings.limits.max_cost_usd, settings.models.frontier
    named = _named_rates(settings) if limit else {}
    budget = Budget(limit, price_for(frontier) if limit else None, frontier.max_output_tokens, named)

    def check(request: ModelRequest, info: ModelInfo) -> None:
        check_step_cap(request, info, envelopes, cap=settings.limits.step_input_tokens)
        budget.check(request, info, envelopes)

    return check


def _named_rates(settings: Settings) -> dict[str, Rate]:
    """Rates by model; where several tables have the same one, the dearest counts, an unknown price above all."""
    tables: dict[str, FrontierSettings] = {"frontier": settings.models.frontier, **settings.models.named_frontier}
    rates: dict[str, Rate] = {}
    for table, own in tables.items():
        rate, known = Rate(price_for(own), own.max_output_tokens, table), rates.get(own.model)
        if known is None or _dearness(rate) > _dearness(known):
            rates[own.model] = rate
    return rates


def _dearness(rate: Rate) -> float:
    return math.inf if rate.price is None else rate.worst(1, rate.max_output_tokens)
