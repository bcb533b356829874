"""Commits what a task or a step changed, where [git] commit says so: planned, written, asked through the gate.

Invariant: nothing is committed unless the step or task is done; what is not committed is told with its reason, and
changes nothing about the task being done.
"""

import asyncio
import re
import unicodedata
from collections.abc import Mapping, Sequence

from hybridcode.agent.commit_message import About, is_trailer, message_for, with_trailer
from hybridcode.agent.run import Run
from hybridcode.domain.action import Declined, Denied, Failed, GitCommit, Held, Receipt, Unknown
from hybridcode.domain.errors import RepoError
from hybridcode.domain.events import NoticeGiven, TaskGiven
from hybridcode.domain.plan import Plan, Step
from hybridcode.gate.commit_contents import contents_of
from hybridcode.gate.commit_plan import (
    NOTHING_NEW,
    Planned,
    Refused,
    is_same_but_message,
    plan_commit,
    with_message,
)
from hybridcode.gate.own_writes import Write, commits_of, own_states, writes_of
from hybridcode.patch.hunks import unified
from hybridcode.repo.gitwriter import GitWriter

COMMIT = "(commit)"
"""The step that commits belong to; no plan can use this id."""
_SLUG_CHARS = 40


async def commit_step(run: Run, step: Step) -> str:
    """Commit what a step changed, in mode `step`. Returns what waits for an answer; empty if nothing does."""
    if run.settings.git.commit != "step":
        return ""
    return await _commit(run, step.goal, (), only=step.id)


async def commit_task(run: Run, plan: Plan) -> str:
    """Commit what a task changed and is not committed yet. Returns what waits for an answer; empty if nothing does."""
    if run.settings.git.commit == "off":
        return ""
    return await _commit(run, run.task.text, tuple(step.goal for step in plan.steps), only=None)


async def _commit(run: Run, text: str, goals: tuple[str, ...], *, only: str | None) -> str:
    envelopes = run.journal.envelopes()
    since = next((e.seq for e in reversed(envelopes) if isinstance(e.event, TaskGiven)), 0)
    writes = writes_of(envelopes)
    paths = [path for path, found in writes.items() if _is_meant(found, since, only)]
    if not paths or isinstance(run.receipts.get(COMMIT), Declined):
        return ""
    git = await asyncio.to_thread(GitWriter.find, run.root)
    if git is None:
        _tell(run, Refused("this folder is not in a git repository", "git init makes it one."))
        return ""
    in_worktree = run.settings.git.worktree  # which has one branch for all of the session's tasks
    own = {made.receipt.branch for made in commits_of(envelopes) if in_worktree or made.seq >= since}
    meant = {path: writes[path] for path in paths}
    contents = await contents_of(run.journal, run.root, meant)
    branch = branch_name(run.settings.git.branch, task=run.task.text, session=run.journal.id)
    try:
        planned = await asyncio.to_thread(
            plan_commit, git, meant, paths, load=contents.get, branch=branch, own_branches=own
        )
    except RepoError as error:
        planned = Refused(error.message, error.hint)
    if isinstance(planned, Refused):
        if planned is not NOTHING_NEW:
            _tell(run, planned)
        return ""
    subjects = await asyncio.to_thread(git.subjects, planned.commit.parent)
    about = _about(text, goals, planned.commit, writes=meant, contents=contents, subjects=subjects)
    return _told(run, await _submitted(run, planned, about))


async def _submitted(run: Run, planned: Planned, about: About) -> Receipt:
    """Go on with the question of an earlier run if it is about this very commit; else write a message and ask."""
    former = run.pending.pop(COMMIT, None)
    if former is not None and is_same_but_message(run.gate.approvals.get(former).proposal.action, planned.commit):
        return await run.gate.resubmit(former)
    message, writer = await message_for(run, about)
    trailer = run.settings.git.trailer.strip()
    if trailer and not is_trailer(trailer):
        _tell(run, Refused("[git] trailer is not `Key: value` on one line", "The commit has none."), what="no trailer")
        trailer = ""
    commit = with_message(planned, with_trailer(message, trailer))
    return await run.gate.submit(commit, step=COMMIT, writer=writer, notes=planned.notes, resume=former)


def _told(run: Run, receipt: Receipt) -> str:
    """Tell what is not committed; what waits for an answer is returned."""
    match receipt:
        case Held(proposal=proposal):
            return f"the commit waits for approval {proposal}"
        case Failed(reason=reason) | Unknown(reason=reason):
            _tell(run, Refused(reason, "What was changed stays as it is; commit it yourself."))
        case Denied(reason=reason, hint=hint):
            _tell(run, Refused(reason, hint))
        case Declined(reason=reason, by=by):
            _tell(run, Refused(f"no, said {by}{f': {reason}' if reason else ''}"))
        case _:
            pass
    return ""


def _tell(run: Run, refused: Refused, *, what: str = "not committed") -> None:
    run.journal.append(NoticeGiven("warning", f"{what}: {refused.reason}", refused.hint))


def _is_meant(writes: Sequence[Write], since: int, only: str | None) -> bool:
    return any(write.seq >= since and only in (None, write.step) for write in writes)


def _about(
    text: str,
    goals: tuple[str, ...],
    commit: GitCommit,
    *,
    writes: Mapping[str, Sequence[Write]],
    contents: Mapping[str, bytes],
    subjects: tuple[str, ...],
) -> About:
    """What the message is to be about: the diff from the last commit as far as the session knows its bytes."""
    parts: list[str] = []
    for file in commit.files:
        oldest = own_states(writes[file.path])[-1]
        before = contents.get(oldest.sha256) if oldest is not None else None
        parts.append(unified(file.path, before, contents.get(file.sha256 or "")))
    return About(text, goals, "".join(parts), tuple(file.path for file in commit.files), subjects)


def branch_name(pattern: str, *, task: str, session: str) -> str:
    """The branch that [git] branch names."""
    return pattern.replace("{task}", _slug(task) or "task").replace("{session}", session)


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    while len("-".join(words)) > _SLUG_CHARS and len(words) > 1:
        words.pop()
    return "-".join(words)[:_SLUG_CHARS]
