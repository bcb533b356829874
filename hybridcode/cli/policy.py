"""`hybridcode policy`: what the policy says of a command or a write, why, and whether its rules are sound.

Invariant: pure: no process is started and nothing is written.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from hybridcode.agent.commands import shell_command
from hybridcode.cli import console
from hybridcode.cli.here import settings_of, workspace_options
from hybridcode.cli.lazy import Lazy
from hybridcode.domain.action import Action, ChangeSet, FileEdit
from hybridcode.domain.errors import ConfigError
from hybridcode.gate.policy import Policy

Command = TypeVar("Command", bound=Callable[..., Any])


class _Rooms(Lazy):
    table = {
        "check": "hybridcode.cli.policy:check",
        "explain": "hybridcode.cli.policy_rules:explain",
        "test": "hybridcode.cli.policy_rules:test",
        "inspect": "hybridcode.cli.policy_inspect:inspect",
    }


@click.group(cls=_Rooms)
def policy() -> None:
    """Rules: deny over ask over allow."""


def action_options(command: Command) -> Command:
    """Add --command and --write, the two kinds of actions that can be asked about."""
    command = click.option("--write", "path", metavar="PATH", help="A file to be written.")(command)
    return click.option("--command", "line", metavar="TEXT", help="A command line.")(command)


def action_of(line: str | None, path: str | None) -> Action:
    """The action that the options name.

    Raises:
        ConfigError: none or two.
    """
    if line is not None and path is None:
        return shell_command(line, timeout_s=1.0, purpose="step", env_names=())
    if path is not None and line is None:
        return ChangeSet((FileEdit(path, before_sha256=None, after_sha256="0" * 64),))
    raise ConfigError("Give either --command or --write.", "hybridcode policy check --command 'git status'")


@click.command()
@action_options
@workspace_options
def check(line: str | None, path: str | None, cwd: Path | None, as_json: bool) -> None:
    """Print the verdict on a command or a write."""
    action = action_of(line, path)
    workspace, loaded = settings_of(cwd)
    ruling = Policy.load(loaded.settings, workspace, rules=loaded.rules).judge(action)
    if as_json:
        console.json_data(ruling)
        return
    console.data(console.shown(f"{ruling.verdict}: {ruling.reason} (rule {ruling.rule}, {ruling.source})"))
