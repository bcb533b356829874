"""`hybridcode trust`: what a repository's files would be allowed, and a person's yes to exactly these bytes.

Invariant: nothing here writes a repository's files; a yes is bound to their content and to this folder.
"""

import sys
import tomllib
from pathlib import Path

import click
import msgspec

from hybridcode.cli import console
from hybridcode.cli.workspace import settings_of, workspace_options
from hybridcode.config.load import Loaded, load
from hybridcode.config.routing import ROUTING_FILE
from hybridcode.config.trust import TrustView, describe, is_trusted, records, revoke
from hybridcode.config.trust import trust as remember_trust
from hybridcode.config.trust_effects import TrustEffect, effects_of_trust
from hybridcode.domain.errors import ConfigError


@click.command()
@click.option("--show", "only_show", is_flag=True, help="Show what there is to trust, and change nothing.")
@click.option("--list", "only_list", is_flag=True, help="List the folders that are trusted.")
@click.option("--revoke", "take_back", is_flag=True, help="Take the trust in this repository back.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@workspace_options
def trust(only_show: bool, only_list: bool, take_back: bool, yes: bool, cwd: Path | None, as_json: bool) -> None:
    """Trust exactly the present content of this repository's .hybridcode files."""
    if only_list:
        _list(as_json=as_json)
        return
    workspace, loaded = settings_of(cwd)
    if take_back:
        _revoke(loaded, as_json=as_json)
        return
    view, effects = describe(loaded.repository), effects_of_trust(lambda trusted: load(workspace, trust_now=trusted))
    if as_json and (only_show or not yes):
        console.json_data({**msgspec.to_builtins(view), "effects": effects})
        return
    if not as_json:
        _show(loaded, view, effects)
    if only_show or view.is_trusted:
        return
    if not view.files:
        raise ConfigError(
            "There is nothing to trust here.", "A repository's settings stand in .hybridcode/config.toml."
        )
    if yes or _says_yes():
        digest = remember_trust(loaded.repository)
        if as_json:
            console.json_data({**msgspec.to_builtins(describe(loaded.repository)), "effects": effects})
        else:
            console.say(f"trusted: {digest}")


def _says_yes() -> bool:
    try:
        return click.confirm("Trust exactly this content?", err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        hint = "Answer on a terminal, or say --yes after a look at `hybridcode trust --show`."
        raise ConfigError("Nobody answered: nothing is trusted.", hint) from None


def _rules(loaded: Loaded) -> list[dict[str, object]]:
    """The rules of the repository's policy.toml; it was read without a mistake when the settings were."""
    return tomllib.loads(loaded.repository.files.get("policy.toml", b"").decode("utf-8-sig")).get("rule", [])


def _show(loaded: Loaded, view: TrustView, effects: tuple[TrustEffect, ...]) -> None:
    for name, digest in view.files.items():
        console.data(console.shown(f"{name}  sha256 {digest}{_what_changed(name, view)}"))
        console.data(console.shown(loaded.repository.files[name].decode("utf-8", "replace")))
    for name in view.removed:
        console.data(console.shown(f"{name}  is gone since it was trusted"))
    if effects:
        console.say("With trust these settings change:", bold=True)
    for effect in effects:
        before, after = (msgspec.json.encode(value).decode() for value in (effect.before, effect.after))
        console.data(console.shown(f"  {effect.name}: {before} -> {after}  ({effect.file})"))
    if not effects and view.files:
        console.data("  no setting changes with trust")
    commands = [name for name in view.files if name.startswith("commands/")]
    if commands:
        console.data(console.shown(f"  prompts that can be called by name: {', '.join(commands)}"))
    if ROUTING_FILE in view.files:
        console.data(f"  {ROUTING_FILE}, as printed above, says who writes first")
    if any(rule["verdict"] == "allow" for rule in _rules(loaded)):
        console.data("  the allow rules of policy.toml, as printed above, count")
    if view.is_trusted:
        console.say("trusted")
    else:
        again = " any more: the files changed" if view.was_trusted else ""
        console.say(f"not trusted{again}: these files may only tighten")


def _what_changed(name: str, view: TrustView) -> str:
    if name in view.changed:
        return "  changed since it was trusted"
    return "  new since it was trusted" if name in view.added else ""


def _list(*, as_json: bool) -> None:
    found = records()
    if as_json:
        console.json_data(found)
        return
    for record in found:
        console.data(console.shown(f"{record.workspace}  sha256 {record.digest}"))
    if not found:
        console.say("no folder is trusted")


def _revoke(loaded: Loaded, *, as_json: bool) -> None:
    was_trusted = is_trusted(loaded.repository)
    is_gone = revoke(loaded.repository)
    if as_json:
        console.json_data({"workspace": str(loaded.repository.workspace), "revoked": is_gone})
    else:
        stale = "" if was_trusted or not is_gone else " (it had ended already, with a change of the files)"
        console.say(f"trust taken back{stale}" if is_gone else "it was not trusted")
