"""How large a window may be for a model, and how it gets smaller when it did not fit.

Invariant: a prompt that does not fit is assembled anew with less in it, lowest rank first; nothing is cut off it.
"""

from hybridcode.agent.run import Run
from hybridcode.domain.errors import ContextOverflow
from hybridcode.domain.events import NoticeGiven
from hybridcode.domain.model import ModelInfo

LEAST = 256
"""Tokens of the smallest window that is worth asking with."""
_AROUND = 1_500
"""Tokens left for what stands around a window."""
_SPARE = 64


def window_budget(run: Run, info: ModelInfo) -> int:
    """Tokens for a step's window: the setting, less where the model's context is smaller."""
    wanted = run.settings.context.step_tokens
    if info.n_ctx is None:
        return wanted
    answer = run.settings.models.of(info.table or info.backend).max_output_tokens
    return max(LEAST, min(wanted, info.n_ctx - answer - _AROUND))


def reading_budget(run: Run, *, held: int, later: int) -> int:
    """Tokens of what a planner asked to see: the setting, twice that for the local model, whose tokens cost nothing,
    where its context has room beside `held` tokens of talk and the setting for each of `later` rounds."""
    wanted = run.settings.context.plan_tokens
    if run.planner != "local":
        return wanted
    info = run.senders.pick("local").model.info
    if info.n_ctx is None:
        return 2 * wanted
    answer = run.settings.models.of(info.table or info.backend).max_output_tokens
    return max(wanted, min(2 * wanted, info.n_ctx - answer - _AROUND - held - later * wanted))


def after_overflow(run: Run, budget: int, error: ContextOverflow, *, what: str) -> int:
    """The budget for the next try after a window of `budget` tokens did not fit; says so.

    Raises: `error`, when there is nothing left to leave out.
    """
    cut = budget // 4 if error.over is None else error.over + error.over // 8 + _SPARE
    smaller = budget - max(cut, budget // 16)
    if smaller < LEAST:
        raise error
    run.journal.append(NoticeGiven("info", f"{what} is made smaller: {budget:,} -> {smaller:,} tokens", error.message))
    return smaller
