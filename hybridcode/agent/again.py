"""How a plan ended, and the one that is asked for because it failed: what it is told, and how it goes on from there.

Invariant: steps that are done stay in the plan as they are; new steps have names that no step of the task had.
"""

from collections.abc import Collection
from dataclasses import dataclass

from msgspec.structs import replace

from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Plan, Step

_ID_CHARS = 40


@dataclass(frozen=True)
class Failure:
    """Why a plan failed."""

    why: str
    """In one sentence."""
    told: str = ""
    """What its check, or its last try, came to."""
    step: str = ""
    """The step that failed; empty: the check of the whole task, or its verdict."""
    objection: str = ""
    """The judge's own words, where its verdict failed the plan."""


@dataclass(frozen=True)
class End:
    """How a plan ended."""

    code: ExitCode
    message: str
    failure: Failure | None = None
    """What another plan would have to know; None where none is asked for."""


@dataclass(frozen=True)
class Again:
    """What a plan goes on from."""

    number: int
    """How often its task has been planned again by then."""
    told: str
    """What became of the plan before it, as a part of the request."""
    files: tuple[str, ...]
    """Changed files whose changes are told, and places of the steps whose tries are told."""
    kept: tuple[Step, ...]
    """Steps that are done."""
    taken: frozenset[str]
    """Ids of all steps of the plan before."""
    check: str | None
    """What was to prove the whole task."""
    places: tuple[str, ...] = ()
    """Places of the plan before, as Region strings: what its request shows of the tree."""

    @property
    def label(self) -> str:
        """What its requests are counted under: together they have the cap of one step. No plan can use this id."""
        return f"(repair {self.number})"

    def joined(self, plan: Plan) -> Plan:
        """The steps that are done, and the new ones behind them, under names of their own."""
        taken = set(self.taken)
        names = {step.id: fresh_id(f"r{self.number}.{step.id}", taken) for step in plan.steps}
        done = {step.id for step in self.kept}
        kept = (replace(step, needs=tuple(need for need in step.needs if need in done)) for step in self.kept)
        new = (replace(step, id=names[step.id], needs=tuple(map(names.__getitem__, step.needs))) for step in plan.steps)
        return replace(plan, steps=(*kept, *new), check=plan.check or self.check)


def fresh_id(name: str, taken: set[str]) -> str:
    """A step id that is not taken yet, and is from now on: at most 40 characters."""
    found = name[-_ID_CHARS:]
    while found in taken:
        found = f"{found[-_ID_CHARS + 2 :]}.r"
    taken.add(found)
    return found


def still_open(plan: Plan, done: Collection[str]) -> Plan:
    """The steps that have not ended, as a plan of their own: a file that one of the others made is there by now."""
    left = (step for step in plan.steps if step.id not in done)
    return replace(plan, steps=tuple(replace(one, needs=tuple(n for n in one.needs if n not in done)) for one in left))
