"""Small real repositories for tests."""

import os
import subprocess
from pathlib import Path

IDENTITY = ("-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")


def write_tree(root: Path, files: dict[str, str]) -> Path:
    """Write text files below `root` with LF line ends."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return root


def git(root: Path, *arguments: str) -> str:
    """Run git with nothing of the machine's own configuration."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(root),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C",
    }
    done = subprocess.run(
        ["git", *IDENTITY, *arguments], cwd=root, env=env, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout


def git_repository(root: Path, files: dict[str, str]) -> Path:
    """A repository with one commit of these files."""
    root.mkdir(parents=True, exist_ok=True)
    git(root, "init", "-q", "-b", "main")
    write_tree(root, files)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "start")
    return root
