"""What a later task of a session is told about the earlier ones.

Invariant: a bounded record (task, plan goals, files, outcome), never a transcript; what a person went back from is no
part of it.
"""

from hybridcode.session.state import SessionState, TaskView

MAX_CHARS = 2_400
MAX_TASKS = 5


def history_of(state: SessionState, *, up_to: str | None = None) -> str:
    """The record of the ended tasks, newest last, at most 2,400 characters. `up_to` names the last task that counts."""
    known = [view for view in _until(state.tasks, up_to) if not view.is_forgotten]
    parts = [_record(view) for view in known[-MAX_TASKS:] if view.ended is not None]
    if state.forked is not None and len(known) < MAX_TASKS and state.forked.record:
        parts.insert(0, state.forked.record)
    return "\n".join(parts)[-MAX_CHARS:]


def _until(tasks: list[TaskView], up_to: str | None) -> list[TaskView]:
    if up_to is None:
        return tasks
    end = next((place for place, view in enumerate(tasks, 1) if view.task.id == up_to), len(tasks))
    return tasks[:end]


def _record(view: TaskView) -> str:
    goals = "; ".join(step.step.goal for step in view.steps.values())
    files = ", ".join(view.ended.files if view.ended else ()) or "no file"
    ended = view.ended.message if view.ended else ""
    return f"- {view.task.text}\n  steps: {goals}\n  changed: {files}; ended: {ended}"
