"""Which commands need a repository that can be written, and which parts of it stay read-only even then.

Invariant: what git runs by itself (hooks) and what tells it what to run (configuration) is never writable.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from hybridcode.domain.action import ShellCommand
from hybridcode.gate.commands.plain import Stage, plain_pipeline
from hybridcode.gate.commands.shell import names

_WRITES = names(
    "add branch checkout cherry-pick commit fetch merge mv notes pull rebase reset restore revert rm stash switch tag"
)
_RUNS_AND_CONFIGURES = ("hooks", "config", "config.worktree", "info", "commondir")


def writes_git(command: ShellCommand) -> bool:
    """True for one plain `git add`, `git commit` and the like, for which the repository is writable."""
    stages = plain_pipeline(command.script) if command.script else (Stage(command.argv),)
    if stages is None or len(stages) != 1:
        return False
    argv = stages[0].argv
    return len(argv) > 1 and argv[0] == "git" and argv[1] in _WRITES


def common_folder(workspace: Path) -> Path | None:
    """The repository's own folder, where a worktree's `.git` file leads to; None when it does not lead back here."""
    try:
        link = (workspace / ".git").read_text("utf-8", "replace").removeprefix("gitdir:").strip()
        own = Path(os.path.realpath(workspace / link))
        back = Path(os.path.realpath(own / (own / "gitdir").read_text("utf-8", "replace").strip()))
        common = Path(os.path.realpath(own / (own / "commondir").read_text("utf-8", "replace").strip()))
    except OSError:
        return None
    is_ours = back == workspace / ".git" and own.parent == common / "worktrees"
    is_repository = (common / "HEAD").is_file() and (common / "objects").is_dir() and (common / "refs").is_dir()
    return common if is_ours and is_repository else None


def read_only_parts(folder: Path) -> Iterator[Path]:
    """What exists in a repository's folder, and in those of its submodules and worktrees, and is not to be written."""
    for part in _RUNS_AND_CONFIGURES:
        if (folder / part).exists():
            yield folder / part
    for kind in ("modules", "worktrees"):
        for inner in _folders(folder / kind):
            yield from read_only_parts(inner)


def missing_parts(folder: Path) -> list[Path]:
    """Folders that are not there and that must not come to be while the repository is writable."""
    return [folder / "hooks"] if folder.is_dir() and not (folder / "hooks").exists() else []


def moves_configuration(folder: Path) -> Path:
    """The file that would make git read its configuration and hooks elsewhere; a repository of its own has none."""
    return folder / "commondir"


def _folders(folder: Path) -> Sequence[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink())
    except OSError:
        return ()
