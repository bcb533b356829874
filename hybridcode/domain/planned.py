"""What becomes of a task's plan, as events.

Invariant: as in domain/events.py.
"""

import msgspec

from hybridcode.domain.plan import Plan


class PlannerChosen(msgspec.Struct, frozen=True, tag=True, tag_field="type"):
    """After TaskGiven, before the model is asked for a plan; once more where the first one's plan could not be used."""

    writer: str
    """`frontier`, `local` or the NAME of a [models.NAME]."""
    why: str


class PlanMade(msgspec.Struct, frozen=True, tag=True, tag_field="type"):
    """After TaskGiven. A later PlanMade of the same task replaces the earlier one."""

    plan: Plan
    source: str
    """`frontier`, `local`, `scripted`, `person` or a file's path."""


class PlanDecided(msgspec.Struct, frozen=True, tag=True, tag_field="type"):
    """After PlanMade, before its first step."""

    approved: bool
    by: str
    reason: str = ""


class PlanRevised(msgspec.Struct, frozen=True, tag=True, tag_field="type"):
    """After the StepEnded of a declined step, before the planner is asked what to do in place of those that needed it.

    Then PlanMade with the new steps at its end, or a NoticeGiven that says why there are none. Once in a task.
    """

    step: str
    """The declined one."""
    why: str
    dropped: tuple[str, ...]
    """Ids of the steps that needed it."""
