"""Makes and takes away the git worktree that a session works in, with the links that the settings name.

Invariant: only a folder of our own, outside every workspace, is written; what is taken away held nothing that a commit
on a branch does not hold.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hybridcode.domain.errors import ConfigError, RepoError
from hybridcode.gate.protected import OWN_NAMES
from hybridcode.repo.gitreader import GitReader
from hybridcode.repo.gitworktrees import GitWorktrees, is_whole, standing, uncommitted
from hybridcode.repo.gitwriter import GitWriter

PACKAGES = ("node_modules", ".venv", "venv", "vendor", "target", "bower_components")
"""Folders that git usually ignores and that checks need."""


@dataclass(frozen=True)
class Made:
    """A worktree that stands, and what a person should know of it."""

    root: Path
    """The folder in it that stands for the person's one."""
    commit: str
    links: tuple[str, ...]
    notes: tuple[tuple[str, str], ...]
    """Sentences, each with a hint."""


def make(home: Path, path: Path, *, at: str, branch: str, wanted_links: Sequence[str]) -> Made:
    """A worktree at `path` for the folder `home`: on `branch` where there is such a one, else at the commit `at`
    (empty: the one that is checked out).

    Raises:
        ConfigError: there is no repository, no commit, or the folder is in no commit.
        RepoError: git cannot make it.
    """
    git = GitWorktrees.find(home)
    if git is None:
        raise ConfigError(f"{home} is not in a git repository: there can be no worktree.", "git init makes it one.")
    commit = at or git.head()
    if not commit:
        raise ConfigError("There is no commit yet: a worktree begins at one.", "Commit something first.")
    has_branch = bool(branch) and git.has_branch(branch)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (path / ".git").is_file() and not is_whole(path):
        git.check_out(path)  # it was cut off before its files were there
    else:
        git.add(path, at=branch if has_branch else commit, is_branch=has_branch)
    root = path / git.prefix
    if not root.is_dir():
        git.remove(path)
        raise ConfigError(
            f"The last commit has no folder {git.prefix}.", "Commit it first, or work without --worktree."
        )
    links, problems = _link(home, root, wanted_links)
    return Made(root, commit, links, (*problems, *_filtered(path), *_submodules(path)))


def left_out(home: Path) -> tuple[str, ...]:
    """Changed and untracked paths of a person's folder, which no worktree has: relative to the repository's top."""
    reader = GitReader.find(home)
    return tuple(uncommitted(reader.without_filters(), untracked="normal") or ()) if reader is not None else ()


def missing(home: Path, root: Path) -> tuple[str, ...]:
    """Folders of packages that the person's folder has and the worktree has not."""
    return tuple(name for name in PACKAGES if (home / name).is_dir() and not (root / name).exists())


def remove(home: Path, root: Path, path: Path, *, links: Collection[str], began: str, written: Sequence[str]) -> str:
    """Take a worktree away if all that it holds is committed. Returns why it stays; empty if it is gone.

    `written` are paths that the session wrote, relative to `root`: one that git ignores is committed nowhere.
    """
    git, writer = GitWorktrees.find(home), GitWriter.find(root)
    if git is None or writer is None:
        return "git does not know it any more"
    try:
        prefix = writer.prefix
        now = standing(path, apart_from={prefix + name for name in links})
        ignored = writer.ignored([prefix + name for name in written if (root / name).exists()])
        if kept := sorted({*now.uncommitted, *ignored}):
            return f"{some(kept)} {'is' if len(kept) == 1 else 'are'} not committed"
        if not now.branch and now.commit != began:
            return f"its commit {now.commit[:12]} is on no branch"
        for name in links:
            if (root / name).is_symlink():
                (root / name).unlink()
        git.remove(path)
    except (RepoError, OSError) as error:
        return error.message.rstrip(".") if isinstance(error, RepoError) else f"it cannot be removed ({error.strerror})"
    return ""


def _link(home: Path, root: Path, wanted: Sequence[str]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """What is linked, and what is not with the reason."""
    linked: list[str] = []
    problems: list[tuple[str, str]] = []
    for name in dict.fromkeys(text.rstrip("/") for text in wanted):
        if why := _why_not(home, root, name):
            problems.append(
                (f"not linked into the worktree: {name or '(nothing)'}, {why}", "See [git] worktree_links.")
            )
        else:
            (root / name).symlink_to(home / name)
            linked.append(name)
    return tuple(linked), tuple(problems)


def _why_not(home: Path, root: Path, name: str) -> str:
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or OWN_NAMES.intersection(part.casefold() for part in parts):
        return "which is no path inside your folder"
    if not (home / name).exists():
        return "which your folder does not have"
    if (root / name).exists() or (root / name).is_symlink():
        return "which the worktree has by itself"
    if not (root / name).parent.resolve().is_relative_to(root.resolve()) or not (root / name).parent.is_dir():
        return "whose folder the worktree does not have"
    return ""


def _filtered(path: Path) -> tuple[tuple[str, str], ...]:
    """Files that stand there as git keeps them, since only a configured program (as Git LFS) could turn them."""
    git, reader = GitWriter.find(path), GitReader.find(path)
    if git is None or reader is None:
        return ()
    listed = [name.decode("utf-8", "surrogateescape") for name in (reader.run("ls-files", "-z") or b"").split(b"\0")]
    found = git.filtered([name for name in listed if name])
    if not found:
        return ()
    text = f"in the worktree as git keeps them, since filter programs do not run: {some(sorted(found))}"
    return ((text, "A check that reads them may fail."),)


def _submodules(path: Path) -> tuple[tuple[str, str], ...]:
    there_are = (path / ".gitmodules").is_file()
    return (("Submodules are empty folders in the worktree.", "A check that needs them fails."),) if there_are else ()


def some(names: Sequence[str], *, most: int = 5) -> str:
    """The first of these names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
