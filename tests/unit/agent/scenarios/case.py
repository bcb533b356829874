"""What one scenario is: a tree, a plan, what models and a person answer, and the tree afterwards, to the byte."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hybridcode.domain.exits import ExitCode
from hybridcode.domain.plan import Step
from hybridcode.models.scripted import ScriptedAnswer
from tests.support.sessions import fence

FILES: Mapping[str, str] = {
    "shop.py": "RATE = 3\n\n\ndef total(items):\n    return sum(items)\n",
    "tax.py": "TAX = 1\n",
    "log.md": "# Log\n",
}
Answers = Sequence[str | ScriptedAnswer]
NO_FRONTIER_RUNGS: Mapping[str, object] = {"routing.frontier_hints": 0, "routing.frontier_tries": 0}
YES, NOBODY = "--yes", "nobody"
FIVE, SIX = "RATE = 5", "RATE = 6"
IS_FIVE = "grep -q 5 shop.py"


def step(name: str, *touches: str, **more: Any) -> Step:
    """A step; a command where there is one, else an edit."""
    fields: dict[str, Any] = {"kind": "command" if "command" in more else "edit", **more}
    return Step(name, f"do {name}", touches=touches, **fields)


RATE = step("rate", "shop.py#RATE")
TOTAL = step("total", "shop.py#total")
TAX = step("tax", "tax.py#TAX")
LOG = step("log", "log.md")
DOUBLED = "def total(items):\n    return 2 * sum(items)"


def changed(**texts: str | None) -> dict[str, str | None]:
    """Files by name with `__` for the dot, as they are afterwards; None = gone."""
    return {name.replace("__", "."): text for name, text in texts.items()}


def shop(rate: str = "RATE = 3", total: str = "def total(items):\n    return sum(items)") -> str:
    """shop.py."""
    return f"{rate}\n\n\n{total}\n"


ALLOWED: Mapping[str, object] = {"approval.allow": (f"Bash(={IS_FIVE})",)}
DONE = changed(shop__py=shop(FIVE))


@dataclass(frozen=True)
class Case:
    """One run from a task to its end."""

    name: str
    steps: Sequence[Step]
    after: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    """What is different from `files` at the end."""
    code: ExitCode = ExitCode.DONE
    rungs: Sequence[str] = ()
    """`step:rung` in the order they were taken."""
    local: Mapping[str, Answers] | None = field(default_factory=dict[str, Answers])
    frontier: Mapping[str, Answers] | None = field(default_factory=dict[str, Answers])
    """Beside plan and judge."""
    judge: str = "good"
    person: Mapping[str, Sequence[str]] | str = YES
    """Step -> `yes`, `no`, `no: REASON`, `edit: OLD -> NEW`, `part: OLD -> NEW; REASON` or `interrupt`, in order; or
    who answers instead."""
    meddles: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict[str, Sequence[tuple[str, str]]])
    """Step -> what somebody else writes into a file each time the person is asked about it."""
    settings: Mapping[str, object] = field(default_factory=dict[str, object])
    files: Mapping[str, str] = field(default_factory=lambda: FILES)
    replies: Sequence[str] = ()
    """What the planner answers, if not the steps."""
    says: str = ""
    """Words of the outcome."""
    repairs: int | None = None
    """How often the frontier is asked for another plan; None = not looked at."""
    whys: Sequence[str] = ()
    """Words that the reasons of rungs hold, in this order."""


def rates(*values: int) -> list[str]:
    """Answers that set the rate."""
    return [fence(f"RATE = {value}") for value in values]
