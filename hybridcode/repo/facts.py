"""What git says about a work tree.

Invariant: facts are read, never computed from guesses; outside git every fact is empty.
"""

from dataclasses import dataclass
from pathlib import Path

from hybridcode.repo.gitreader import GitReader

_BRANCHES = "refs/heads/"


@dataclass(frozen=True)
class GitHead:
    """Where the repository stands. A snapshot has this; it costs one git process."""

    is_git: bool = False
    head: str | None = None
    """Commit id (hexadecimal); None before the first commit and outside git."""
    branch: str | None = None
    """Short name; None when HEAD is detached."""


@dataclass(frozen=True)
class GitFacts(GitHead):
    """Where the repository stands and what of it is not committed."""

    dirty_paths: tuple[str, ...] = ()
    """Tracked files below the root that differ from HEAD, relative to the root, sorted; untracked ones do not count."""

    @property
    def is_dirty(self) -> bool:
        """There are such files."""
        return bool(self.dirty_paths)


def git_facts(root: Path) -> GitFacts:
    """Facts about the work tree that `root` lies in: compares the tracked files with HEAD, which takes its time."""
    reader = GitReader.find(root.resolve())
    at = read_head(reader)
    return GitFacts(at.is_git, at.head, at.branch, dirty_paths=_dirty_paths(reader) if reader else ())


def read_head(reader: GitReader | None) -> GitHead:
    """Where the repository behind `reader` stands; nothing for None."""
    if reader is None:
        return GitHead()
    words = _lines(reader.run("rev-parse", "HEAD^{commit}", "--symbolic-full-name", "HEAD"))
    if len(words) == 2:
        return GitHead(is_git=True, head=words[0], branch=_branch(words[1]))
    unborn = _lines(reader.run("symbolic-ref", "--quiet", "HEAD"))
    return GitHead(is_git=True, branch=_branch(unborn[0]) if unborn else None)


def _lines(output: bytes | None) -> list[str]:
    return (output or b"").decode("utf-8", "backslashreplace").split()


def _branch(ref: str) -> str | None:
    return ref.removeprefix(_BRANCHES) if ref.startswith(_BRANCHES) else None


def _dirty_paths(reader: GitReader) -> tuple[str, ...]:
    output = reader.without_filters().run(
        "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=all", "--", "."
    )
    # Porcelain v1: two status letters, a blank, the path from the work tree's top.
    names = [entry[3:].decode("utf-8", "backslashreplace") for entry in (output or b"").split(b"\0") if len(entry) > 3]
    return tuple(sorted(name.removeprefix(reader.prefix) for name in names))
