"""What a later task of a session is told about the earlier ones.

Invariant: a bounded record (task, plan goals, files, outcome), never a transcript.
"""

from hybridcode.session.state import SessionState

MAX_CHARS = 2_400
MAX_TASKS = 5


def history_of(state: SessionState) -> str:
    """The record of the ended tasks, newest last, at most 2,400 characters."""
    parts: list[str] = []
    for view in state.tasks[-MAX_TASKS:]:
        if view.ended is None:
            continue
        goals = "; ".join(step.step.goal for step in view.steps.values())
        files = ", ".join(view.ended.files) or "no file"
        parts.append(f"- {view.task.text}\n  steps: {goals}\n  changed: {files}; ended: {view.ended.message}")
    return "\n".join(parts)[-MAX_CHARS:]
