"""The workspace and journal that a small command is about.

Invariant: these commands change nothing but what they are asked to.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from hybridcode.cli.here import settings_of, workspace_options
from hybridcode.domain.errors import ConfigError
from hybridcode.journal.store import Journal
from hybridcode.session.finding import latest_session, open_existing

__all__ = ["journal_of", "session_named", "settings_of", "workspace_options"]


@contextmanager
def journal_of(cwd: Path | None) -> Generator[Journal]:
    """The workspace's journal.

    Raises:
        ConfigError: when nothing was ever done in this workspace.
    """
    workspace, loaded = settings_of(cwd)
    journal = open_existing(workspace, loaded.settings)
    if journal is None:
        raise ConfigError(f"There is no session of {workspace}.", "Start one with `hybridcode` or `hybridcode run`.")
    try:
        yield journal
    finally:
        journal.close()


def session_named(cwd: Path | None, name: str | None) -> str:
    """The session that is meant: the one named, or the newest.

    Raises:
        ConfigError: when there is none.
    """
    workspace, loaded = settings_of(cwd)
    found = name or latest_session(workspace, loaded.settings)
    if found is None:
        raise ConfigError(f"There is no session of {workspace}.", "Start one with `hybridcode` or `hybridcode run`.")
    return found
