"""`hybridcode config` and `trust`: what holds, where it comes from, and what a repository may change.

Invariant: nothing here writes a repository's files.
"""

from pathlib import Path

import click
import msgspec

from hybridcode.cli import console
from hybridcode.cli.workspace import settings_of, workspace_options
from hybridcode.config.edit import set_user_value
from hybridcode.config.keys import KEYS, read_assignment
from hybridcode.config.schema import json_schema
from hybridcode.config.trust import describe
from hybridcode.config.trust import trust as remember_trust
from hybridcode.domain.errors import ConfigError


@click.group()
def config() -> None:
    """Settings: managed > command line > HYBRIDCODE_* > local > repository > user > default."""


@config.command()
@click.option("--origin", "with_origin", is_flag=True, help="Say where each value comes from.")
@workspace_options
def show(with_origin: bool, cwd: Path | None, as_json: bool) -> None:
    """Print every setting as it holds in this workspace."""
    _, loaded = settings_of(cwd)
    values = {name: _value(loaded.settings, name) for name in KEYS}
    if as_json:
        origins = {name: str(loaded.origin[name]) for name in values if name in loaded.origin}
        console.json_data({"values": values, "origin": origins, "warnings": loaded.warnings})
        return
    for name, value in values.items():
        text = f"{name} = {msgspec.json.encode(value).decode()}"
        console.data(f"{text}  # {loaded.origin[name]}" if with_origin and name in loaded.origin else text)
    for warning in loaded.warnings:
        console.say(warning, colour="yellow")


@config.command()
def schema() -> None:
    """Print the JSON Schema of config.toml."""
    console.json_data(json_schema())


@config.command("set")
@click.argument("assignment", metavar="KEY=VALUE")
def set_(assignment: str) -> None:
    """Set a value in the user's config.toml; comments stay."""
    key, value = read_assignment(assignment)
    console.say(f"{key} set in {set_user_value(key, value)}")


@click.command()
@click.option("--show", "only_show", is_flag=True, help="Show what there is to trust, and change nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@workspace_options
def trust(only_show: bool, yes: bool, cwd: Path | None, as_json: bool) -> None:
    """Trust exactly the present content of this repository's .hybridcode files."""
    _, loaded = settings_of(cwd)
    view = describe(loaded.repository)
    if as_json:
        console.json_data(view)
        return
    for name, digest in view.files.items():
        console.data(f"{name}  sha256 {digest}")
        console.data(console.shown(loaded.repository.files[name].decode("utf-8", "replace")))
    console.say("trusted" if view.is_trusted else "not trusted: these files may only tighten")
    if only_show or view.is_trusted:
        return
    if not view.files:
        raise ConfigError(
            "There is nothing to trust here.", "A repository's settings stand in .hybridcode/config.toml."
        )
    if yes or click.confirm("Trust exactly this content?", err=True):
        console.say(f"trusted: {remember_trust(loaded.repository)}")


def _value(settings: object, name: str) -> object:
    for part in name.split("."):
        settings = getattr(settings, part)
    return settings
