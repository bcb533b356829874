"""A short hint from the frontier for a step the local model did not manage, and where it says the step belongs.

Invariant: the request holds the goal, the names around its place and what came of the tries, and what a person said
meanwhile, bounded; a step is moved only to places of the tree that the frontier may see and no step at work touches.
"""

import re
from typing import NamedTuple

from msgspec.structs import replace

from hybridcode.agent.asking import ask
from hybridcode.agent.distil import cut
from hybridcode.agent.drafter import goal_of, is_readable
from hybridcode.agent.planner import problems_of
from hybridcode.agent.run import Run
from hybridcode.agent.steering import beside
from hybridcode.domain.events import NoticeGiven, StepMoved
from hybridcode.domain.model import Message, ModelRequest
from hybridcode.domain.plan import Plan, Region, Step, moved
from hybridcode.models.prompts import load
from hybridcode.repo.symbols import outline

FEEDBACK_CHARS = 4_000
NAMES_CHARS = 800
"""Of the names that the files of a step define."""
MOST_PLACES = 12
_PLACE = re.compile(r"[\s`*-]*t:\s*(.+?)\s*")


class Hint(NamedTuple):
    """What the frontier says to a step."""

    note: str
    """For the next local draft."""
    places: tuple[str, ...] = ()
    """Where the step belongs; empty: where it is."""


async def ask_hint(run: Run, step: Step, feedback: str) -> Hint:
    """A hint for the next local draft.

    Raises:
        ModelError: when the frontier cannot be asked.
    """
    sender = run.senders.pick("frontier")
    names = await _names(run, step)
    place = f"# Place\n{', '.join(step.touches)}{names}{beside(run.notes)}"
    user = f"{goal_of(step, run.task.text)}\n\n{place}\n\n{feedback[:FEEDBACK_CHARS]}"
    request = ModelRequest(
        call_id=run.next_call_id(),
        role="hint",
        messages=(Message("system", load("hint")), Message("user", user)),
        max_output_tokens=300,
        step=step.id,
        files=step.touches,
    )
    reply = await ask(run, sender, request)
    return read_hint(reply.text)


async def _names(run: Run, step: Step) -> str:
    """What the files of a step define, as far as the frontier may see it."""
    snapshot = run.shown_to("frontier", await run.snapshot())
    paths = dict.fromkeys(region.path for region in step.regions if is_readable(snapshot, region.path))
    rows = (f"{path}: {', '.join(one.name for one in outline(path, snapshot.read(path)))}" for path in paths)
    text = "\n".join(row for row in rows if not row.endswith(": "))
    return f"\n\n# Names there\n{cut(text, NAMES_CHARS, between=' ')}" if text else ""


def read_hint(text: str) -> Hint:
    """The lines that name places, and the rest."""
    lines = text.strip().split("\n")
    found = [_PLACE.fullmatch(line) for line in lines]
    named = [part.strip(" `\"'") for match in found if match for part in match[1].split(",")]
    rest = "\n".join(line for line, match in zip(lines, found, strict=True) if not match).strip()
    return Hint(f"# Hint\n{rest}", tuple(dict.fromkeys(filter(None, named)))[:MOST_PLACES])


async def move(run: Run, step: Step, places: tuple[str, ...]) -> Step:
    """The step where a hint says it belongs, on record; as it is where nothing of that can be followed."""
    if not places or step.kind != "edit" or run.plan is None:
        return step
    snapshot = run.shown_to("frontier", await run.snapshot())
    others = (one for one in run.plan.steps if one.id != step.id and one.id in run.lanes.doing)
    taken = {region.path for one in others for region in one.regions}
    known: list[str] = []
    for place in places:
        problems = problems_of(Plan((replace(step, touches=(place,), needs=()),)), snapshot)
        if Region.parse(place).path in taken:
            problems.append("another step is at work on that file")
        if problems:
            run.journal.append(NoticeGiven("info", f"the hint's place {place} is not followed: {problems[0]}"))
        else:
            known.append(place)
    if not known or tuple(known) == step.touches:
        return step
    run.plan = moved(run.plan, step.id, tuple(known))
    run.journal.append(StepMoved(step.id, tuple(known)))
    return replace(step, touches=tuple(known))
