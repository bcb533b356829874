"""What the trials that are left can cost at most, before the first of them is made.

Invariant: an upper bound at known prices: full windows, two bytes a token, every try and every answer at its limit;
where a price is unknown the sum is unknown, and tokens are told.
"""

from collections.abc import Sequence

import msgspec

from hybridcode.models.price_list import price_of
from hybridcode.session.calibration.bench import Contender
from hybridcode.session.calibration.cases import Case

_AROUND_TOKENS, _FEEDBACK_TOKENS = 1_500, 1_200
"""Tokens of four bytes around a window: instructions and goal; and what a second try is told."""
_WORST_TOKENS = 2
"""Tokens of a provider for one of four bytes, at worst."""


class Worst(msgspec.Struct, frozen=True):
    """The most that the trials of one model can cost."""

    model: str
    writer: str
    is_remote: bool
    trials: int
    requests: int
    input_tokens: int
    output_tokens: int
    usd: float | None
    """None = unknown. Retries after failures of the network are not counted: providers do not bill them."""


def worst_case(contender: Contender, cases: Sequence[Case], *, step_tokens: int, tries: int) -> Worst:
    """The bound for one model over a trial of each of `cases`, with windows of `step_tokens`."""
    requests = sum(len(case.step.regions) for case in cases) * tries
    models = contender.settings.models
    is_frontier = contender.writer == "frontier"
    prompt = step_tokens + _AROUND_TOKENS + (_FEEDBACK_TOKENS if tries > 1 else 0)
    prompt = min(prompt, models.frontier.max_input_tokens) if is_frontier else prompt
    answer = models.frontier.max_output_tokens if is_frontier else models.local.max_output_tokens
    tokens_in, tokens_out = requests * prompt * _WORST_TOKENS, requests * answer
    return Worst(
        model=contender.name,
        writer=contender.writer,
        is_remote=contender.model.info.is_remote,
        trials=len(cases),
        requests=requests,
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        usd=_usd(contender, tokens_in, tokens_out),
    )


def _usd(contender: Contender, tokens_in: int, tokens_out: int) -> float | None:
    if contender.writer == "local" or contender.model.info.is_scripted or not tokens_in:
        return 0.0
    price = price_of(contender.settings.models.frontier)
    return None if price is None else price.input * tokens_in + price.output * tokens_out
