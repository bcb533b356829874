"""Both models on one loopback server: what they answer is told apart by what the system prompt says they do."""

import json

from tests.support.chat_server import Answer, ChatServer, Exchange, say
from tests.support.sessions import fence

SET_RATE = {"s": [{"t": ["shop.py#RATE"], "g": "Set RATE to 5."}]}
"""A plan of one step."""
_OPENINGS = {"plan": "You plan", "judge": "You judge", "commit_message": "You write the message"}


def role_of(exchange: Exchange) -> str:
    """The role that a request is for; `draft` where no other is."""
    system = exchange.body["messages"][0]["content"]
    return next((role for role, opening in _OPENINGS.items() if system.startswith(opening)), "draft")


def by_role(
    *,
    plan: object = SET_RATE,
    draft: str = fence("RATE = 5"),
    judge: str = "good Done.",
    message: str = "Set the rate to five",
) -> Answer:
    """Answers each role with its text; a plan that is no text is written as JSON."""
    texts = {
        "plan": plan if isinstance(plan, str) else json.dumps(plan),
        "draft": draft,
        "judge": judge,
        "commit_message": message,
    }
    return lambda exchange: say(texts[role_of(exchange)], usage=(400, 20))(exchange)


def was_asked_for_a_plan(server: ChatServer) -> bool:
    """True if some request so far was the planner's."""
    systems = (body["messages"][0]["content"] for body in server.asked)
    return any(system.startswith(_OPENINGS["plan"]) for system in systems)
