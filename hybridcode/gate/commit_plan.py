"""Which commit would hold what a session wrote, or why there can be none.

Invariant: nothing is written; a commit holds whole files only where everything that is new in them is the session's
own, and only where nothing of them is staged.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from hybridcode.domain.action import CommitFile, FileState, GitCommit
from hybridcode.gate.own_writes import Write, own_states
from hybridcode.repo.gitwriter import LINK, GitWriter, TreeEntry

Load = Callable[[str], bytes | None]
"""Gives the bytes of a digest; None where nobody has them."""
_NOT_KNOWN = TreeEntry(0, "")
_BRANCHES = 50
"""Tries for a name that is free."""


@dataclass(frozen=True)
class Refused:
    """Why there is no commit, and what to do."""

    reason: str
    hint: str = ""


@dataclass(frozen=True)
class Planned:
    """A commit without a message, and what a person must know of it."""

    commit: GitCommit
    notes: tuple[str, ...]


NOTHING_NEW = Refused("")
"""The last commit holds it all."""


def plan_commit(
    git: GitWriter,
    writes: Mapping[str, Sequence[Write]],
    paths: Collection[str],
    *,
    load: Load,
    branch: str,
    own_branches: Collection[str] = (),
) -> Planned | Refused:
    """A commit of these paths as the session left them.

    `branch` names a new branch (empty: the current one); on one of `own_branches` it goes on instead.

    Raises:
        RepoError: git cannot be asked.
    """
    head = git.head()
    what, how = git.in_progress()
    if what:
        return Refused(f"a {what} is in progress", f"Finish it, or `{how}`; then commit yourself.")
    if not (author := git.identity()):
        return Refused(
            "git does not know who you are",
            'Set it: git config --global user.name "Your Name" and git config --global user.email you@example.org',
        )
    chosen = _branch(git, branch, current=head.branch, own_branches=own_branches)
    if isinstance(chosen, Refused):
        return chosen
    if git.has_index_lock:
        return Refused("another git works on the index", "Wait for it; a stale .git/index.lock may be removed.")
    files, left_out = _files(git, head.commit, writes, sorted(paths), load)
    if isinstance(files, Refused):
        return files
    name, is_new = chosen
    commit = GitCommit("", files, parent=head.commit, branch=name, makes_branch=is_new, author=author)
    return Planned(commit, (*_notes(git), *left_out))


def _branch(git: GitWriter, wanted: str, *, current: str, own_branches: Collection[str]) -> tuple[str, bool] | Refused:
    """The branch, and whether it is a new one."""
    if not wanted:
        hint = "Switch to a branch, or let one be made: [git] branch."
        return (current, False) if current else Refused("HEAD is detached: no branch would hold the commit", hint)
    if current and current in (wanted, *own_branches):
        return current, False
    if not git.is_branch_name(wanted):
        return Refused(f"{wanted} is no name of a branch", "Correct [git] branch.")
    names = (wanted, *(f"{wanted}-{number}" for number in range(2, _BRANCHES)))
    free = next((name for name in names if not git.has_branch(name)), None)
    return (free, True) if free else Refused(f"there are {_BRANCHES} branches like {wanted}", "Delete old ones.")


def _files(
    git: GitWriter, parent: str, writes: Mapping[str, Sequence[Write]], paths: Sequence[str], load: Load
) -> tuple[tuple[CommitFile, ...] | Refused, tuple[str, ...]]:
    """What the commit says of each path, and which are left out."""
    whole = {git.prefix + path: path for path in paths}
    for full in whole:
        if folder := git.nested(full):
            return Refused(f"{full} lies in another repository, {folder}", "Commit it there yourself."), ()
    known, staged = git.entries_of(parent, list(whole)), git.staged(list(whole))
    ignored = git.ignored(list(whole)) - set(known) - set(staged)
    if ignored:
        whole = {full: path for full, path in whole.items() if full not in ignored}
    left_out = tuple(f"left out, since git ignores it: {path}" for path in sorted(ignored))
    filtered = git.filtered(list(whole))
    if filtered:
        full, name = next(iter(filtered.items()))
        return Refused(f"{full} goes through the filter {name}, a program", "Commit it yourself: git add, commit."), ()
    files: list[CommitFile] = []
    for full, path in whole.items():
        found = _file(git, full, path, writes[path], known.get(full), load)
        if isinstance(found, Refused):
            return found, ()
        if found is None:
            continue
        if staged.get(full) != known.get(full):
            hint = f"Commit them, or take them out of the index (git restore --staged {path}); then commit yourself."
            return Refused(f"changes of {path} are staged", hint), ()
        files.append(found)
    return (tuple(files) if files else NOTHING_NEW), left_out


def _file(
    git: GitWriter, full: str, path: str, writes: Sequence[Write], known: TreeEntry | None, load: Load
) -> CommitFile | Refused | None:
    """What the commit says of one path; None where the last commit says so already."""
    if (now := writes[-1].after) is not None and load(now.sha256) is None:
        return Refused(f"{path} is not what the step left any more", "Commit it yourself.")
    for place, state in enumerate(own_states(writes)):
        if _entry(git, full, state, known, load) == known:
            if place == 0:
                return None
            mode = git.git_mode(now.mode, known) if now is not None else (known.mode if known is not None else 0)
            return CommitFile(path, None if now is None else now.sha256, mode)
    return Refused(
        f"{path} held changes of yours before, which are not committed",
        "Commit them, or what you want of the file, yourself: git add -p, git commit.",
    )


def _entry(git: GitWriter, full: str, state: FileState | None, known: TreeEntry | None, load: Load) -> TreeEntry | None:
    if state is None:
        return None
    if (data := load(state.sha256)) is None:
        return _NOT_KNOWN
    mode = git.git_mode(state.mode, known)
    return TreeEntry(mode, git.blob(full, data, is_link=mode == LINK))


def _notes(git: GitWriter) -> tuple[str, ...]:
    notes: list[str] = []
    if hooks := git.hooks():
        notes.append(f"this repository's hooks do not run: {', '.join(hooks)} (`git hook run {hooks[0]}` runs one)")
    if git.signs():
        notes.append("it is not signed, though commit.gpgSign is set: `git commit --amend -S --no-edit` signs it")
    return tuple(notes)


def with_message(planned: Planned, message: str) -> GitCommit:
    """The commit with its message."""
    return replace(planned.commit, message=message)


def is_same_but_message(one: object, other: GitCommit) -> bool:
    """True when two commits differ at most in what they say."""
    return isinstance(one, GitCommit) and replace(one, message="") == replace(other, message="")
