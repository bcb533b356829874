"""What becomes of a task's plan, as events.

Invariant: as in domain/events.py.
"""

import msgspec

from hybridcode.domain.plan import Plan

JUDGE = "judge"
"""Source of a plan that follows by rule from what the judge objects to."""


class BaselineTaken(msgspec.Struct, frozen=True, tag=True, tag_field="type"):
    """How the check ended in a copy of the tree as it was: after TaskGiven, before the first request for a plan, which
    holds `told`. At most once in a task."""

    command: str
    tree: str
    """Digest of the tree that it ran on."""
    passed: bool
    exit_code: int
    seconds: float
    told: str
    """What planners are told of it."""
    failing: tuple[str, ...] = ()
    """Names of the failing tests, as far as the output tells them."""
    is_reused: bool = False
    """It ran for an earlier task of the session, on this very tree."""


class PlannerChosen(msgspec.Struct, frozen=True, tag=True, tag_field="type"):
    """After TaskGiven, before the model is asked for a plan; once more where the first one's plan could not be used."""

    writer: str
    """`frontier`, `local` or the NAME of a [models.NAME]."""
    why: str


class PlanMade(msgspec.Struct, frozen=True, tag=True, tag_field="type"):
    """After TaskGiven. A later PlanMade of the same task replaces the earlier one."""

    plan: Plan
    source: str
    """`frontier`, `local`, `scripted`, `person`, `judge` (by rule, from what it objects to) or a file's path."""


class PlanDecided(msgspec.Struct, frozen=True, tag=True, tag_field="type"):
    """After PlanMade, before its first step; of a revised plan before the first of its new steps."""

    approved: bool
    by: str
    reason: str = ""


class RepairAsked(msgspec.Struct, frozen=True, tag=True, tag_field="type"):
    """After the StepEnded, CheckRan or TaskJudged that a plan failed with, before the frontier is asked for another, or
    one is made by rule from the places that the judge names.

    Then PlanMade with the steps that are done and new ones behind them, or a NoticeGiven that says why there is none.
    At most `[limits] max_repairs` in a task.
    """

    number: int
    """1 for the first one of its task."""
    why: str
    step: str = ""
    """The step that failed; empty: the check of the whole task, or its verdict."""
    is_ruled: bool = False
    """No model is asked: the judge has said where what is wrong. At most once in a task."""

    @property
    def told(self) -> str:
        """What happens, for a person."""
        return (
            "planned again by rule, at the places that the judge names" if self.is_ruled else "the frontier plans again"
        )


class PlanRevised(msgspec.Struct, frozen=True, tag=True, tag_field="type"):
    """After the StepEnded of a declined step, before the planner is asked what to do in place of those that needed it.

    Then PlanMade with the new steps at its end, or a NoticeGiven that says why there are none. Once in a task.
    """

    step: str
    """The declined one."""
    why: str
    dropped: tuple[str, ...]
    """Ids of the steps that needed it."""


class StepMoved(msgspec.Struct, frozen=True, tag=True, tag_field="type"):
    """After the RungTaken of a hint, before the draft that it is for, the step is written at another place; after the
    CheckRan of the whole task, before the RungTaken of the next try, it is written at a place of an earlier step too.

    The plan has it there from here on.
    """

    step: str
    touches: tuple[str, ...]
    """Regions it may change now, as in a Step."""
    goal: str = ""
    """What it is to do now; empty: what it was to do before."""
    why: str = "as the hint says"
    earlier: str = ""
    """The step whose place was added; empty: none."""
