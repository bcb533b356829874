"""Read-only git with fixed flags and a fixed environment.

Invariant: no git process started here writes, takes a lock, talks to a network, asks a question or runs a program
named by the repository's configuration (hooks, fsmonitor, filters, pagers).
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_ALWAYS = (
    ("core.fsmonitor", "false"),
    ("core.hooksPath", os.devnull),
    ("core.untrackedCache", "keep"),
    ("core.quotePath", "false"),
    ("core.pager", "cat"),
    ("color.ui", "false"),
    ("submodule.recurse", "false"),
)
_FILTERS = r"^filter\..*\.(clean|smudge|process)$"


@dataclass(frozen=True)
class GitReader:
    """Git as seen from one folder of a work tree."""

    root: Path
    """The folder that commands run in, inside `worktree`."""
    worktree: Path
    git_dir: Path
    environment: Mapping[str, str]

    @classmethod
    def find(cls, root: Path) -> "GitReader | None":
        """The repository that `root` belongs to; None outside git or where git is not installed."""
        if shutil.which("git") is None:
            return None
        for folder in (root, *root.parents):
            if (git_dir := _git_dir(folder / ".git")) is not None:
                reader = cls(root=root, worktree=folder, git_dir=git_dir, environment=_environment(folder, git_dir))
                return reader._without_filters()
        return None

    def run(self, *arguments: str) -> bytes | None:
        """Standard output of `git ARGUMENTS`; None if it failed."""
        # Imported late: GitPython refuses to be imported where there is no git program, and costs 0.1 s.
        from git.cmd import Git

        status, output, _ = Git(self.root).execute(
            ["git", *arguments],
            with_extended_output=True,
            with_exceptions=False,
            stdout_as_string=False,
            strip_newline_in_stdout=False,
            shell=False,
            env=self.environment,
        )
        return output if status == 0 else None

    @property
    def prefix(self) -> str:
        """`root` relative to the work tree, as `packages/web/`; empty at its top."""
        relative = self.root.relative_to(self.worktree).as_posix()
        return "" if relative == "." else f"{relative}/"

    def _without_filters(self) -> "GitReader":
        """The same reader with every configured content filter turned off: `git status` would run them."""
        listed = self.run("config", "--name-only", "-z", "--get-regexp", _FILTERS) or b""
        names = sorted({os.fsdecode(name) for name in listed.split(b"\0") if name})
        required = sorted({f"{name.rpartition('.')[0]}.required" for name in names})
        off = [(name, "") for name in names] + [(name, "false") for name in required]
        environment = _environment(self.worktree, self.git_dir, more=off)
        return GitReader(root=self.root, worktree=self.worktree, git_dir=self.git_dir, environment=environment)


def _git_dir(dot_git: Path) -> Path | None:
    """The git directory behind a `.git` folder or file (linked work trees and submodules have a file)."""
    try:
        if (dot_git / "HEAD").is_file():
            return dot_git.resolve()
        if not dot_git.is_file():
            return None
        word, _, target = dot_git.read_text(encoding="utf-8", errors="surrogateescape").partition(":")
    except OSError:
        return None
    named = dot_git.parent / target.strip()
    return named.resolve() if word == "gitdir" and (named / "HEAD").is_file() else None


def _common_dir(git_dir: Path) -> Path:
    try:
        return (git_dir / (git_dir / "commondir").read_text(encoding="utf-8").strip()).resolve()
    except OSError:
        return git_dir


def _environment(worktree: Path, git_dir: Path, *, more: list[tuple[str, str]] | None = None) -> dict[str, str]:
    """Variables laid over our own: they win over anything a hook or a shell has left in the environment."""
    common = _common_dir(git_dir)
    settings = [*_ALWAYS, *(more or [])]
    variables = {
        "GIT_DIR": str(git_dir),
        "GIT_COMMON_DIR": str(common),
        "GIT_OBJECT_DIRECTORY": str(common / "objects"),
        "GIT_WORK_TREE": str(worktree),
        "GIT_INDEX_FILE": str(git_dir / "index"),
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_PARAMETERS": "",
        "GIT_CONFIG_COUNT": str(len(settings)),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_PAGER": "cat",
        "LC_ALL": "C",
    }
    for number, (name, value) in enumerate(settings):
        variables[f"GIT_CONFIG_KEY_{number}"] = name
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables
