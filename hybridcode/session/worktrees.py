"""Where a session works: in the person's folder, or in a git worktree that is its own.

Invariant: which of the two, and where, is on record before the first task; the person's folder, index, HEAD, stash and
hooks are left alone by a session that has a worktree.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hybridcode.config.paths import worktrees_dir
from hybridcode.config.settings import GitSettings, Settings
from hybridcode.domain.errors import ConfigError, HybridcodeError
from hybridcode.domain.events import Event, NoticeGiven
from hybridcode.domain.worktree import WorktreeLeft, WorktreeMade
from hybridcode.gate import worktrees
from hybridcode.gate.own_writes import commits_of, writes_of
from hybridcode.journal.approvals import Approvals
from hybridcode.journal.states import ApprovalState
from hybridcode.journal.store import Journal, SessionJournal
from hybridcode.repo.gitworktrees import is_whole
from hybridcode.session.state import SessionState

BRANCH = "hybridcode/{task}"
"""Of a worktree whose settings name no branch."""
_LATEST = "SELECT event FROM event WHERE session = ? AND type = ? ORDER BY seq DESC LIMIT 1"
_UNSETTLED = (ApprovalState.PENDING, ApprovalState.APPROVED, ApprovalState.EDITED, ApprovalState.EXECUTING)


@dataclass(frozen=True)
class Workplace:
    """Where a session reads, writes and runs."""

    root: Path
    made: WorktreeMade | None = None
    """Its worktree; None where it works in the person's own folder."""
    news: tuple[Event, ...] = ()
    """What is still to be put on record."""

    def settings(self, settings: Settings) -> Settings:
        """In a worktree the work is committed, to a branch of its own: nothing else would bring it to the person."""
        if self.made is None:
            return settings
        git = settings.git
        commit = "session" if git.commit == "off" else git.commit
        changed = msgspec.structs.replace(git, worktree=True, commit=commit, branch=git.branch or BRANCH)
        return msgspec.structs.replace(settings, git=changed)


def workplace(home: Path, log: SessionJournal, git: GitSettings, *, is_new: bool) -> Workplace:
    """Where a session works; a worktree that is to be there is made, or made again.

    Raises:
        ConfigError: there is no repository or no commit to make one of.
        RepoError: git cannot make it.
    """
    if is_new:
        return _first(home, log, git) if git.worktree else Workplace(home)
    made = recorded(log.journal, log.id)
    if made is None:
        return Workplace(home)
    path = Path(made.path)
    if is_whole(path):
        return Workplace(Path(made.root), made)
    commits = commits_of(log.envelopes())
    branch = commits[-1].receipt.branch if commits else ""
    again = worktrees.make(home, path, at=made.commit, branch=branch, wanted_links=made.links)
    return Workplace(again.root, made, (made,))


@contextmanager
def taken_back(place: Workplace, *, is_new: bool) -> Generator[None]:
    """A worktree that was just made goes again if the session cannot be opened after all."""
    try:
        yield
    except HybridcodeError:
        if is_new and (made := place.made) is not None:
            worktrees.remove(
                Path(made.home), place.root, Path(made.path), links=made.links, began=made.commit, written=()
            )
        raise


def _first(home: Path, log: SessionJournal, git: GitSettings) -> Workplace:
    path = worktrees_dir(home).resolve() / log.id
    found = worktrees.make(home, path, at="", branch="", wanted_links=git.worktree_links)
    lacks = worktrees.missing(home, found.root)
    made = WorktreeMade(str(home), str(path), str(found.root), found.commit, found.links, lacks)
    notices = [NoticeGiven("warning", text, hint) for text, hint in found.notes]
    if without := worktrees.left_out(home):
        text = f"not in the worktree, since it is not committed: {worktrees.some(without)}"
        notices.append(NoticeGiven("warning", text, "Commit it first if the task needs it."))
    return Workplace(found.root, made, (made, *notices))


def recorded(journal: Journal, session: str) -> WorktreeMade | None:
    """The worktree of a session; None where it has none."""
    rows = journal.rows(_LATEST, (session, WorktreeMade.__name__))
    return msgspec.json.decode(rows[0][0], type=WorktreeMade) if rows else None


def left_behind(journal: Journal, session: str) -> WorktreeLeft | None:
    """What became of the worktree of a session when it was closed; None where it has none."""
    rows = journal.rows(_LATEST, (session, WorktreeLeft.__name__))
    return msgspec.json.decode(rows[0][0], type=WorktreeLeft) if rows else None


def root_of(journal: Journal, session: str, home: Path) -> Path:
    """The folder that a session works in, whether it is there or not."""
    made = recorded(journal, session)
    return home if made is None else Path(made.root)


def require_root(log: SessionJournal, home: Path) -> Path:
    """The folder that a session works in.

    Raises:
        ConfigError: it was a worktree, which is gone.
    """
    root = root_of(log.journal, log.id, home)
    if root == home or root.is_dir():
        return root
    branches = dict.fromkeys(made.receipt.branch for made in commits_of(log.envelopes()))
    if not branches:
        raise ConfigError(
            f"The worktree of {log.id} is gone, and it committed nothing.", "Your folder was not changed."
        )
    raise ConfigError(
        f"The worktree of {log.id} is gone: its work is on {', '.join(branches)} alone, your folder was not changed.",
        "; ".join(f"`git branch -D {name}` drops it" for name in branches) + ".",
    )


def lacking(place: Workplace | None, state: SessionState) -> NoticeGiven | None:
    """What a person should know after a check failed in a worktree that lacks folders of packages; None: nothing."""
    task, made = state.task, place.made if place is not None else None
    if made is None or not made.missing or task is None:
        return None
    checks = [*task.checks, *(check for view in task.steps.values() for check in view.checks)]
    if all(check.passed for check in checks):
        return None
    names = ", ".join(f'"{name}"' for name in made.missing)
    text = f"A check failed in a worktree without {', '.join(made.missing)}, which git ignores and your folder has."
    return NoticeGiven("info", text, f"[git] worktree_links = [{names}] links what a check needs into it.")


async def leave(log: SessionJournal, made: WorktreeMade) -> WorktreeLeft:
    """Take the worktree of a session away if everything in it is committed and nothing waits for it."""
    envelopes = log.envelopes()
    commits = commits_of(envelopes)
    branch = commits[-1].receipt.branch if commits else ""
    if Approvals(log.journal).in_state(*_UNSETTLED, session=log.id):
        return WorktreeLeft(made.path, branch, False, "something in it still waits for an answer")
    why = await asyncio.to_thread(
        worktrees.remove,
        Path(made.home),
        Path(made.root),
        Path(made.path),
        links=made.links,
        began=made.commit,
        written=sorted(writes_of(envelopes)),
    )
    return WorktreeLeft(made.path, branch, not why, why)
