"""Which file holds the configuration of the repository that a folder is the top of.

Invariant: only text is read; no git is started.
"""

from pathlib import Path


def config_file(top: Path) -> Path:
    """`.git/config`, or that of the repository a linked worktree's `.git` file leads to."""
    dot_git = top / ".git"
    try:
        own = top / dot_git.read_text("utf-8", "replace").removeprefix("gitdir:").strip()
    except OSError:  # a folder, or nothing
        return dot_git / "config"
    try:
        return own / (own / "commondir").read_text("utf-8", "replace").strip() / "config"
    except OSError:
        return own / "config"
