"""Starts the git program, and nothing else.

Invariant: the program is found in absolute folders of PATH only, gets no shell and no terminal, and sees no `GIT_*`
variable but the given ones (and where the user's own settings and git's own parts lie).
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_KEPT_VARIABLES = frozenset({"GIT_CONFIG_GLOBAL", "GIT_EXEC_PATH"})


@dataclass(frozen=True)
class Answer:
    """How a git process ended."""

    status: int
    """0 if it did what it was asked."""
    output: bytes
    complaint: str
    """What it said on standard error."""


def git_program() -> str | None:
    """The git program; None if there is none. A relative folder in PATH could name a program of the repository."""
    folders = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(folder).is_absolute()]
    return shutil.which("git", path=os.pathsep.join(folders))


def run_git(
    program: str, arguments: Sequence[str], *, folder: Path, variables: Mapping[str, str], stdin: bytes = b""
) -> Answer:
    """Run `git ARGUMENTS` in `folder` to its end."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _KEPT_VARIABLES}
    try:
        done = subprocess.run(
            [program, *arguments], cwd=folder, env={**own, **variables}, input=stdin, capture_output=True, check=False
        )
    except OSError as error:
        return Answer(status=127, output=b"", complaint=f"git cannot be started: {error.strerror or error}")
    return Answer(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace").strip())
