"""What a planner answers: a plan in short keys or in full, an answer, questions, or the wish to see more.

Invariant: reading is strict: unknown keys and wrong types are refused with the path of the field, never guessed. The
short form says nothing that the full one cannot: it is cheaper, since a frontier's output is what costs most. What
stays of a draft of the plan is named by its number.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

_PLUS = "+"
Short = Annotated[str, msgspec.Meta(min_length=1)]


class MoreWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The planner's request to see more before it answers."""

    read: tuple[str, ...] = ()
    """Regions to show; as a planner writes them, `#name` alone is in the file named before it."""
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
    """Touches; `#name` alone is in the file named before it; behind `+` they are added to those of the draft's step."""
    g: str = ""
    """Goal; behind `+` it is added to that of the draft's step. Empty = the task itself, which only a plan of one step
    may say; a deletion or a command needs none."""
    d: int = 0
    """Number of the draft's step that this one is, but for the keys that it gives; 0 = none."""
    k: StepKind | None = None
    """Kind; none = `edit`, or what the draft's step is."""
    r: tuple[Short, ...] | str | msgspec.UnsetType = msgspec.UNSET
    """Reads; `#name` alone is in the file named before it, the first one in that of the last touch."""
    n: tuple[int, ...] | int | msgspec.UnsetType = msgspec.UNSET
    """Needs: places of earlier steps."""
    c: str | None = None
    """Check."""
    x: str | None = None
    """Command line of a `command` step."""
    w: str | msgspec.UnsetType = msgspec.UNSET
    """Why the frontier should write it; empty = the local model does."""

    @property
    def cleared(self) -> dict[str, object]:
        """Fields of a draft's step that an empty value takes away, each with what it is then."""
        given = {"reads": self.r, "needs": self.n, "check": self.c, "why": self.w, "writer": self.w}
        return {name: _PLAIN[name] for name, value in given.items() if value in ("", ())}


class ShortPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A plan as a planner writes it."""

    s: tuple[ShortStep | int, ...] = ()
    """Steps; a number is that step of the draft as it stands."""
    ok: bool = False
    """The draft is right as it is."""
    c: str | None = None
    """Check of the whole task."""
    a: str = ""
    """Answer to a question that needs no change."""
    y: str = ""
    """How an ambiguous task was read."""

    def plan_for(self, task: str, draft: Plan | None = None) -> Plan:
        """The plan in full; a step has an empty goal where it needs one and the task cannot stand for it.

        Raises: PlanInvalid for a step of the draft that there is not, or that is there twice as it stands, and for a
        draft that is right and yet corrected.
        """
        kept = draft or Plan()
        if self.ok and (self.s or self.a):
            raise PlanInvalid("`ok` says that the draft is right as it is: leave it out, or all but it")
        if self.ok:
            return msgspec.structs.replace(kept, check=self.c or kept.check, rationale=self.y or kept.rationale)
        steps: list[Step] = []
        places: dict[str, list[str]] = {}
        for place, one in enumerate(self.s, 1):
            number = one if isinstance(one, int) else one.d
            old = _drafted(kept, number) if number or isinstance(one, int) else None
            if old is not None:
                if isinstance(one, int) and one in self.s[: place - 1]:
                    raise PlanInvalid(f"step {number} of the draft is there twice")
                places.setdefault(old.id, []).append(str(place))
            steps.append(_step(place, one, old, task if len(self.s) == 1 else ""))
        moved = (
            msgspec.structs.replace(step, needs=tuple(dict.fromkeys(_renamed(step.needs, kept, places))))
            if isinstance(one, int) or (one.d and not one.n)
            else step
            for one, step in zip(self.s, steps, strict=True)
        )
        return Plan(tuple(moved), rationale=self.y, answer=self.a, check=self.c or kept.check)


def _renamed(needs: Iterable[str], draft: Plan, places: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """What steps of a draft are called now; of one that is gone, those that it needed."""
    for need in needs:
        gone = next((step.needs for step in draft.steps if step.id == need), ()) if need not in places else ()
        yield from places.get(need, ())
        yield from _renamed(gone, draft, places)


def _drafted(draft: Plan, number: int) -> Step:
    if not 1 <= number <= len(draft.steps):
        raise PlanInvalid(f"the draft has no step {number}")
    return draft.steps[number - 1]


def _step(place: int, given: ShortStep | int, old: Step | None, task: str) -> Step:
    """A step in full; what it does not say itself, `old` does, with the needs that it has there."""
    name = str(place)
    if isinstance(given, int):
        assert old is not None
        return msgspec.structs.replace(old, id=name)
    was_touched = old.touches if old is not None else ()
    touches = _touches(given.t, old)
    itself = given.x or (f"delete {', '.join(touches)}" if given.k == "delete" and touches else "")
    stands_for_it = task.strip() if len(task) <= GOAL_CHARS and old is None else ""
    needs = (given.n,) if isinstance(given.n, int) else given.n or ()
    step = Step(
        name,
        _goal(given.g.strip(), old) or stands_for_it or itself,
        kind=(given.k or "edit") if given.x is None else "command",
        touches=touches,
        reads=with_files(given.r or (), after=touches or was_touched),
        needs=tuple(map(str, needs)),
        command=given.x,
        check=given.c or None,
        writer="frontier" if given.w else "local",
        why=given.w or "",
    )
    if old is None:
        return step
    was = old if given.k is None or given.k == "command" else msgspec.structs.replace(old, kind=given.k, command=None)
    return msgspec.structs.replace(_over(was, step), **given.cleared)


def _goal(said: str, old: Step | None) -> str:
    """What is to be done; behind a plus sign it is added to what a draft's step says."""
    if not said.startswith(_PLUS):
        return said
    return " ".join(filter(None, (old.goal if old is not None else "", said.removeprefix(_PLUS).strip())))


