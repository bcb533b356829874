"""The ladder of tries for one step: local, local with the error, samples, a frontier hint, the frontier, a person.

Invariant: the rungs are a function of settings, step, route and the models at hand; nothing is learned at run time. A
route never takes a step from the writer that the plan names, and never adds a try to what the settings allow.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hybridcode.agent.kinds import work_of
from hybridcode.agent.run import Run
from hybridcode.config.routing import Route
from hybridcode.config.settings import RoutingSettings
from hybridcode.domain.plan import Step, Writer

RungName = Literal["local", "local_retry", "local_sample", "frontier_hint", "frontier", "person"]


@dataclass(frozen=True)
class Rung:
    """One try: who writes, and why it is their turn."""

    name: RungName
    writer: Writer
    attempt: int
    why: str


def rungs(
    step: Step,
    routing: RoutingSettings,
    *,
    has_local: bool,
    has_frontier: bool,
    route: Route | None = None,
    drafter: str = "local",
) -> Iterator[Rung]:
    """The tries for one step, in order; a step is given to a person when they are used up.

    `route` is what routing.toml says of this kind of step, `drafter` who plays the local model's part. Samples are for
    steps of which a check tells in a scratch copy which draft is right (`agent.whole.is_tried`).
    """
    attempt = 0
    who, whose = ("local model", "") if drafter == "local" else (f"the model {drafter}", " ([roles] draft)")
    is_routed_up = route is not None and route.first == "frontier" and has_frontier and routing.frontier_tries > 0
    if has_local and not is_routed_up and (step.writer == "local" or not has_frontier):
        tries, reason = routing.local_tries, f"{who} writes{whose}"
        if route is not None and route.first == "local":
            tries, reason = min(tries, route.local_tries), route.why
        for n in range(tries):
            attempt += 1
            why = reason if n == 0 else f"{who} again, with the reason of the refusal"
            yield Rung("local" if n == 0 else "local_retry", "local", attempt, why)
        for _ in range(routing.samples - 1 if tries else 0):
            attempt += 1
            yield Rung("local_sample", "local", attempt, f"{who} from scratch, with another seed: the check chooses")
        if has_frontier:
            for _ in range(routing.frontier_hints):
                attempt += 1
                yield Rung("frontier_hint", "local", attempt, f"{who} with a hint from the frontier")
    if has_frontier:
        why = "local tries used up"
        if step.writer == "frontier":
            why = step.why or "the plan gives this step to the frontier"
        elif route is not None and is_routed_up:
            why = route.why
        if not has_local:
            why = "[roles] draft is frontier" if drafter == "frontier" else "no local model"
        for _ in range(routing.frontier_tries):
            attempt += 1
            yield Rung("frontier", "frontier", attempt, why)


async def ladder_for(run: Run, step: Step) -> tuple[Rung, ...]:
    """The tries for one step of a run."""
    work = work_of(step, await run.snapshot()) if run.routes.route else None
    return tuple(
        rungs(
            step,
            run.settings.routing,
            has_local=run.senders.has_drafter,
            has_frontier=run.senders.frontier is not None,
            route=run.routes.route_for(work) if work is not None else None,
            drafter=run.senders.part("local"),
        )
    )
