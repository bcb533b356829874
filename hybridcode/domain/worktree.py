"""A session that works in a git worktree of its own, as events.

Invariant: as in domain/events.py.
"""

from hybridcode.domain.asked import Fact


class WorktreeMade(Fact, frozen=True):
    """After SessionOpened (and SessionForked), before TaskGiven; once more where the folder was made anew on resume."""

    home: str
    """The person's folder, which the session leaves alone."""
    path: str
    """The worktree's top, outside the person's folder."""
    root: str
    """The folder in it that stands for the person's one."""
    commit: str
    """What it began at."""
    links: tuple[str, ...] = ()
    """What of the person's folder is linked into it, relative to both."""
    missing: tuple[str, ...] = ()
    """Folders that git ignores, that checks often need, and that it has not."""


class WorktreeLeft(Fact, frozen=True):
    """After the last TaskEnded, when the session is closed; SessionResumed may follow."""

    path: str
    branch: str
    """Where the work is committed; empty: nowhere."""
    is_removed: bool
    """The folder is gone: it held nothing that is not on the branch."""
    why: str = ""
    """Why it was kept."""


WorktreeEvent = WorktreeMade | WorktreeLeft
