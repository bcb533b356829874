"""Whether a session may still spend.

Invariant: an unknown price counts as over a limit.
"""

from hybridcode.config.settings import Settings
from hybridcode.domain.errors import LimitReached
from hybridcode.session.state import SessionState


def require_budget(settings: Settings, state: SessionState) -> None:
    """Raise LimitReached once the frontier's calls have cost what they may."""
    limit = settings.limits.max_cost_usd
    if not limit:
        return
    frontier = state.sums.ledger.frontier
    if frontier.calls and frontier.usd is None:
        raise LimitReached(
            "The cost of this model is unknown, so the cost limit cannot be kept.",
            "Set [models.frontier] input_usd_per_mtok and output_usd_per_mtok, or drop --max-cost-usd.",
        )
    if (frontier.usd or 0.0) >= limit:
        raise LimitReached(f"The run has cost ${frontier.usd:.4f}; the limit is ${limit:.4f}.", "Raise --max-cost-usd.")