def _touches(given: tuple[str, ...] | str, old: Step | None) -> tuple[str, ...]:
    """Touches with their files; behind a plus sign they are added to those of a draft's step."""
    names = (given,) if isinstance(given, str) else given
    if not names or not names[0].startswith(_PLUS):
        return with_files(given)
    before = old.touches if old is not None else ()
    more = tuple(filter(None, (names[0].removeprefix(_PLUS).strip(), *names[1:])))
    return tuple(dict.fromkeys((*before, *with_files(more, after=before))))


def _over(old: Step, new: Step) -> Step:
    """A draft's step with what another one says in its place."""
    said = {name: value for name in Step.__struct_fields__ if (value := getattr(new, name)) != _PLAIN[name]}
    return msgspec.structs.replace(old, **said)


_PLAIN = dict(zip(Step.__struct_fields__, msgspec.structs.astuple(Step("", "")), strict=True))
"""Fields of a step that says nothing."""


def in_short(plan: Plan, *, task: str) -> str:
    """A plan's steps as a planner writes them, one on each line behind its number."""
    numbers = {step.id: number for number, step in enumerate(plan.steps, 1)}
    lines = (f"{numbers[step.id]} {msgspec.json.encode(_short(step, numbers, task)).decode()}" for step in plan.steps)
    return "\n".join(lines)


def _short(step: Step, numbers: Mapping[str, int], task: str) -> dict[str, object]:
    needs = [numbers[need] for need in step.needs if need in numbers]
    keys = {
        "t": list(step.touches),
        "g": "" if step.goal == task.strip() else step.goal,
        "k": step.kind if step.kind in ("create", "delete") else "",
        "r": list(step.reads),
        "n": needs,
        "c": step.check or "",
        "x": step.command or "",
        "w": step.why if step.writer == "frontier" else "",
    }
    return {key: value for key, value in keys.items() if value}


def with_files(places: Sequence[str] | str, *, after: Sequence[str] = ()) -> tuple[str, ...]:
    """Region strings of which each names its file: where one does not, that of the place before it; `after` are places
    that come before the first."""
    found: list[str] = []
    path = after[-1].partition("#")[0].strip() if after else ""
    for text in (places,) if isinstance(places, str) else places:
        before, mark, rest = text.partition("#")
        path = before.strip() or path
        found.append(f"{path}{mark}{rest}")
    return tuple(found)


def parse_reply(text: str, *, task: str, draft: Plan | None = None) -> Plan | MoreWanted | AskedBack:
    """Read the planner's JSON, bare or in a fence, with chatter around it; `draft` is what it was shown of a plan.

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
        plan = _read(raw, task, draft)
    except (msgspec.DecodeError, RecursionError) as error:
        raise PlanInvalid(f"the JSON does not fit: {error}") from error
    if isinstance(plan, Plan) and not plan.steps and not plan.answer:
        raise PlanInvalid("the plan has neither steps nor an answer")
    return plan


def _read(raw: bytes, task: str, draft: Plan | None) -> Plan | MoreWanted | AskedBack:
    keys = msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).keys()
    if "q" in keys:
        return msgspec.json.decode(raw, type=AskedBack)
    if keys & {"read", "search"}:
        wanted = msgspec.json.decode(raw, type=MoreWanted)
        return msgspec.structs.replace(wanted, read=with_files(wanted.read))
    if keys & _FULL_KEYS:
        return msgspec.json.decode(raw, type=Plan)
    return msgspec.json.decode(raw, type=ShortPlan).plan_for(task, draft)
