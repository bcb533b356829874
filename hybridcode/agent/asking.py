"""One request of a step to a model, in its lane.

Invariant: no more requests are under way than the model answers at once.
"""

from hybridcode.agent.run import Run
from hybridcode.domain.model import ModelRequest, Reply
from hybridcode.models.sender import Sender


async def ask(run: Run, sender: Sender, request: ModelRequest) -> Reply:
    """Send a request once there is room for it, and return the whole answer; whoever watches sees it come.

    Raises:
        ModelError, EgressForbidden, LimitReached: as `Sender.ask`.
    """
    async with run.lanes.request(sender.model.info.backend):
        return await sender.ask(request, on_chunk=run.show(request.step, request.call_id))
