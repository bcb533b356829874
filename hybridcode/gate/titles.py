"""One line for each action, for lists and panes.

Invariant: a title is computed from the action's own bytes, never from what a model said about it.
"""

import difflib
from typing import assert_never

from hybridcode.domain.action import Action, ChangeSet, FileChange, GitCommit, ShellCommand, ToolCall


def summary(change: FileChange) -> str:
    """`shop/cart.py +3 -1`, or what happens to the file as a whole."""
    if change.before is None:
        return f"{change.path} (new)"
    if change.after is None:
        return f"{change.path} (deleted)"
    try:
        old, new = change.before.decode().splitlines(), change.after.decode().splitlines()
    except UnicodeDecodeError:
        return f"{change.path} (binary)"
    marks = [line[:1] for line in list(difflib.unified_diff(old, new, n=0, lineterm=""))[2:]]
    return f"{change.path} +{marks.count('+')} -{marks.count('-')}"


def title_of(action: Action) -> str:
    """Paths, the command line, or the tool's name."""
    match action:
        case ChangeSet(edits=edits):
            return ", ".join(edit.path for edit in edits)
        case ShellCommand():
            return action.text
        case ToolCall(server=server, tool=tool):
            return f"{server}: {tool}"
        case GitCommit():
            return f"git commit: {action.subject}"
        case _:
            assert_never(action)
