"""What a session used so far, for the line at the bottom: a fold of its model calls.

Invariant: a scripted model counts as neither frontier tokens nor dollars; an unknown price makes the sum unknown.
"""

from dataclasses import dataclass

from hybridcode.domain.model import Timing, Usage
from hybridcode.session.state import SessionState
from hybridcode.tui.amounts import dollars, seconds, short, size, tokens

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
    sent_calls: int = 0
    sent_bytes: int = 0
    """Bytes of prompts that left this machine."""
    hosts: tuple[str, ...] = ()
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


def meter_of(state: SessionState) -> Meter:
    """Add up the calls of a session."""
    is_scripted = state.opened is not None and state.opened.frontier_is_scripted
    counts = {"frontier": [0, 0], "local": [0, 0]}
    usd: float | None = 0.0
    latest = None
    sent = [call.asked for call in state.calls.values() if call.asked.is_remote]
    for call in state.calls.values():
        answer = call.answered
        if answer is None:
            continue
        latest = answer
        if call.asked.backend == "frontier" and is_scripted:
            continue
        counts[call.asked.backend][0] += answer.usage.input_tokens + answer.usage.output_tokens
        counts[call.asked.backend][1] += answer.usage.output_bytes
        if call.asked.backend == "frontier":
            usd = None if usd is None or answer.cost_usd is None else usd + answer.cost_usd
    return Meter(
        frontier_tokens=counts["frontier"][0],
        local_tokens=counts["local"][0],
        frontier_bytes=counts["frontier"][1],
        local_bytes=counts["local"][1],
        usd=usd,
        sent_calls=len(sent),
        sent_bytes=sum(asked.prompt_bytes for asked in sent),
        hosts=tuple(sorted({asked.host for asked in sent if asked.host})),
        usage=latest.usage if latest else None,
        timing=latest.timing if latest else None,
        has_frontier=state.opened is not None and state.opened.frontier is not None,
        has_local=state.opened is not None and state.opened.local is not None,
    )


def meter_items(meter: Meter) -> list[tuple[int, str]]:
    """Items for the bottom line in their order, each with its rank: 0 is dropped last."""
    items: list[tuple[int, str]] = []
    if meter.usage is not None and meter.usage.input_tokens:
        reused = f" ({short(meter.usage.cached_tokens)} reused)" if meter.usage.cached_tokens else ""
        items.append((4, f"prompt {short(meter.usage.input_tokens)} tok{reused}"))
    if meter.timing is not None and meter.timing.first_token_s is not None:
        items.append((5, f"TTFT {seconds(meter.timing.first_token_s)}"))
    if meter.timing is not None and meter.timing.decode_tps is not None:
        per_call = meter.timing.tokens_per_call or 1.0
        guessed = f" x{per_call:.1f}" if per_call >= WORTH_SAYING else ""
        items.append((3, f"{meter.timing.decode_tps:.0f} tok/s{guessed}"))
    if meter.has_frontier:
        items.append((1, _frontier(meter)))
    if meter.has_local:
        share = "" if meter.local_share is None else f" ({meter.local_share} % written)"
        items.append((2, f"{_local(meter)}{share}"))
    items.append((0, _sent(meter)))
    return items


def spent(meter: Meter) -> str:
    """What a task used, in a sentence; empty without models."""
    share = "" if meter.local_share is None else f", {meter.local_share} % of what was written"
    parts = [_frontier(meter)] if meter.has_frontier else []
    return " · ".join([*parts, f"{_local(meter)}{share}"] if meter.has_local else parts)


def _frontier(meter: Meter) -> str:
    return f"frontier {tokens(meter.frontier_tokens)} {dollars(meter.usd)}"


def _local(meter: Meter) -> str:
    return f"local {tokens(meter.local_tokens)}"


def _sent(meter: Meter) -> str:
    if not meter.sent_calls:
        return "nothing left this machine"
    return f"sent {size(meter.sent_bytes)}"


def fitting(items: list[tuple[int, str]], cells: int, separator: str = " · ") -> list[str]:
    """The items that fit side by side, in order; the highest ranks go first."""
    kept = list(items)
    while len(kept) > 1 and sum(len(text) for _, text in kept) + len(separator) * (len(kept) - 1) > cells:
        kept.remove(max(kept))
    return [text for _, text in kept]
