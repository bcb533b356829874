"""Sessions of a workspace, found in its journal.

Invariant: looking never creates a journal.
"""

from pathlib import Path

from hybridcode.config.paths import state_dir
from hybridcode.config.settings import Settings
from hybridcode.journal.store import Journal


def journal_path(workspace: Path, settings: Settings) -> Path:
    """Where the journal of a workspace is, whether it exists or not."""
    return state_dir(workspace, settings.audit.state_dir) / "journal.db"


def open_existing(workspace: Path, settings: Settings) -> Journal | None:
    """The journal of a workspace, or None when nothing was ever done there."""
    path = journal_path(workspace, settings)
    return Journal.open(path) if path.exists() else None


def latest_session(workspace: Path, settings: Settings) -> str | None:
    """Id of the newest session of a workspace that is a conversation."""
    journal = open_existing(workspace, settings)
    if journal is None:
        return None
    try:
        return next((row.id for row in journal.sessions() if not row.is_calibration), None)
    finally:
        journal.close()
