"""The limit of what a session may spend, looked at before each request.

Invariant: an unknown price counts as over the limit when one is set.
"""

from hybridcode.domain.errors import LimitReached
from hybridcode.models.ledger import Account


def require_budget(frontier: Account, limit: float) -> None:
    """Let the next request pass while the frontier's account is below `limit` dollars; 0 = no limit.

    Raises:
        LimitReached: it is not, or nobody can tell.
    """
    if not limit:
        return
    if frontier.calls and frontier.usd is None:
        raise LimitReached(
            "The cost of this model is unknown, so the cost limit cannot be kept.",
            "Set [models.frontier] input_usd_per_mtok and output_usd_per_mtok, or drop --max-cost-usd.",
        )
    if (frontier.usd or 0.0) >= limit:
        raise LimitReached(f"The run has cost ${frontier.usd:.4f}; the limit is ${limit:.4f}.", "Raise --max-cost-usd.")
