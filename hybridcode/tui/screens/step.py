"""A step of the plan: what it was for, how it went, what it used, and every request that was made for it.

Invariant: shows what the journal has; nothing is decided here.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar

from hybridcode.agent.distil import without_colours
from hybridcode.domain.events import CheckRan, Envelope
from hybridcode.session.state import SessionState
from hybridcode.session.task_view import StepView, TaskView
from hybridcode.tui.amounts import plural, seconds
from hybridcode.tui.desk import Desk
from hybridcode.tui.paint import Part, clip, wrap
from hybridcode.tui.plan_text import SIGNS, active_step, joined, step_figures
from hybridcode.tui.screens.context import ContextScreen
from hybridcode.tui.visible import foreign
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.rows import Row

_WHOLE = "step"
"""Key of the row that stands for the step itself."""
_NAME_CELLS = 9


class StepScreen(ContextScreen):
    """The step, then its requests, the latest first."""

    NOTHING: ClassVar[str] = "nothing was asked for this step yet"

    def __init__(
        self,
        task: TaskView,
        step: str,
        envelopes: Callable[[], Sequence[Envelope]],
        blob: Callable[[str], bytes],
    ) -> None:
        super().__init__(envelopes, blob)
        self._shown, self._step = task, step

    @property
    def _view(self) -> StepView | None:
        return self._shown.steps.get(self._step)

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """Which step."""
        count = len(self._mine())
        goal = self._view.step.goal if self._view is not None else "not in the plan any more"
        room = max(self.size.width - len(self._step) - 24, 8)
        return ((f"step {self._step} ", "bold $accent"), (clip(foreign(goal), room), "bold")), [
            (0, plural(count, "request"))
        ]

    def _mine(self) -> list[str]:
        """Keys of its requests."""
        begun, step = self._shown.begun_at, self._step
        return [key for key, one in self._requests.items() if one.asked.step == step and int(key) > begun]

    def rows(self, cells: int) -> Sequence[Row]:
        """The step and its requests."""
        view = self._view
        mine = set(self._mine())
        whole = (
            [Row(_WHOLE, ((f" {SIGNS[view.status][0]} step {self._step}, {view.status}", "plain"),))] if view else []
        )
        return [*whole, *(row for row in super().rows(cells) if row.key in mine)]

    def detail_parts(self, key: str, cells: int) -> list[Part | str]:
        """What is known about the step, or about a request."""
        if key != _WHOLE:
            return super().detail_parts(key, cells)
        view = self._view
        return step_parts(self._shown, view, cells) if view is not None else []

    def choose(self, key: str) -> None:
        """Show the exact text of a request."""
        if key != _WHOLE:
            super().choose(key)
            return
        self.flash("this is the step; Enter on a request below it shows its exact text")


def step_parts(task: TaskView, view: StepView, cells: int) -> list[Part | str]:
    """Everything about a step."""
    sign, colour = SIGNS[view.status]
    parts: list[Part | str] = [(f"{sign} {view.status}\n", colour)]
    parts += [(f"{line}\n", "bold") for line in wrap(foreign(view.step.goal), cells)]
    for name, text in _facts(task, view):
        first, *rest = joined(text, cells - _NAME_CELLS)
        parts += [(f"{name:<{_NAME_CELLS}}", "$quiet"), f"{first}\n"]
        parts += [f"{' ' * _NAME_CELLS}{line}\n" for line in rest]
    for check in view.checks:
        parts += _check_parts(check, cells)
    for refusal in view.refusals:
        parts += [(f"{line}\n", "$warning") for line in wrap(f"draft refused: {refusal.reason}", cells)]
    return parts


def _facts(task: TaskView, view: StepView) -> list[tuple[str, list[str]]]:
    step = view.step
    writer = view.writer or step.writer
    tried = f", try {view.attempt}" if view.attempt else ""
    facts = [
        ("writer", [] if step.kind == "command" else [f"{writer}{tried}"]),
        ("why", [view.why or step.why]),
        ("after", [", ".join(step.needs)]),
        ("changes" if step.kind != "create" else "creates", [", ".join(step.touches)]),
        ("runs", [step.command or ""]),
        ("reads", [", ".join(step.reads)]),
        ("check", [step.check or ""]),
        ("so far", step_figures(view, task.use.get(step.id))),
    ]
    return [(name, text) for name, text in facts if any(text)]


def _check_parts(check: CheckRan, cells: int) -> list[Part | str]:
    where = " in a scratch copy" if check.where == "scratch" else ""
    ended = "passed" if check.passed else f"ended with exit code {check.exit_code}"
    said = f"{'✓' if check.passed else '✗'} {check.command} {ended}{where}, {seconds(check.seconds)}"
    parts: list[Part | str] = [(f"{line}\n", "$success" if check.passed else "$error") for line in wrap(said, cells)]
    if not check.passed:
        parts += [(f"  {line}\n", "$quiet") for line in wrap(without_colours(check.tail).rstrip("\n"), cells - 2)]
    return parts


def open_step(desk: Desk, argument: str) -> StepScreen | None:
    """The step of that id; without one the step that is worked on, else the last."""
    state: SessionState = desk.state
    task, talk = state.task, desk.conversation
    if task is None or not task.steps:
        desk.tell("·", "there is no plan with steps", "quiet")
        return None
    step = argument or active_step(task) or list(task.steps)[-1]
    if step not in task.steps:
        desk.tell("·", f"the plan has no step {step}: {', '.join(task.steps)}", "quiet")
        return None
    return StepScreen(task, step, lambda: talk.envelopes, talk.blob)
