"""What a planner answers: a plan in short keys or in full, an answer, questions, or the wish to see more.

Invariant: reading is strict: unknown keys and wrong types are refused with the path of the field, never guessed. The
short form says nothing that the full one cannot: it is cheaper, since a frontier's output is what costs most.
"""

import re
from typing import Annotated

import msgspec

from hybridcode.agent.distil import cut_line
from hybridcode.domain.asked import Question
from hybridcode.domain.errors import PlanInvalid
from hybridcode.domain.plan import Plan, Step, StepKind

MOST_QUESTIONS = 3
MOST_OPTIONS = 5
QUESTION_CHARS = 300
GOAL_CHARS = 2_000
"""A task of which more than this would have to stand for a step's goal needs a goal of its own."""
_FENCED = re.compile(r"```[\w-]*\n(.*?)\n```", re.DOTALL)
_FULL_KEYS = frozenset(Plan.__struct_fields__)

Short = Annotated[str, msgspec.Meta(min_length=1)]


class MoreWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The planner's request to see more before it answers."""

    read: tuple[str, ...] = ()
    """Regions to show."""
    search: tuple[str, ...] = ()
    """Words to look for."""


class ShortQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question as a planner writes it."""

    q: Short
    """The question."""
    o: tuple[Short, ...] = ()
    """Answers that come to mind."""


class AskedBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The planner's wish to know what only the person knows."""

    q: Annotated[tuple[ShortQuestion, ...], msgspec.Meta(min_length=1, max_length=MOST_QUESTIONS)]

    @property
    def questions(self) -> tuple[Question, ...]:
        """The questions in full, bounded."""
        return tuple(Question(_bounded(one.q), tuple(map(_bounded, one.o[:MOST_OPTIONS]))) for one in self.q)


def _bounded(text: str) -> str:
    """A question or an answer on one line."""
    return cut_line(text, QUESTION_CHARS)


class ShortStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step as a planner writes it. Its id is its place in the list, counted from 1."""

    t: tuple[Short, ...] | Short = ()
    """Touches; `#name` alone is in the file named before it."""
    g: str = ""
    """Goal; empty = the task itself, which only a plan of one step may say; a deletion or a command needs none."""
    k: StepKind = "edit"
    r: tuple[Short, ...] | Short = ()
    """Reads."""
    n: tuple[int, ...] | int = ()
    """Needs: places of earlier steps."""
    c: str | None = None
    """Check."""
    x: str | None = None
    """Command line of a `command` step."""
    w: str = ""
    """Why the frontier should write it; empty = the local model does."""


class ShortPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A plan as a planner writes it."""

    s: tuple[ShortStep, ...] = ()
    """Steps."""
    c: str | None = None
    """Check of the whole task."""
    a: str = ""
    """Answer to a question that needs no change."""
    y: str = ""
    """How an ambiguous task was read."""

    def plan_for(self, task: str) -> Plan:
        """The plan in full; a step has an empty goal where it needs one and the task cannot stand for it."""
        steps = tuple(self._step(place, step, task) for place, step in enumerate(self.s, 1))
        return Plan(steps, rationale=self.y, answer=self.a, check=self.c or None)

    def _step(self, place: int, step: ShortStep, task: str) -> Step:
        stands_for_it = len(self.s) == 1 and len(task) <= GOAL_CHARS
        touches = _whole(step.t)
        itself = step.x or (f"delete {', '.join(touches)}" if step.k == "delete" else "")
        goal = step.g.strip() or (task.strip() if stands_for_it else "") or itself
        needs = (step.n,) if isinstance(step.n, int) else step.n
        return Step(
            str(place),
            goal,
            kind=step.k if step.x is None else "command",
            touches=touches,
            reads=_whole(step.r),
            needs=tuple(map(str, needs)),
            command=step.x,
            check=step.c or None,
            writer="frontier" if step.w else "local",
            why=step.w,
        )


def _whole(places: tuple[str, ...] | str) -> tuple[str, ...]:
    """Region strings of which each names its file."""
    found: list[str] = []
    path = ""
    for text in (places,) if isinstance(places, str) else places:
        before, mark, rest = text.partition("#")
        path = before.strip() or path
        found.append(f"{path}{mark}{rest}")
    return tuple(found)


def parse_reply(text: str, *, task: str) -> Plan | MoreWanted | AskedBack:
    """Read the planner's JSON, bare or in a fence, with chatter around it.

    Raises:
        PlanInvalid: with the path of the field that is wrong.
    """
    fenced = _FENCED.search(text)
    body = (fenced[1] if fenced else text).strip()
    start, end = body.find("{"), body.rfind("}")
    if start < 0 or end < start:
        raise PlanInvalid("the answer is not a JSON object")
    raw = body[start : end + 1].encode()
    try:
        plan = _read(raw, task)
    except (msgspec.DecodeError, RecursionError) as error:
        raise PlanInvalid(f"the JSON does not fit: {error}") from error
    if isinstance(plan, Plan) and not plan.steps and not plan.answer:
        raise PlanInvalid("the plan has neither steps nor an answer")
    return plan


def _read(raw: bytes, task: str) -> Plan | MoreWanted | AskedBack:
    keys = msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).keys()
    if "q" in keys:
        return msgspec.json.decode(raw, type=AskedBack)
    if keys & {"read", "search"}:
        return msgspec.json.decode(raw, type=MoreWanted)
    if keys & _FULL_KEYS:
        return msgspec.json.decode(raw, type=Plan)
    return msgspec.json.decode(raw, type=ShortPlan).plan_for(task)
