"""A short hint from the frontier for a step the local model did not manage.

Invariant: the request holds the goal and the last reason, and what a person said meanwhile, bounded; never the
drafts.
"""

from hybridcode.agent.asking import ask
from hybridcode.agent.drafter import goal_of
from hybridcode.agent.run import Run
from hybridcode.agent.steering import beside
from hybridcode.domain.model import Message, ModelRequest
from hybridcode.domain.plan import Step
from hybridcode.models.prompts import load

FEEDBACK_CHARS = 4_000


async def ask_hint(run: Run, step: Step, feedback: str) -> str:
    """A note for the next local draft.

    Raises:
        ModelError: when the frontier cannot be asked.
    """
    sender = run.senders.pick("frontier")
    place = f"# Place\n{', '.join(step.touches)}{beside(run.notes)}"
    user = f"{goal_of(step, run.task.text)}\n\n{place}\n\n{feedback[:FEEDBACK_CHARS]}"
    request = ModelRequest(
        call_id=run.next_call_id(),
        role="hint",
        messages=(Message("system", load("hint")), Message("user", user)),
        max_output_tokens=300,
        step=step.id,
        files=step.touches,
    )
    reply = await ask(run, sender, request)
    return f"# Hint\n{reply.text.strip()}"
