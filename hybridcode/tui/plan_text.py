"""A plan as text: the tree with live states, and the form a person edits.

Invariant: an edited plan that is saved unchanged is the same plan.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from hybridcode.domain.plan import Plan, Step
from hybridcode.session.sums import StepUse
from hybridcode.session.task_view import StepStatus, StepView, TaskView
from hybridcode.tui.amounts import dollars, plural, seconds, tokens
from hybridcode.tui.paint import Part, fit, width, wrap
from hybridcode.tui.visible import beside_ours, foreign

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
_WORD_CELLS = 10
_MAX_ID_CELLS = 12
_INLINE_ID_CELLS = 3


class PlanRow(NamedTuple):
    """One line of the plan."""

    step: str
    """Id of the step it belongs to; empty for the head."""
    parts: tuple[Part, ...]


def plan_rows(task: TaskView, cells: int, *, words: Mapping[str, str], unfolded: Collection[str] = ()) -> list[PlanRow]:
    """The plan, `cells` wide. `words` stand in for the status of the steps they name.

    What a step used stands under it while it is worked on and where it did not end well, and under steps of `unfolded`.
    """
    margin = _id_cells(task.steps)
    rows = [PlanRow("", _head(task))]
    for name, view in task.steps.items():
        is_unfolded = name in unfolded
        rows += [PlanRow(name, parts) for parts in _step_lines(view, cells, margin, said=words.get(name, ""))]
        about = _why(view, task, is_unfolded=is_unfolded)
        if is_unfolded or view.status not in _QUIET_STATES:
            about += step_figures(view, task.use.get(name))
        for number, line in enumerate(joined(list(map(beside_ours, about)), cells - 2)):
            rows.append(PlanRow(name, ((f"{'  ' if number else '└ '}{line}", "$quiet"),)))
    return rows


def active_step(task: TaskView) -> str:
    """Id of the first step that is worked on or stopped; empty if there is none."""
    return next((name for name, view in task.steps.items() if view.status not in _QUIET_STATES), "")


def folded(rows: Sequence[PlanRow], room: int, *, at: str, key: str) -> list[PlanRow]:
    """Whole steps around step `at` that fit into `room` rows; the head says how many more there are, and the key."""
    if len(rows) <= room:
        return list(rows)
    sizes = Counter(row.step for row in rows[1:])
    names = list(sizes)
    first = names.index(at) if at in sizes else 0
    end, left = first + 1, room - 1 - sizes[names[first]]
    if first > 0 and sizes[names[first - 1]] <= left:
        first, left = first - 1, left - sizes[names[first - 1]]
    while end < len(names) and sizes[names[end]] <= left:
        end, left = end + 1, left - sizes[names[end]]
    while first > 0 and sizes[names[first - 1]] <= left:
        first, left = first - 1, left - sizes[names[first - 1]]
    shown = [row for row in rows[1:] if row.step in names[first:end]]
    if len(shown) > room - 1:
        lines = plural(len(shown) - room + 2, "more line")
        shown = [*shown[: room - 2], PlanRow(shown[0].step, ((f"  ⋯ {lines}", "$quiet"),))]
    hidden = len(names) - (end - first)
    more = f"{plural(hidden, 'more step')} · " if hidden else ""
    return [PlanRow("", (*rows[0].parts, (f" · {more}{key}", "$quiet"))), *shown]


def _head(task: TaskView) -> tuple[Part, ...]:
    done = sum(view.status == "done" for view in task.steps.values())
    has_begun = any(view.status != "waiting" for view in task.steps.values())
    said = " · waits for you" if task.plan_status == "proposed" and (task.is_revised or not has_begun) else ""
    said = " · not followed" if task.plan_status == "rejected" else said
    return (f"plan {done}/{len(task.steps)}" if task.steps else "plan", "bold"), (said, "$warning")


def _id_cells(ids: Iterable[str]) -> int:
    """Width of the column of step ids."""
    return min(max(map(width, ids), default=1), _MAX_ID_CELLS)


def _step_lines(view: StepView, cells: int, id_cells: int, *, said: str) -> list[tuple[Part, ...]]:
    """Sign, id, goal and state; a long id stands on a line of its own, so that the goal has room."""
    sign, colour = SIGNS[view.status]
    word = _writer(view) if view.status in _QUIET_STATES else said or view.status
    is_active = view.status not in _QUIET_STATES
    goal = foreign(view.step.goal)
    style = "bold" if is_active else ("$quiet" if view.status == "done" else "")
    if id_cells > _INLINE_ID_CELLS:
        first: Part = (view.step.id, style)
        lines = wrap(goal, cells - 2)
        lead, indent = "", "  "
    else:
        lead, indent = f"{fit(view.step.id, id_cells)} ", " " * (id_cells + 3)
        room = cells - len(indent)
        beside, *lines = wrap(goal, room, first=room - max(_WORD_CELLS, width(word) + 1))
        first = (beside, style)
    gap = " " * max(cells - 2 - width(lead) - width(first[0]) - width(word), 1)
    state = (f"{gap}{word}", colour if is_active else "$quiet")
    rest = "$quiet" if lead == "" and not is_active else style
    return [((f"{sign} ", colour), (lead, "$quiet"), first, state), *(((f"{indent}{line}", rest),) for line in lines)]


def _writer(view: StepView) -> str:
    if view.step.kind == "command":
        return "command"
    return view.writer or view.step.writer


def _why(view: StepView, task: TaskView, *, is_unfolded: bool) -> list[str]:
    """Who writes and why; of a step that waits, what it waits for."""
    if view.status == "waiting":
        awaited = [name for name in view.step.needs if name not in task.steps or task.steps[name].status != "done"]
        found = [f"after {', '.join(awaited)}"] if awaited else []
        return [*found, f"why {view.step.writer}: {view.step.why}"] if view.step.why else found
    if view.status == "done" and not is_unfolded:
        return []
    tried = [f"{view.writer}, try {view.attempt}"] if view.writer else []
    return [*tried, view.why] if view.why and view.why != "default" else tried


def step_figures(view: StepView, use: StepUse | None) -> list[str]:
    """What a step used so far, how it was checked, and what it changes."""
    found: list[str] = []
    if use is not None and use.input_tokens + use.output_tokens:
        found += [f"{tokens(use.input_tokens)} in", f"{tokens(use.output_tokens)} out"]
    if use is not None and use.seconds:
        found.append(seconds(use.seconds))
    if use is not None and use.decode_tps is not None:
        found.append(f"{use.decode_tps:.0f} tok/s")
    if use is not None and use.frontier.calls:
        found.append(dollars(use.usd))
    return [*found, *_checked(view), *([view.files] if view.files else [])]


def _checked(view: StepView) -> list[str]:
    """How the latest check ended."""
    if not view.checks:
        is_proven = view.step.check or view.step.kind == "command"
        return ["not checked yet"] if view.step.check else [] if is_proven else ["no check"]
    last = view.checks[-1]
    where = " in a copy" if last.where == "scratch" else ""
    return [f"✓ check passed{where}" if last.passed else f"✗ check failed{where}, exit {last.exit_code}"]


def joined(pieces: Sequence[str], cells: int) -> list[str]:
    """Pieces side by side in lines of `cells`, broken between them where they allow it."""
    lines: list[str] = []
    for piece in pieces:
        if lines and width(f"{lines[-1]} · {piece}") <= cells:
            lines[-1] += f" · {piece}"
        else:
            lines += wrap(piece, cells)
    return lines


def full_plan_parts(plan: Plan, cells: int) -> list[Part | str]:
    """Everything a plan says, for the pane in which it is approved."""
    parts: list[Part | str] = []
    if plan.rationale:
        parts.extend((f"{line}\n", "$quiet") for line in [*wrap(foreign(plan.rationale), cells), ""])
    for step in plan.steps:
        parts.extend(_full_step(step, cells, _id_cells(step.id for step in plan.steps)))
    parts.append(("check of the whole task  ", "$quiet"))
    parts.append(foreign(plan.check or "") or ("none: nothing proves the result", "$warning"))
    return parts


def _full_step(step: Step, cells: int, id_cells: int) -> list[Part | str]:
    margin = " " * (id_cells + 2)
    lines = wrap(foreign(step.goal), cells - len(margin) - 2)
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
    return [(name, foreign(text)) for name, text in facts if text]
