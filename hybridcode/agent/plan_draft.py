"""The local model's draft of a plan, as the frontier is shown it.

Invariant: the frontier's request grows with the draft's places and steps, both bounded, never with what the local model
read or said to find them.
"""

from hybridcode.agent.plan_reply import in_short
from hybridcode.domain.plan import Plan

_MOST_STEPS = 12
_MOST_CHARS = 4_000
_LEAST_TOKENS = 600
_PLACE_TOKENS = 200
_ANSWERS = """\
A small model wrote it after a wider look at the repository; its places are above, but for imports, long lists and what
is still to be made. It may be wrong, vague or forget places. If a writer who sees only a step's places can do it:
{"ok": true}. Else an item of "s" may be the number of a step that stays as it is, or {"d": number} with only the keys
that differ: "g": "+ ..." and "t": ["+", ...] add to what is there, an empty r, n, c or w takes it away. A step that is
not named goes; "n" counts in your answer. Or "read" and "search" first."""


def why_unfit(draft: Plan, *, task: str) -> str:
    """Why reading a draft would cost what it saves; empty if it would not."""
    if len(draft.steps) > _MOST_STEPS:
        return f"{len(draft.steps)} steps; a draft has up to {_MOST_STEPS}"
    size = len(draft_part(draft, task=task))
    return f"{size:,} characters; a draft has up to {_MOST_CHARS:,}" if size > _MOST_CHARS else ""


def places_of(draft: Plan) -> tuple[str, ...]:
    """What a draft names of the tree: what it changes, then what its writers are to see."""
    return (
        *(place for step in draft.steps for place in step.touches),
        *(r for step in draft.steps for r in step.reads),
    )


def room_for(draft: Plan) -> int:
    """Tokens for the window of a draft's places, which is to be looked over and not studied."""
    return _LEAST_TOKENS + _PLACE_TOKENS * len(set(places_of(draft)))


def draft_part(draft: Plan, *, task: str) -> str:
    """The part of the request that holds the draft, and how it may be answered."""
    said = [f"Whole check: {draft.check}"] if draft.check else []
    if draft.answer:
        said.append(f"It answers, without a change: {draft.answer}")
    steps = in_short(draft, task=task)
    return "\n".join(("# A draft of the plan", *([steps] if steps else []), *said, _ANSWERS))
