"""Worktrees of a repository: made from a commit or a branch, looked at, taken away.

Invariant: no hook, filter program or network; index, HEAD, stash and files of every other worktree stay as they are,
and no branch is made or moved. Only `gate/worktrees.py` calls what writes.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from hybridcode.domain.errors import RepoError
from hybridcode.repo.git import Answer, run_git
from hybridcode.repo.gitreader import GitReader
from hybridcode.repo.gitwriter import GitWriter

_OF_ONE_WORKTREE = ("GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")
"""Variables that git hands down to the processes that it starts for another worktree: they would act on this one."""


@dataclass(frozen=True)
class Standing:
    """What a worktree holds now."""

    commit: str
    branch: str
    """Empty where HEAD is detached."""
    uncommitted: tuple[str, ...]
    """Changed and untracked paths, relative to its top; what git ignores is not one of them."""


class GitWorktrees:
    """One repository, as seen from one of its worktrees."""

    def __init__(self, reader: GitReader) -> None:
        self._reader = reader.without_filters()
        self.prefix = reader.prefix

    @classmethod
    def find(cls, folder: Path) -> "GitWorktrees | None":
        """The repository that a folder belongs to; None outside git."""
        reader = GitReader.find(folder.resolve())
        return cls(reader) if reader is not None else None

    def head(self) -> str:
        """The commit that is checked out; empty before the first one."""
        return (self._reader.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}") or b"").decode().strip()

    def has_branch(self, name: str) -> bool:
        """There is such a branch."""
        return self._reader.run("rev-parse", "--verify", "--quiet", f"refs/heads/{name}") is not None

    def add(self, path: Path, *, at: str, is_branch: bool) -> None:
        """Make a worktree at a commit (HEAD detached) or on a branch, with its files.

        Raises:
            RepoError: git cannot, as when the branch is checked out elsewhere.
        """
        if not path.exists():
            self._ask("worktree", "remove", str(path))  # one that a person deleted is still on git's list
        how = [str(path), at] if is_branch else ["--detach", str(path), at]
        self._must(self._ask("worktree", "add", "--no-checkout", *how), "worktree add")
        self.check_out(path)

    def check_out(self, path: Path) -> None:
        """Write the files of a worktree that has none yet. Raises: RepoError."""
        reader = _reader_of(path).without_filters()
        self._must(reader.ask("read-tree", "--reset", "-u", "HEAD"), "checkout")

    def remove(self, path: Path) -> None:
        """Take a worktree away; git refuses where something in it is not committed. Raises: RepoError."""
        self._must(self._ask("worktree", "remove", str(path)), "worktree remove")

    def _ask(self, *arguments: str) -> Answer:
        reader = self._reader
        variables = {name: value for name, value in reader.variables().items() if name not in _OF_ONE_WORKTREE}
        return run_git(reader.program, arguments, folder=reader.worktree, variables=variables)

    @staticmethod
    def _must(answer: Answer, what: str) -> None:
        if answer.status != 0:
            said = answer.complaint.splitlines()
            raise RepoError(f"git {what} failed: {said[-1] if said else f'exit code {answer.status}'}", "")


def is_whole(path: Path) -> bool:
    """A worktree stands there, and its files were written to the end: only then git puts its index in place."""
    reader = GitReader.find(path) if (path / ".git").is_file() else None
    return reader is not None and reader.worktree == path and (reader.git_dir / "index").is_file()


def standing(path: Path, *, apart_from: Collection[str] = ()) -> Standing:
    """Look at a worktree; `apart_from` names paths that do not count. Raises: RepoError."""
    reader = _reader_of(path).without_filters()
    head = GitWriter.find(path)
    status = uncommitted(reader)
    if head is None or status is None:
        raise RepoError(f"git cannot say what {path} holds.", "")
    at = head.head()
    return Standing(at.commit, at.branch, tuple(name for name in status if name.rstrip("/") not in apart_from))


def uncommitted(reader: GitReader, *, untracked: str = "all") -> list[str] | None:
    """Changed and untracked paths of a worktree, sorted; None if git cannot say."""
    arguments = ("--porcelain=v1", "-z", "--no-renames", f"--untracked-files={untracked}", "--ignore-submodules=all")
    output = reader.run("status", *arguments)
    if output is None:
        return None
    # Porcelain v1: two status letters, a blank, the path from the work tree's top.
    return sorted(os.fsdecode(entry[3:]) for entry in output.split(b"\0") if len(entry) > 3)


def _reader_of(path: Path) -> GitReader:
    reader = GitReader.find(path.resolve())
    if reader is None:
        raise RepoError(f"{path} is no git worktree any more.", "")
    return reader
