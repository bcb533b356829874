"""A short hint from the frontier for what the local model did not manage of a step, and where it says that belongs.

Invariant: the request holds the goal, the places that failed with the answers for them, the names around them, what
came of the tries, and what a person said meanwhile, all bounded; only what failed is moved, and only to places of the
tree that the frontier may see and no step at work touches.
"""

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from msgspec.structs import replace

from hybridcode.agent.asking import ask
from hybridcode.agent.distil import cut
from hybridcode.agent.drafter import goal_of, is_readable
from hybridcode.agent.kept import Kept
from hybridcode.agent.notes import Notes
from hybridcode.agent.plan_reply import with_files
from hybridcode.agent.planner import problems_of
from hybridcode.agent.run import Run
from hybridcode.agent.steering import beside
from hybridcode.context.regions import resolve
from hybridcode.domain.errors import ContextError
from hybridcode.domain.events import NoticeGiven, StepMoved
from hybridcode.domain.model import Message, ModelRequest
from hybridcode.domain.plan import Plan, Region, Step, moved
from hybridcode.models.prompts import load
from hybridcode.repo.lines import split_lines
from hybridcode.repo.snapshot import Snapshot
from hybridcode.repo.symbols import outline

FEEDBACK_CHARS = 3_000
"""Of what a check or a person said to earlier tries."""
LINES_CHARS = 1_600
"""Of a place that failed."""
ANSWER_CHARS = 800
"""Of the last answer for it."""
MOST_SHOWN = 2
"""Places that failed whose lines are shown; the others are named."""
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


async def ask_hint(run: Run, step: Step, notes: Notes, kept: Kept) -> Hint:
    """A hint for the next local draft of what `kept` says failed; of the whole step where nothing was refused.

    Raises:
        ModelError: when the frontier cannot be asked.
    """
    sender = run.senders.pick("frontier")
    snapshot = run.shown_to("frontier", await run.snapshot())
    failed = [str(region) for region in kept.failed]
    place = f"# Place\n{', '.join(failed or step.touches)}{_names(step, snapshot)}{beside(run.notes)}"
    told = notes.told(without="refused" if failed else None)
    parts = (goal_of(step, run.task.text), place, *_failed(kept, snapshot), cut(told, FEEDBACK_CHARS))
    user = "\n\n".join(filter(None, parts))
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


def _failed(kept: Kept, snapshot: Snapshot) -> Iterator[str]:
    """The places that were refused as they are, with the last answer for each and why it was not used."""
    for region, (answer, refusal) in list(kept.failed.items())[:MOST_SHOWN]:
        whose = "# The last answer, by another model, was not used"
        reason = f"{refusal.reason}."
        text = _lines(region, snapshot)
        is_long = len(text) > LINES_CHARS
        if text and not (is_long and refusal.near):
            yield f"# {region} as it is\n{_ends(text)}"
        elif refusal.near:
            reason += f"\nThe real lines there:\n{refusal.near}"
        said = f"\nIt was:\n{cut(answer.strip(), ANSWER_CHARS)}" if answer.strip() else ""
        yield f"{whose}\n{reason}{said}"


def _lines(region: Region, snapshot: Snapshot) -> str:
    """The lines of a place; empty where the frontier may not see them, or they are not there."""
    try:
        target = resolve(snapshot, region)
    except ContextError:
        return ""
    lines = split_lines(snapshot.read(region.path))[(target.start or 1) - 1 : target.end]
    return b"".join(lines).decode("utf-8", "replace").rstrip("\n")


def _ends(text: str) -> str:
    """Whole lines of the beginning and the end of a text that is too long."""
    if len(text) <= LINES_CHARS:
        return text
    head = text[: LINES_CHARS * 2 // 3].rpartition("\n")[0]
    tail = text[-LINES_CHARS // 3 :].partition("\n")[2]
    left_out = text.count("\n") - head.count("\n") - tail.count("\n") - 1
    return f"{head}\n[{left_out} more lines]\n{tail}"


def _names(step: Step, snapshot: Snapshot) -> str:
    """What the files of a step define, as far as the frontier may see it."""
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
    places = with_files(list(filter(None, named)))
    return Hint(f"# Hint\n{rest}", tuple(dict.fromkeys(places))[:MOST_PLACES])


async def move(run: Run, step: Step, places: tuple[str, ...], *, failed: Collection[Region] = ()) -> Step:
    """The step where a hint says that what `failed` of it belongs, on record; its other places stay.

    All of it moves where none failed by itself; it is as it was where nothing of the hint can be followed.
    """
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
    stay = [name for name in step.touches if failed and Region.parse(name) not in failed]
    touches = tuple(dict.fromkeys((*stay, *known)))
    if not known or set(touches) == set(step.touches):
        return step
    run.plan = moved(run.plan, step.id, touches)
    run.journal.append(StepMoved(step.id, touches))
    return replace(step, touches=touches)
