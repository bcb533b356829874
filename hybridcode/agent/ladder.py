"""The ladder of tries for one step: local, local with the error, a frontier hint, the frontier itself, a person.

Invariant: the rungs are a function of settings, step and the models at hand; nothing is learned at run time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hybridcode.config.settings import RoutingSettings
from hybridcode.domain.plan import Step, Writer

RungName = Literal["local", "local_retry", "frontier_hint", "frontier", "person"]


@dataclass(frozen=True)
class Rung:
    """One try: who writes, and why it is their turn."""

    name: RungName
    writer: Writer
    attempt: int
    why: str


def rungs(step: Step, routing: RoutingSettings, *, has_local: bool, has_frontier: bool) -> Iterator[Rung]:
    """The tries for one step, in order; a step is given to a person when they are used up."""
    attempt = 0
    if has_local and (step.writer == "local" or not has_frontier):
        for n in range(routing.local_tries):
            attempt += 1
            why = "local model writes" if n == 0 else "local model again, with the reason of the refusal"
            yield Rung("local" if n == 0 else "local_retry", "local", attempt, why)
        if has_frontier:
            for _ in range(routing.frontier_hints):
                attempt += 1
                yield Rung("frontier_hint", "local", attempt, "local model with a hint from the frontier")
    if has_frontier:
        why = (
            step.why or "the plan gives this step to the frontier"
            if step.writer == "frontier"
            else "local tries used up"
        )
        if not has_local:
            why = "no local model"
        for _ in range(routing.frontier_tries):
            attempt += 1
            yield Rung("frontier", "frontier", attempt, why)
