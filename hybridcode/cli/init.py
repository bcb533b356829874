"""`hybridcode init`: write .hybridcode/config.toml by asking.

Invariant: only ever writes at a person's own command, and never over an existing file.
"""

from collections.abc import Sequence
from pathlib import Path

import click

from hybridcode.cli import console
from hybridcode.cli.workspace import settings_of
from hybridcode.config.edit import write_repository_config
from hybridcode.domain.errors import ConfigError
from hybridcode.repo.checks import Detected, Kind, detect_checks


@click.command()
@click.option("--cwd", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Work in this folder.")
def init(cwd: Path | None) -> None:
    """Write this repository's .hybridcode/config.toml: its checks and what must never be sent or touched."""
    workspace, _ = settings_of(cwd)
    target = workspace / ".hybridcode" / "config.toml"
    if target.exists():
        raise ConfigError(f"{target} exists already.", "Edit it; `hybridcode config show --origin` says what holds.")
    found = detect_checks(workspace)
    default = _told(found, "test")
    test = click.prompt("Command that proves a change (- for none)", default=default, err=True)
    default = _told(found, "lint")
    lint = click.prompt("Command of the linter, which runs before it (- for none)", default=default, err=True)
    denied = click.prompt(
        "Paths that must never be sent to a remote model (globs, blank between)", default="", err=True
    )
    checks = {"verify.test_cmd": test, "verify.lint_cmd": lint}
    named = {key: "" if line.strip() == "-" else line.strip() for key, line in checks.items()}
    write_repository_config(target, {**named, "egress.deny_paths": denied.split()})
    console.say(f"{target} written. Models and keys belong into your own config: hybridcode config set KEY=VALUE")


def _told(found: Sequence[Detected], kind: Kind) -> str:
    """Name what the files tell, each with its reason, and give the likeliest; nothing of it runs."""
    of_kind = [one for one in found if one.kind == kind]
    for one in of_kind:
        console.say(console.shown(f"  {one.command}  ({one.reason})"))
    return of_kind[0].command if of_kind else ""
