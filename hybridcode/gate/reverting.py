"""A commit that takes back, in git, what an undo has put back in the files.

Invariant: history is never rewritten: a commit stays, and one more on top of it says what was reverted.
"""

import asyncio
from collections.abc import Sequence

from hybridcode.domain.action import Committed, Declined, Denied, Failed, Receipt, Unknown
from hybridcode.domain.errors import RepoError
from hybridcode.domain.events import UndoMade
from hybridcode.gate.commit_contents import contents_of
from hybridcode.gate.commit_plan import Planned, Refused, plan_commit, with_message
from hybridcode.gate.gate import Gate
from hybridcode.gate.own_writes import REVERT, still_committed, writes_of
from hybridcode.gate.taking_back import UNDO_STEP
from hybridcode.journal.store import SessionJournal
from hybridcode.repo.gitwriter import GitWriter

_SUBJECT_CHARS = 72


def commits_behind(journal: SessionJournal, undone: UndoMade) -> list[Committed]:
    """The session's own commits that still hold what an undo has put back in the files, oldest first."""
    return still_committed(journal.envelopes(), undone.restored)


def told(commits: Sequence[Committed]) -> str:
    """What a person must know of them; empty if there are none."""
    if not commits:
        return ""
    names = ", ".join(f"{one.commit[:10]} ({one.subject})" for one in commits)
    return f"{'commit' if len(commits) == 1 else 'commits'} {names} on {commits[-1].branch} still hold what was undone"


async def revert(journal: SessionJournal, gate: Gate, undone: UndoMade, *, by: str) -> Committed | Refused:
    """Commit the files as an undo has put them back; asked for by a person, so approved by it."""
    commits = commits_behind(journal, undone)
    if not commits:
        return Refused("no commit of this session holds what was undone")
    writes = {path: found for path, found in writes_of(journal.envelopes()).items() if path in undone.restored}
    git = await asyncio.to_thread(GitWriter.find, gate.workspace)
    if git is None:
        return Refused("this folder is not in a git repository any more")
    contents = await contents_of(journal, gate.workspace, writes)
    try:
        planned = await asyncio.to_thread(plan_commit, git, writes, list(writes), load=contents.get, branch="")
    except RepoError as error:
        return Refused(error.message, error.hint)
    if not isinstance(planned, Planned):
        return planned if planned.reason else Refused("the last commit holds the files as they are")
    commit = with_message(planned, _message(commits))
    receipt = await gate.perform(commit, step=UNDO_STEP, title=f"git commit: {commit.subject}", by=by)
    return receipt if isinstance(receipt, Committed) else _why_not(receipt)


def _message(commits: Sequence[Committed]) -> str:
    subject = f'{REVERT}"{commits[-1].subject}"'
    if len(commits) > 1 or len(subject) > _SUBJECT_CHARS:
        subject = f"{REVERT}{len(commits)} {'commit' if len(commits) == 1 else 'commits'}"
    reverted = "\n".join(f"This reverts commit {one.commit}." for one in commits)
    return f"{subject}\n\n{reverted}\n"


def _why_not(receipt: Receipt) -> Refused:
    match receipt:
        case Denied(reason=reason, hint=hint):
            return Refused(reason, hint)
        case Failed(reason=reason) | Unknown(reason=reason) | Declined(reason=reason):
            return Refused(reason)
        case _:
            return Refused("it waits for an answer", "`hybridcode approvals list` shows what waits.")
