"""`hybridcode init`: write .hybridcode/config.toml by asking.

Invariant: only ever writes at a person's own command, and never over an existing file.
"""

from pathlib import Path

import click

from hybridcode.cli import console
from hybridcode.cli.workspace import settings_of
from hybridcode.config.edit import write_repository_config
from hybridcode.config.first import likely_test_commands
from hybridcode.domain.errors import ConfigError


@click.command()
@click.option("--cwd", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Work in this folder.")
def init(cwd: Path | None) -> None:
    """Write this repository's .hybridcode/config.toml: its checks and what must never be sent or touched."""
    workspace, _ = settings_of(cwd)
    target = workspace / ".hybridcode" / "config.toml"
    if target.exists():
        raise ConfigError(f"{target} exists already.", "Edit it; `hybridcode config show --origin` says what holds.")
    guess = next(iter(likely_test_commands(workspace)), "")
    test = click.prompt("Command that proves a change (empty: none)", default=guess, err=True)
    denied = click.prompt(
        "Paths that must never be sent to a remote model (globs, blank between)", default="", err=True
    )
    write_repository_config(target, {"verify.test_cmd": test, "egress.deny_paths": denied.split()})
    console.say(f"{target} written. Models and keys belong into your own config: hybridcode config set KEY=VALUE")
