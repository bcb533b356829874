"""What the keys of the plan do.

Invariant: as in key_effects.
"""

from driving import Drive
from key_effects import Case, focus, screen
from scenes import done

IN_PLAN = ("ctrl+t",)


def told(drive: Drive) -> str:
    return drive.told


EFFECTS: dict[str, Case] = {
    "session.plan": Case(done, (), focus, "PlanView"),
    "steps.down": Case(done, (*IN_PLAN, "k", "k", "k", "k"), told),
    "steps.up": Case(done, (*IN_PLAN, "j", "j", "j", "j"), told),
    "steps.open": Case(done, IN_PLAN, screen),
    "steps.figures": Case(done, IN_PLAN, told, size=(120, 40)),
    "steps.back": Case(done, IN_PLAN, focus, "Composer"),
}
