"""The JSON result of a run: a fold of its envelopes, nothing measured on the side.

Invariant: the keys below are always there, whatever happened.
"""

from typing import Any

from hybridcode.domain.action import Committed
from hybridcode.domain.events import CheckRan
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.worktree import WorktreeLeft
from hybridcode.session.state import SessionState
from hybridcode.session.task_view import StepView, TaskView


def result_of(state: SessionState, code: ExitCode, message: str) -> dict[str, Any]:
    """What `run --output-format json` prints: plain JSON data."""
    task = state.task
    ledger = state.sums.ledger
    accounts = ledger.to_json()
    return {
        "exit_code": int(code),
        "exit_reason": code.reason,
        "message": message,
        "session_id": state.session,
        "task": task.task.text if task else "",
        "answer": task.plan.answer if task and task.plan else "",
        "steps": _steps(task),
        "files": list(task.ended.files) if task and task.ended else [],
        "verification": _verification(task),
        "commits": [
            {"commit": made.commit, "branch": made.branch, "subject": made.subject, "files": made.files}
            for view in state.of_task
            if isinstance(made := view.receipt, Committed)
        ],
        "worktree": _worktree(state.left),
        "pending_approvals": [
            {
                "id": view.proposal.id,
                "step": view.proposal.step,
                "title": view.proposal.title,
                "proven_by": view.proposal.proven_by,
            }
            for view in state.of_task
            if view.status == "pending"
        ],
        "denials": [
            {
                "id": proposal.id,
                "title": proposal.title,
                "reason": denied.reason,
                "rule": denied.rule,
                "hint": denied.hint,
            }
            for proposal, denied in state.denials
        ],
        "notices": [{"level": n.level, "text": n.text, "hint": n.hint} for n in state.notices],
        "ledger": accounts,
        "egress": ledger.egress_json(),
    }


def _worktree(left: WorktreeLeft | None) -> dict[str, Any] | None:
    """Where the work of a session with a git worktree is; None for one without."""
    if left is None:
        return None
    return {"branch": left.branch, "path": left.path, "is_removed": left.is_removed, "why_kept": left.why}


def _steps(task: TaskView | None) -> list[dict[str, Any]]:
    if task is None:
        return []
    return [
        {
            "id": view.step.id,
            "kind": view.step.kind,
            "goal": view.step.goal,
            "status": view.status,
            "writer": view.writer,
            "tries": view.attempt,
            "why": view.why,
        }
        for view in task.steps.values()
    ]


def _verification(task: TaskView | None) -> dict[str, Any]:
    checks = [] if task is None else [*(c for view in task.steps.values() for c in view.checks), *task.checks]
    counted = [] if task is None else _of_plan(task)
    judged, before = (task.judged, task.baseline) if task else (None, None)
    return {
        "before": {"command": before.command, "passed": before.passed, "exit_code": before.exit_code}
        if before
        else None,
        "passed": bool(counted) and all(_latest(counted).values()),
        "checks": [
            {
                "step": c.step,
                "command": c.command,
                "passed": c.passed,
                "exit_code": c.exit_code,
                "seconds": c.seconds,
                "where": c.where,
            }
            for c in checks
        ],
        "judge": {"verdict": judged.verdict, "reason": judged.reason} if judged else None,
    }


def _of_plan(task: TaskView) -> list[CheckRan]:
    """What was proven of the plan that holds now."""
    of_steps = (check for view in task.steps.values() for check in _counted(view))
    return [*of_steps, *task.checks[task.superseded :]]


def _counted(view: StepView) -> list[CheckRan]:
    """What was proven of the workspace: a draft that passed in a scratch copy counts when its step is done."""
    return [check for check in view.checks if check.where == "tree" or view.status == "done"]


def _latest(checks: list[CheckRan]) -> dict[str, bool]:
    """The last result of each command."""
    return {event.command: event.passed for event in checks}
