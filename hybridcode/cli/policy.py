"""`hybridcode policy check`: what the policy says of a command or a write, before any approver.

Invariant: pure: no process is started and nothing is written.
"""

from pathlib import Path

import click

from hybridcode.agent.commands import shell_command
from hybridcode.cli import console
from hybridcode.cli.workspace import settings_of, workspace_options
from hybridcode.domain.action import Action, ChangeSet, FileEdit
from hybridcode.domain.errors import ConfigError
from hybridcode.gate.policy import Policy


@click.group()
def policy() -> None:
    """Rules: deny over ask over allow."""


@policy.command()
@click.option("--command", "line", metavar="TEXT", help="A command line.")
@click.option("--write", "path", metavar="PATH", help="A file to be written.")
@workspace_options
def check(line: str | None, path: str | None, cwd: Path | None, as_json: bool) -> None:
    """Print the verdict on a command or a write."""
    if (line is None) == (path is None):
        raise ConfigError("Give either --command or --write.", "hybridcode policy check --command 'git status'")
    workspace, loaded = settings_of(cwd)
    action: Action
    if line is not None:
        action = shell_command(line, timeout_s=1.0, purpose="step", env_names=())
    else:
        action = ChangeSet((FileEdit(path or "", before_sha256=None, after_sha256="0" * 64),))
    ruling = Policy.load(loaded.settings, workspace).judge(action)
    if as_json:
        console.json_data(
            {
                "verdict": ruling.verdict,
                "reason": ruling.reason,
                "rule": ruling.rule,
                "source": ruling.source,
                "person_only": ruling.person_only,
                "flags": ruling.flags,
            }
        )
        return
    console.data(f"{ruling.verdict}: {console.shown(ruling.reason)} (rule {ruling.rule}, {ruling.source})")
