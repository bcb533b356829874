"""The folder that a small command is about, and its settings.

Invariant: nothing of a session is imported or opened for this.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from hybridcode.config.load import Loaded, load

Command = TypeVar("Command", bound=Callable[..., Any])


def workspace_options(command: Command) -> Command:
    """Add --cwd and --json."""
    command = click.option("--json", "as_json", is_flag=True, help="One JSON document.")(command)
    return click.option(
        "--cwd", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Work in this folder."
    )(command)


def settings_of(cwd: Path | None, *, profile: str = "") -> tuple[Path, Loaded]:
    """The workspace and its settings."""
    workspace = (cwd or Path.cwd()).resolve()
    return workspace, load(workspace, profile=profile)
