"""Cases for measuring context: real commits, what their messages ask for, and what they changed.

Invariant: which cases are chosen depends on their names alone; in a checkout no commit after the case's can be reached.
"""

import hashlib
import subprocess
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path

import msgspec


class Gold(msgspec.Struct, frozen=True):
    """What a commit changed in one file, in lines (1-based, inclusive) of the tree before it."""

    path: str
    changed_lines: tuple[int, ...]
    units: tuple[tuple[int, int, str], ...]
    """First line, last line and kind of each function around a change; a few lines where there is none."""


class Case(msgspec.Struct, frozen=True):
    """One commit: the sentence to be answered, and the places that a good answer shows."""

    id: str
    repo: str
    parent: str
    """The commit whose tree is searched."""
    split: str
    query: str
    gold: tuple[Gold, ...]


def read_cases(file: Path, *, split: str = "", limit: int = 0) -> list[Case]:
    """The cases of a JSON-lines file, by repository; with a limit, as many of each repository as there is room for.

    Raises: OSError, msgspec.ValidationError or msgspec.DecodeError if the file cannot be used.
    """
    found = [msgspec.json.decode(line, type=Case) for line in file.read_bytes().splitlines()]
    ordered = sorted(
        (case for case in found if split in ("", case.split)),
        key=lambda case: (case.repo, hashlib.sha256(case.id.encode()).hexdigest()),
    )
    return sorted(_in_turn(ordered)[:limit], key=lambda case: case.repo) if limit else ordered


def _in_turn(cases: Sequence[Case]) -> list[Case]:
    """The first case of every repository, then the second of every one, and so on."""
    rows: Iterable[tuple[Case | None, ...]] = zip_longest(
        *([case for case in cases if case.repo == repo] for repo in sorted({case.repo for case in cases}))
    )
    return [case for row in rows for case in row if case is not None]


def checked_out(clones: Path, work: Path, case: Case) -> Path:
    """The tree before a case's commit, in a clone below `work` that shares its objects with the one in `clones`.

    Raises: RuntimeError if the commit cannot be checked out.
    """
    folder = work / case.repo
    if not (folder / ".git").is_dir():
        work.mkdir(parents=True, exist_ok=True)
        _git(work, "clone", "-q", "--shared", "--no-checkout", str((clones / case.repo).resolve()), case.repo)
    _git(folder, "checkout", "-q", "-f", "--detach", case.parent)
    _git(folder, "clean", "-qfdx")
    if (head := _git(folder, "rev-parse", "HEAD").strip()) != case.parent:
        raise RuntimeError(f"{folder} is at {head}, not at {case.parent}")
    return folder


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=False).stdout
