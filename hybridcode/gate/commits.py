"""Makes an approved commit: objects by way of an index of its own, the branch by compare-and-swap, then git's index.

Invariant: only the gate's effects call this; the branch moves from the approved parent or not at all; entries of the
index change only where nothing was staged; nothing in the work tree is touched, no hook runs, nothing is signed.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from hybridcode.domain.action import Committed, Failed, GitCommit, Unknown
from hybridcode.domain.errors import RepoError
from hybridcode.repo.gitwriter import LINK, GitWriter, TreeEntry

Load = Callable[[str], bytes]
"""Gives the bytes of a digest."""


def make(root: Path, commit: GitCommit, *, load: Load) -> Committed | Failed:
    """Commit exactly what was approved, if everything is still as it was then; blocks."""
    git = GitWriter.find(root)
    if git is None:
        return Failed("there is no git repository here any more")
    try:
        if why := changed_since(git, commit):
            return Failed(f"nothing was committed: {why}")
        entries = _entries(git, commit, load, writes=True)
        with tempfile.TemporaryDirectory(prefix="hybridcode-index-") as folder:
            tree = git.tree(commit.parent, entries, folder=Path(folder))
        if commit.parent and tree == git.tree_of(commit.parent):
            return Failed("nothing was committed: the last commit holds this already")
        made = git.commit(tree, parent=commit.parent, message=commit.message)
        _move(git, commit, made)
    except RepoError as error:
        return Failed(f"nothing was committed: {error.message}")
    return _done(git, commit, made, entries)


def recover(root: Path, commit: GitCommit, *, load: Load) -> Committed | Failed | Unknown:
    """What became of a commit whose process died: it stands and git's index is told, or it was not made."""
    git = GitWriter.find(root)
    if git is None:
        return Unknown("the git repository is gone")
    try:
        head = git.head()
        if head.commit == commit.parent:
            return Failed("it was cut off before the branch moved: nothing was committed")
        entries = _entries(git, commit, load, writes=False)
        with tempfile.TemporaryDirectory(prefix="hybridcode-index-") as folder:
            tree = git.tree(commit.parent, entries, folder=Path(folder))
        parents = (commit.parent,) if commit.parent else ()
        if head.branch != commit.branch or git.told(head.commit) != (tree, parents, commit.message):
            return Unknown(
                f"it was cut off, and {head.branch or 'HEAD'} is not where it would have left it: look at it"
            )
        known = _known(git, commit)
        untouched = all(git.staged([path]).get(path) == known.get(path) for path in entries)
    except RepoError as error:
        return Unknown(f"it was cut off and could not be looked at: {error.message}")
    return _done(git, commit, head.commit, entries if untouched else {})


def changed_since(git: GitWriter, commit: GitCommit) -> str:
    """Why the commit cannot be made as it was approved; empty if it can."""
    what, how = git.in_progress()
    if what:
        return f"a {what} is in progress; finish it, or `{how}`"
    head = git.head()
    if head.commit != commit.parent:
        return f"HEAD is not {commit.parent[:12] or 'unborn'} any more"
    if not commit.makes_branch and head.branch != commit.branch:
        return f"{commit.branch} is not checked out any more"
    if commit.makes_branch and git.has_branch(commit.branch):
        return f"there is a branch {commit.branch} by now"
    if git.identity() != commit.author:
        return "git names another author by now"
    if git.has_index_lock:
        return "another git works on the index (.git/index.lock)"
    known = _known(git, commit)
    staged = git.staged(list(known))
    if touched := [path for path, entry in known.items() if staged.get(path) != entry]:
        return f"changes of {', '.join(touched)} are staged; commit or unstage them"
    return ""


def _known(git: GitWriter, commit: GitCommit) -> dict[str, TreeEntry | None]:
    paths = [git.prefix + file.path for file in commit.files]
    found = git.entries_of(commit.parent, paths)
    return {path: found.get(path) for path in paths}


def _entries(git: GitWriter, commit: GitCommit, load: Load, *, writes: bool) -> dict[str, TreeEntry | None]:
    entries: dict[str, TreeEntry | None] = {}
    for file in commit.files:
        path = git.prefix + file.path
        if file.sha256 is None:
            entries[path] = None
        else:
            oid = git.blob(path, load(file.sha256), is_link=file.mode == LINK, writes=writes)
            entries[path] = TreeEntry(file.mode, oid)
    return entries


def _move(git: GitWriter, commit: GitCommit, made: str) -> None:
    kind = "commit" if commit.parent else "commit (initial)"
    if not commit.makes_branch:
        git.move_branch(commit.branch, made, was=commit.parent, why=f"{kind}: {commit.subject}")
        return
    was = git.head().branch or commit.parent
    git.move_branch(commit.branch, made, was="", why=f"{kind}: {commit.subject}")
    git.check_out_name(commit.branch, was=was)


def _done(git: GitWriter, commit: GitCommit, made: str, entries: dict[str, TreeEntry | None]) -> Committed:
    why = git.set_staged(entries) if entries else "something else was staged meanwhile"
    paths = tuple(file.path for file in commit.files)
    note = f"git's index does not know it yet ({why}): `git add -- {' '.join(paths)}` tells it" if why else ""
    return Committed(made, commit.branch, commit.subject, paths, note)
