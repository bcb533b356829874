"""`hybridcode config`: what holds, and where it comes from.

Invariant: nothing here writes a repository's files.
"""

from pathlib import Path

import click
import msgspec

from hybridcode.cli import console
from hybridcode.cli.workspace import settings_of, workspace_options
from hybridcode.config.edit import set_user_value
from hybridcode.config.keys import names_in, read_assignment
from hybridcode.config.schema import json_schema
from hybridcode.config.trust_effects import value_of


@click.group()
def config() -> None:
    """Settings: managed > command line > HYBRIDCODE_* > local > repository > user > default."""


@config.command()
@click.option("--origin", "with_origin", is_flag=True, help="Say where each value comes from.")
@click.option("--profile", default="", metavar="NAME", help="As it would be with this profile.")
@workspace_options
def show(with_origin: bool, profile: str, cwd: Path | None, as_json: bool) -> None:
    """Print every setting as it holds in this workspace."""
    _, loaded = settings_of(cwd, profile=profile)
    values = {name: value_of(loaded.settings, name) for name in names_in(loaded.settings)}
    if as_json:
        origins = {name: str(loaded.origin[name]) for name in values if name in loaded.origin}
        console.json_data({"values": values, "origin": origins, "routing": loaded.routing, "warnings": loaded.warnings})
        return
    for name, value in values.items():
        text = f"{name} = {msgspec.json.encode(value).decode()}"
        console.data(f"{text}  # {loaded.origin[name]}" if with_origin and name in loaded.origin else text)
    for route in loaded.routing.route:
        console.data(console.shown(f"{route.first} writes first: {route.why}"))
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
