"""The workspace and journal that a small command is about.

Invariant: these commands change nothing but what they are asked to.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from hybridcode.config.load import Loaded, load
from hybridcode.domain.errors import ConfigError
from hybridcode.journal.store import Journal
from hybridcode.session.finding import latest_session, open_existing

Command = TypeVar("Command", bound=Callable[..., Any])


def workspace_options(command: Command) -> Command:
    """Add --cwd and --json."""
    command = click.option("--json", "as_json", is_flag=True, help="One JSON document.")(command)
    return click.option(
        "--cwd", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Work in this folder."
    )(command)


def settings_of(cwd: Path | None) -> tuple[Path, Loaded]:
    """The workspace and its settings."""
    workspace = (cwd or Path.cwd()).resolve()
    return workspace, load(workspace)


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
