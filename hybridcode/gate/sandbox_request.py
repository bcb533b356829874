"""What a sandbox is asked for: which lines to run, where, and what they may reach.

Invariant: a request says everything that a sandbox needs to know; nothing of it is guessed later.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hybridcode.gate.commands.plain import Stage

PACKAGE = Path(__file__).resolve().parents[2]
"""The folder that holds our package: what starts commands is part of it."""


@dataclass(frozen=True)
class Request:
    """One run of a command, or of a plain pipeline, in a sandbox."""

    stages: Sequence[Stage]
    workspace: Path
    cwd: Path
    network: bool = False
    source: Path | None = None
    """A folder that stands in for the workspace: it is written, and the workspace is not."""
    shown: Sequence[Path] = ()
    """Of the workspace: what is seen, read-only and at its own place, although `source` stands in for the rest."""
    is_reader: bool = False
    """Policy found that it only reads: then the workspace cannot be written at all."""
    writes_git: bool = False
    """The repository may be written, apart from its hooks and its configuration."""
    caches: Path | None = None
    """The folder for what tools keep from run to run, private to commands."""

    hidden: Sequence[Path] = ()
    """What must not be seen besides what is never seen: the journal, wherever settings put it."""
    empty: Path | None = None
    """An empty file, to be seen in place of files that are hidden."""

    @property
    def place(self) -> Path:
        """Where a sandbox that cannot mount runs it."""
        return self.cwd if self.source is None else self.source / self.cwd.relative_to(self.workspace)


def interpreter_folders() -> list[Path]:
    """What our own launcher needs to be able to read."""
    folders = {Path(sys.base_prefix).resolve(), PACKAGE / "hybridcode"}
    return sorted(folders)
