"""A plan as text: the list with live states, and the form a person edits.

Invariant: an edited plan that is saved unchanged is the same plan.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hybridcode.agent.scheduler import find_cycle
from hybridcode.domain.errors import PlanInvalid
from hybridcode.domain.plan import Plan, Step
from hybridcode.session.state import StepStatus, StepView, TaskView
from hybridcode.tui.paint import Part, fit, width, wrap

SIGNS: dict[StepStatus, tuple[str, str]] = {
    "waiting": ("○", "$quiet"),
    "running": ("●", "$accent"),
    "drafting": ("●", "$accent"),
    "awaiting": ("?", "$warning"),
    "applying": ("●", "$accent"),
    "checking": ("●", "$accent"),
    "done": ("✓", "$success"),
    "failed": ("✗", "$error"),
    "declined": ("✗", "$error"),
    "denied": ("⊘", "$error"),
    "stale": ("↻", "$warning"),
    "held": ("?", "$warning"),
    "interrupted": ("‖", "$warning"),
}
"""Sign and colour of a step's status; the sign alone tells it."""

_QUIET_STATES = ("waiting", "done")
_SIGN_SET = frozenset(sign for sign, _ in SIGNS.values())
_WORD_CELLS = 10
_MAX_ID_CELLS = 12
_INLINE_ID_CELLS = 3


def plan_parts(task: TaskView, cells: int, *, words: Mapping[str, str]) -> list[Part | str]:
    """The steps of a task, one paragraph each, `cells` wide. `words` stand in for the status of the steps they name."""
    done = sum(view.status == "done" for view in task.steps.values())
    head = f"plan {done}/{len(task.steps)}" if task.steps else "plan"
    said = {"proposed": " · waits for you", "rejected": " · not followed"}.get(task.plan_status, "")
    parts: list[Part | str] = [(head, "bold"), (said, "$warning"), "\n"]
    margin = _id_cells(task.steps)
    for view in task.steps.values():
        parts.extend(_step_parts(view, cells, margin, said=words.get(view.step.id, "")))
    return parts


def _id_cells(ids: Iterable[str]) -> int:
    """Width of the column of step ids."""
    return min(max(map(width, ids), default=1), _MAX_ID_CELLS)


def active_line(task: TaskView, parts: Sequence[Part | str]) -> int:
    """The line of the step before the one that goes on, so that scrolling there shows both; 0 if none does."""
    active = next((n for n, view in enumerate(task.steps.values()) if view.status not in _QUIET_STATES), 0)
    heads = [number for number, part in enumerate(parts) if part[0].strip() in _SIGN_SET]
    if active == 0 or active > len(heads):
        return 0
    return sum((part if isinstance(part, str) else part[0]).count("\n") for part in parts[: heads[active - 1]])


def _step_parts(view: StepView, cells: int, id_cells: int, *, said: str) -> list[Part | str]:
    """Sign, id, goal and state; a long id stands on a line of its own, so that the goal has room."""
    sign, colour = SIGNS[view.status]
    word = _writer(view) if view.status in _QUIET_STATES else said or view.status
    is_active = view.status not in _QUIET_STATES
    style = "bold" if is_active else ("$quiet" if view.status == "done" else "")
    if id_cells > _INLINE_ID_CELLS:
        first: Part = (view.step.id, style)
        lines = wrap(view.step.goal, cells - 2)
        lead, indent = "", "  "
    else:
        lead, indent = f"{fit(view.step.id, id_cells)} ", " " * (id_cells + 3)
        goal, *lines = wrap(view.step.goal, cells - len(indent) - _WORD_CELLS)
        first = (goal, style)
    gap = cells - 2 - width(lead) - width(first[0]) - width(word)
    parts: list[Part | str] = [(f"{sign} ", colour), (lead, "$quiet"), first]
    parts.append((f"{' ' * max(gap, 1)}{word}\n", colour if is_active else "$quiet"))
    parts.extend((f"{indent}{line}\n", "$quiet" if lead == "" and not is_active else style) for line in lines)
    parts.extend((f"  {line}\n", "$quiet") for line in wrap(_why(view), cells - 2) if line)
    return parts


