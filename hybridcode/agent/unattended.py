"""Files that only a person may decide about, for a planner whose run nobody attends.

Invariant: a function of the approver, the mode and the paths; at most a few are named and the rest is counted.
"""

from hybridcode.agent.run import Run
from hybridcode.gate.approvers import PolicyOnly
from hybridcode.gate.protected import is_protected
from hybridcode.repo.snapshot import Snapshot

_MOST = 6


def for_a_person(run: Run, snapshot: Snapshot) -> str:
    """What a planner is told of files whose changes would wait for somebody, under `--yes`; empty where none would."""
    if not isinstance(run.gate.approver, PolicyOnly) or run.gate.policy.mode == "bypass":
        return ""
    found = [path for path in sorted(snapshot.files) if is_protected(tuple(path.casefold().split("/")))]
    if not found:
        return ""
    more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return (
        f"# Nobody is here to approve changes of\n{', '.join(found[:_MOST])}{more}\n"
        "A step there would wait, and with it the task: plan none, unless the task asks for just that."
    )
