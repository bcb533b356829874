"""Task, plan and step: what is to be done, before any model text exists.

Invariant: a Region is written `path`, `path#symbol` or `path#L3-9` wherever it is stored, shown or answered by a model.
"""

import re
from typing import Literal, Self

import msgspec

StepKind = Literal["edit", "create", "delete", "command"]
"""`edit` rewrites regions, `create` writes a new file, `delete` removes files, `command` runs a command."""

Writer = Literal["local", "frontier"]

_LINES = re.compile(r"L(\d{1,9})(?:-L?(\d{1,9}))?\Z")


class Region(msgspec.Struct, frozen=True):
    """A stretch of one file: all of it, a symbol (dotted, as `Cart.total`), or lines (1-based, inclusive)."""

    path: str
    symbol: str | None = None
    start: int | None = None
    end: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `path`, `path#symbol`, `path#L3` or `path#L3-9`."""
        path, _, place = text.strip().partition("#")
        place = place.strip()
        if not place:
            return cls(path=path)
        if found := _LINES.match(place):
            first = int(found[1])
            return cls(path=path, start=first, end=int(found[2] or first))
        return cls(path=path, symbol=place)

    def __str__(self) -> str:
        if self.symbol is not None:
            return f"{self.path}#{self.symbol}"
        if self.start is not None:
            return f"{self.path}#L{self.start}-{self.end}"
        return self.path


class Task(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person asked for, and the commit it was asked on (None outside git or before the first commit)."""

    id: str
    text: str
    repo_head: str | None = None


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One step of a plan. Steps form a DAG through `needs`."""

    id: str
    goal: str
    """One sentence that a writer can act on without having seen the task."""
    kind: StepKind = "edit"
    touches: tuple[str, ...] = ()
    """Regions this step may change, each as a Region string. For `create`, the new file's path."""
    reads: tuple[str, ...] = ()
    """Regions worth showing to the writer."""
    needs: tuple[str, ...] = ()
    """Ids of steps that must be done before."""
    command: str | None = None
    """The command line of a `command` step."""
    check: str | None = None
    """A command line that proves this step, run after it was applied."""
    writer: Writer = "local"
    """Who writes the first draft."""
    why: str = ""
    """Why this writer, when it is not the default one."""

    @property
    def regions(self) -> tuple[Region, ...]:
        """`touches`, parsed."""
        return tuple(Region.parse(text) for text in self.touches)


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the planner answered. A question that needs no edit has `answer` and no steps."""

    steps: tuple[Step, ...] = ()
    rationale: str = ""
    answer: str = ""
    check: str | None = None
    """A command line that proves the whole task."""


def moved(plan: Plan, step_id: str, touches: tuple[str, ...], *, goal: str = "") -> Plan:
    """The plan with one step at other places, and with another goal where there is one."""
    steps = (
        msgspec.structs.replace(one, touches=touches, goal=goal or one.goal) if one.id == step_id else one
        for one in plan.steps
    )
    return msgspec.structs.replace(plan, steps=tuple(steps))
