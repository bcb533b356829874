"""How much of one step the frontier may be shown, over all requests about it.

Invariant: counted from the receipts of this task, transport retries and earlier runs included; a request that would go
over the cap is not sent.
"""

from collections.abc import Sequence

from hybridcode.domain.errors import StepCapReached
from hybridcode.domain.events import Envelope, ModelAsked, TaskGiven
from hybridcode.domain.model import ModelInfo, ModelRequest

BYTES_PER_TOKEN = 4


def check_step_cap(request: ModelRequest, info: ModelInfo, envelopes: Sequence[Envelope], *, cap: int) -> None:
    """Let a request about a step pass, or say why not; `cap` is in tokens of four bytes, 0 = none.

    Raises:
        StepCapReached: with the tokens that are too many.
    """
    if not cap or request.step is None or info.backend != "frontier":
        return
    sent = shown_of_step(request.step, envelopes)
    over = -(-(sent + request.prompt_bytes) // BYTES_PER_TOKEN) - cap
    if over <= 0:
        return
    error = StepCapReached(
        f"The frontier was shown {-(-sent // BYTES_PER_TOKEN):,} tok of step {request.step}; a {request.role} request "
        f"would add {-(-request.prompt_bytes // BYTES_PER_TOKEN):,} tok, and the cap is {cap:,} tok.",
        "Raise [limits] step_input_tokens, or do this step yourself.",
    )
    error.over = over
    raise error


def shown_of_step(step: str, envelopes: Sequence[Envelope]) -> int:
    """Bytes of all requests to the frontier about a step of the latest task."""
    total = 0
    for envelope in reversed(envelopes):
        match envelope.event:
            case ModelAsked(step=name, backend="frontier", prompt_bytes=size) if name == step:
                total += size
            case TaskGiven():
                break
            case _:
                pass
    return total
