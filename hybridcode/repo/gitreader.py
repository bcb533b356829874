"""Read-only git with fixed flags and a fixed environment.

Invariant: no git process started here writes, takes a lock, talks to a network, asks a question or runs a program
named by the repository's configuration (hooks, fsmonitor, filters, pagers, remote helpers).
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from hybridcode.repo.git import Answer, git_program, run_git

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
    program: str
    """The git program, as an absolute path."""
    settings: tuple[tuple[str, str], ...] = _ALWAYS
    """Configuration that wins over every file's."""

    @classmethod
    def find(cls, root: Path) -> "GitReader | None":
        """The repository that `root` belongs to; None outside git or where git is not installed. Starts no process."""
        for folder in (root, *root.parents):
            if (git_dir := _git_dir(folder / ".git")) is not None:
                program = git_program()
                return cls(root=root, worktree=folder, git_dir=git_dir, program=program) if program else None
        return None

    def ask(self, *arguments: str, stdin: bytes = b"") -> Answer:
        """Run `git ARGUMENTS` to its end."""
        return run_git(self.program, arguments, folder=self.root, variables=self.variables(), stdin=stdin)

    def run(self, *arguments: str) -> bytes | None:
        """Standard output of `git ARGUMENTS`; None if it failed."""
        answer = self.ask(*arguments)
        return answer.output if answer.status == 0 else None

    @property
    def prefix(self) -> str:
        """`root` relative to the work tree, as `packages/web/`; empty at its top."""
        relative = self.root.relative_to(self.worktree).as_posix()
        return "" if relative == "." else f"{relative}/"

    @property
    def is_shallow(self) -> bool:
        """The repository holds only the newest part of its history."""
        try:
            return (self._common_dir / "shallow").stat().st_size > 0
        except OSError:
            return False

    def without_filters(self) -> "GitReader":
        """The same reader with every configured content filter turned off: `git status` would run them."""
        listed = self.run("config", "--name-only", "-z", "--get-regexp", _FILTERS) or b""
        names = sorted({os.fsdecode(name) for name in listed.split(b"\0") if name})
        required = sorted({f"{name.rpartition('.')[0]}.required" for name in names})
        off = [(name, "") for name in names] + [(name, "false") for name in required]
        return replace(self, settings=(*self.settings, *off))

    @property
    def _common_dir(self) -> Path:
        """Where refs and objects lie; a linked work tree names it."""
        try:
            return (self.git_dir / (self.git_dir / "commondir").read_text(encoding="utf-8").strip()).resolve()
        except (OSError, ValueError):
            return self.git_dir

    def variables(self) -> dict[str, str]:
        """Variables laid over our own: they win over anything a hook or a shell has left in the environment."""
        common = self._common_dir
        variables = {
            "GIT_DIR": str(self.git_dir),
            "GIT_COMMON_DIR": str(common),
            "GIT_OBJECT_DIRECTORY": str(common / "objects"),
            "GIT_WORK_TREE": str(self.worktree),
            "GIT_INDEX_FILE": str(self.git_dir / "index"),
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_PARAMETERS": "",
            "GIT_CONFIG_COUNT": str(len(self.settings)),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_GRAFT_FILE": os.devnull,
            "GIT_NO_LAZY_FETCH": "1",
            # Older programs do not know GIT_NO_LAZY_FETCH; without a transport they cannot fetch either.
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_PAGER": "cat",
            "LC_ALL": "C",
        }
        for number, (name, value) in enumerate(self.settings):
            variables[f"GIT_CONFIG_KEY_{number}"] = name
            variables[f"GIT_CONFIG_VALUE_{number}"] = value
        return variables


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
