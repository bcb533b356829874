"""What a session used so far, for the line at the bottom.

Invariant: a scripted model counts as neither frontier tokens nor dollars; an unknown price makes the sum unknown.
"""

from dataclasses import dataclass

from hybridcode.domain.model import Timing, Usage
from hybridcode.models.ledger import Account, all_frontier
from hybridcode.models.pricing import Price
from hybridcode.session.state import SessionState
from hybridcode.tui.amounts import dollars, seconds, short, size, tokens
from hybridcode.tui.paint import width

WORTH_SAYING = 1.05
"""Tokens a pass from which on guessing shows in the meter."""


@dataclass(frozen=True)
class Meter:
    """Sums over the session, and the latest answer."""

    frontier_tokens: int = 0
    local_tokens: int = 0
    frontier_bytes: int = 0
    """Bytes the frontier wrote."""
    local_bytes: int = 0
    """Bytes the local model wrote."""
    usd: float | None = 0.0
    """None when a call's price is unknown."""
    budget_usd: float = 0.0
    """Dollars that the session may cost; 0 = no limit."""
    estimate_usd: float | None = None
    """What all of it by the frontier would have cost, where that can be said."""
    sent_calls: int = 0
    sent_bytes: int = 0
    """Bytes of prompts that left this machine."""
    usage: Usage | None = None
    timing: Timing | None = None
    has_frontier: bool = False
    """False for a session without a frontier model: then there is nothing to count."""
    has_local: bool = False

    @property
    def local_share(self) -> int | None:
        """Percent of written bytes that the local model wrote; None before anything was written."""
        both = self.local_bytes + self.frontier_bytes
        return round(100 * self.local_bytes / both) if both else None


def meter_of(state: SessionState, *, price: Price | None = None, budget_usd: float = 0.0) -> Meter:
    """The sums of a session: a look at what it holds, however long it is. `price` is the configured one."""
    ledger, sums, opened = state.sums.ledger, state.sums, state.opened
    is_scripted = opened is not None and opened.frontier_is_scripted
    frontier, local = Account() if is_scripted else ledger.frontier, ledger.local
    estimate = all_frontier(ledger, price) if local.calls and opened and opened.frontier and not is_scripted else None
    return Meter(
        frontier_tokens=frontier.input_tokens + frontier.output_tokens,
        local_tokens=local.input_tokens + local.output_tokens,
        frontier_bytes=frontier.output_bytes,
        local_bytes=local.output_bytes,
        usd=frontier.usd,
        budget_usd=budget_usd,
        estimate_usd=estimate.usd if estimate else None,
        sent_calls=ledger.remote_calls,
        sent_bytes=ledger.bytes_sent,
        usage=sums.usage,
        timing=sums.timing,
        has_frontier=opened is not None and opened.frontier is not None,
        has_local=opened is not None and opened.local is not None,
    )


def meter_items(meter: Meter) -> list[tuple[int, str]]:
    """Items for the bottom line in their order, each with its rank: 0 is dropped last."""
    items: list[tuple[int, str]] = []
    if meter.usage is not None and meter.usage.input_tokens:
        reused = f" ({short(meter.usage.cached_tokens)} reused)" if meter.usage.cached_tokens else ""
        items.append((4, f"prompt {short(meter.usage.input_tokens)} tok{reused}"))
    if meter.timing is not None and meter.timing.first_token_s is not None:
        items.append((6, f"TTFT {seconds(meter.timing.first_token_s)}"))
    if meter.timing is not None and meter.timing.decode_tps is not None:
        per_call = meter.timing.tokens_per_call or 1.0
        guessed = f" x{per_call:.1f}" if per_call >= WORTH_SAYING else ""
        items.append((5, f"{meter.timing.decode_tps:.0f} tok/s{guessed}"))
    if meter.has_frontier:
        items.append((2, _frontier(meter)))
    if meter.has_local:
        share = "" if meter.local_share is None else f" ({meter.local_share} % written)"
        items.append((3, f"{_local(meter)}{share}"))
    if meter.estimate_usd is not None:
        items.append((7, f"all-frontier est. {dollars(meter.estimate_usd)}"))
    if meter.budget_usd > 0:
        items.append((1, _left(meter)))
    items.append((0, _sent(meter)))
    return items


def spent(meter: Meter) -> str:
    """What a task used, in a sentence; empty without models."""
    share = "" if meter.local_share is None else f", {meter.local_share} % of what was written"
    parts = [_frontier(meter)] if meter.has_frontier else []
    return " · ".join([*parts, f"{_local(meter)}{share}"] if meter.has_local else parts)


def _frontier(meter: Meter) -> str:
    return f"frontier {tokens(meter.frontier_tokens)} {dollars(meter.usd)}"


def _left(meter: Meter) -> str:
    """What may still be spent; the limit counts the frontier's calls of the whole session."""
    left = "unknown" if meter.usd is None else dollars(max(0.0, meter.budget_usd - meter.usd))
    return f"left {left} of {dollars(meter.budget_usd)}"


def _local(meter: Meter) -> str:
    return f"local {tokens(meter.local_tokens)}"


def _sent(meter: Meter) -> str:
    if not meter.sent_calls:
        return "nothing left this machine"
    return f"sent {size(meter.sent_bytes)}"


def fitting(items: list[tuple[int, str]], cells: int, separator: str = " · ") -> list[str]:
    """The items that fit side by side, in order; the highest ranks go first, and none is ever cut."""
    kept = list(items)
    while kept and sum(width(text) for _, text in kept) + len(separator) * (len(kept) - 1) > cells:
        kept.remove(max(kept))
    return [text for _, text in kept]