def _writer(view: StepView) -> str:
    if view.step.kind == "command":
        return "command"
    return view.writer or view.step.writer


def _why(view: StepView) -> str:
    if view.status == "done":
        return ""
    if view.status == "waiting":
        return f"└ why {view.step.writer}: {view.step.why}" if view.step.why else ""
    tried = f"{view.writer}, try {view.attempt}" if view.writer else ""
    return "└ " + " · ".join(part for part in (tried, view.why) if part) if tried or view.why else ""


def full_plan_parts(plan: Plan, cells: int) -> list[Part | str]:
    """Everything a plan says, for the pane in which it is approved."""
    parts: list[Part | str] = []
    if plan.rationale:
        parts.extend((f"{line}\n", "$quiet") for line in [*wrap(plan.rationale, cells), ""])
    for step in plan.steps:
        parts.extend(_full_step(step, cells, _id_cells(step.id for step in plan.steps)))
    parts.append(("check of the whole task  ", "$quiet"))
    parts.append(plan.check or ("none: nothing proves the result", "$warning"))
    return parts


def _full_step(step: Step, cells: int, id_cells: int) -> list[Part | str]:
    margin = " " * (id_cells + 2)
    lines = wrap(step.goal, cells - len(margin) - 2)
    parts: list[Part | str] = [(f"{fit(step.id, id_cells)}  ", "$accent bold"), (f"{lines[0]}\n", "bold")]
    parts.extend((f"{margin}{line}\n", "bold") for line in lines[1:])
    for name, text in _step_facts(step):
        first, *rest = wrap(text, cells - len(margin) - 9)
        parts += [(f"{margin}{name:<9}", "$quiet"), f"{first}\n"]
        parts.extend(f"{margin}{' ' * 9}{line}\n" for line in rest)
    return [*parts, "\n"]


def _step_facts(step: Step) -> list[tuple[str, str]]:
    writer = f"{step.writer}{f' because {step.why}' if step.why else ''}"
    facts = [
        ("changes" if step.kind != "create" else "creates", ", ".join(step.touches)),
        ("runs", step.command or ""),
        ("reads", ", ".join(step.reads)),
        ("after", ", ".join(step.needs)),
        ("check", step.check or ""),
        ("writer", "" if step.kind == "command" else writer),
    ]
    return [(name, text) for name, text in facts if text]


def plan_to_toml(plan: Plan) -> str:
    """The plan as a person edits it."""
    import tomlkit  # here, so that the first paint does not wait for it

    return tomlkit.dumps(msgspec.to_builtins(plan))


def plan_from_toml(text: str) -> Plan:
    """An edited plan.

    Raises:
        PlanInvalid: when it is not a plan; the message names the line or the field.
    """
    try:
        plan = msgspec.convert(tomllib.loads(text), Plan)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise PlanInvalid(
            f"The edited plan cannot be used: {error}", "Correct it, or press Escape to leave it."
        ) from error
    _require_ids([step.id for step in plan.steps], plan.steps)
    if cycle := find_cycle(plan):
        raise PlanInvalid(f"Steps {', '.join(cycle)} wait for each other.", "Take one of their `needs` away.")
    return plan


def _require_ids(ids: Sequence[str], steps: Sequence[Step]) -> None:
    if not ids:
        raise PlanInvalid("The edited plan has no steps.", "Keep one step at least, or reject the plan with n.")
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise PlanInvalid(f"Two steps have the id {twice[0]}.", "Give each step an id of its own.")
    for step in steps:
        if unknown := sorted(set(step.needs) - set(ids)):
            raise PlanInvalid(f"Step {step.id} needs {unknown[0]}, which is not a step.", "Correct its `needs`.")
        if step.kind == "command" and not (step.command or "").strip():
            raise PlanInvalid(f"Step {step.id} is a command without a command line.", "Give it a `command`.")
