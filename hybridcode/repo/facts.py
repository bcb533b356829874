"""What git says about a work tree.

Invariant: facts are read, never computed from guesses; outside git every fact is empty.
"""

from dataclasses import dataclass
from pathlib import Path

from hybridcode.repo.gitreader import GitReader


@dataclass(frozen=True)
class GitFacts:
    """State of the repository when the snapshot was taken."""

    is_git: bool = False
    head: str | None = None
    """Commit id (hexadecimal); None before the first commit and outside git."""
    branch: str | None = None
    """Short name; None when HEAD is detached."""
    is_dirty: bool = False
    """Tracked files below the root differ from HEAD. Untracked files do not count."""
    dirty_paths: tuple[str, ...] = ()
    """Those files, relative to the snapshot's root, sorted."""


def git_facts(root: Path) -> GitFacts:
    """Facts about the work tree that `root` lies in, without looking at its files."""
    return read_facts(GitReader.find(root.resolve()))


def read_facts(reader: GitReader | None) -> GitFacts:
    """Facts about the work tree behind `reader`; empty ones for None."""
    if reader is None:
        return GitFacts()
    dirty = _dirty_paths(reader)
    return GitFacts(
        is_git=True,
        head=_word(reader.run("rev-parse", "--verify", "--quiet", "HEAD^{commit}")),
        branch=_word(reader.run("symbolic-ref", "--quiet", "--short", "HEAD")),
        is_dirty=bool(dirty),
        dirty_paths=dirty,
    )


def _word(output: bytes | None) -> str | None:
    return (output or b"").decode("utf-8", "backslashreplace").strip() or None


def _dirty_paths(reader: GitReader) -> tuple[str, ...]:
    output = reader.run(
        "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=all", "--", "."
    )
    # Porcelain v1: two status letters, a blank, the path from the work tree's top.
    names = [entry[3:].decode("utf-8", "backslashreplace") for entry in (output or b"").split(b"\0") if len(entry) > 3]
    return tuple(sorted(name.removeprefix(reader.prefix) for name in names))
