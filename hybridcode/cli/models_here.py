"""`hybridcode models list|add|rm`: the models on this machine, and which ones could be.

Invariant: `add` and `rm` of a file elsewhere change a note of ours and never the file.
"""

import shutil
import sys
import textwrap
from pathlib import Path
from typing import Any

import click

from hybridcode.cli import console
from hybridcode.cli.workspace import settings_of, workspace_options
from hybridcode.config.paths import expanded
from hybridcode.config.settings import LocalSettings
from hybridcode.domain.errors import ConfigError
from hybridcode.models.catalogue import CLASSES, Entry, catalogue
from hybridcode.models.fit import available_memory
from hybridcode.models.gguf import BadGguf, inspect
from hybridcode.models.gguf_summary import quantisation_of
from hybridcode.models.model_files import claimed, delete
from hybridcode.models.shelf import ModelFile, Shelf
from hybridcode.session.amounts import size

_WIDEST = 100
_INSIDE = "      "


@click.command("list")
@workspace_options
def list_(cwd: Path | None, as_json: bool) -> None:
    """List the models on this machine, and those that can be pulled, by the memory they are for."""
    _, loaded = settings_of(cwd)
    here = [_row(model, loaded.settings.models.local) for model in Shelf().models()]
    memory = available_memory()
    there = [_offer(entry, memory) for entry in catalogue()]
    if as_json:
        console.json_data({"here": here, "available": there, "free_memory_bytes": memory})
        return
    for row in here:
        console.data(_here_line(row))
    if not here:
        console.say("no model on this machine yet")
    for name in CLASSES:
        console.data(f"for {name}:")
        for offer in there:
            if name in offer["memory"]:
                console.data(_offer_line(offer, is_here=any(row["name"] == offer["id"] for row in here)))
    free = "unknown" if memory is None else size(memory)
    console.say(f"free memory: {free} (a graphics card's own memory is not counted)", dim=True)
    console.say("hybridcode models pull NAME gets one; nothing is downloaded without a yes", dim=True)


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", default="", help="What to call it; the file's own name otherwise.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def add(path: Path, name: str, as_json: bool) -> None:
    """Make a GGUF file known that lies elsewhere. It stays where it is."""
    model = Shelf().add(path, name)
    if as_json:
        console.json_data(model)
    else:
        console.say(f"{model.name} is {console.shown(model.path)} ({size(model.bytes)})")
        console.say(f"Use it: hybridcode config set models.local.name={model.name}")


@click.command()
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def rm(name: str, yes: bool, as_json: bool) -> None:
    """Delete a model that was pulled, or forget one that was added."""
    shelf = Shelf()
    model = shelf.find(name)
    if model is None:
        raise ConfigError(f"There is no model {name} on this machine.", "See `hybridcode models list`.")
    if model.kind == "added":
        shelf.forget(name)
    elif not _may_delete(model, yes=yes):
        return
    else:
        _delete(shelf, model)
    if as_json:
        console.json_data({"name": name, "path": model.path, "deleted": model.kind != "added"})
    elif model.kind == "added":
        console.say(f"{console.shown(name)} is forgotten; {console.shown(model.path)} stays")
    else:
        console.say(f"{console.shown(name)} is deleted")


def _may_delete(model: ModelFile, *, yes: bool) -> bool:
    console.say(f"{console.shown(model.path)}  {size(model.bytes)}")
    if yes:
        return True
    if not sys.stdin.isatty():
        raise ConfigError("Nobody can be asked whether to delete it.", "Say --yes.")
    return click.confirm("Delete this file?", err=True)


def _delete(shelf: Shelf, model: ModelFile) -> None:
    with claimed(shelf.folder, model.name):
        delete(shelf.folder, Path(model.path).name)
        record = Path(f"{model.path}.json")
        if model.kind == "unfinished" and record.exists():
            delete(shelf.folder, record.name)


def _row(model: ModelFile, local: LocalSettings) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": model.name,
        "kind": model.kind,
        "path": model.path,
        "bytes": model.bytes,
        "architecture": None,
        "quantisation": None,
        "problem": None,
        "configured": _is_configured(model, local),
    }
    if model.kind == "unfinished":
        return row
    try:
        info = inspect(Path(model.path))
        row |= {"architecture": info.architecture, "quantisation": quantisation_of(info)}
    except BadGguf as error:
        row["problem"] = error.reason
    return row


def _is_configured(model: ModelFile, local: LocalSettings) -> bool:
    if model.kind == "unfinished":
        return False
    if local.path:
        return expanded(local.path).absolute() == Path(model.path)
    return not local.base_url and local.name == model.name


def _offer(entry: Entry, memory: int | None) -> dict[str, Any]:
    return {
        "id": entry.id,
        "title": entry.title,
        "memory": entry.memory,
        "bytes": entry.bytes,
        "bytes_are_approximate": not entry.is_pinned,
        "sha256": entry.sha256 or None,
        "pinned": entry.is_pinned,
        "licence": entry.licence,
        "architecture": entry.architecture,
        "quantisation": entry.quantisation,
        "needs_gib": entry.needs_gib,
        "n_ctx": entry.n_ctx,
        "template": entry.template,
        "why": entry.why,
        "url": entry.url,
        "fits_free_memory": None if memory is None else entry.needs_gib * 2**30 <= memory,
    }


def _here_line(row: dict[str, Any]) -> str:
    mark = "*" if row["configured"] else " "
    what = " ".join(filter(None, (row["architecture"], row["quantisation"])))
    if row["kind"] == "unfinished":
        what = f"unfinished: go on with `hybridcode models pull {row['name']}`"
    if row["problem"]:
        what = f"cannot be used: {row['problem']}"
    amount = "gone" if row["bytes"] is None else size(row["bytes"])
    return console.shown(f"{mark} {row['name']}  {amount}  {what}  {row['path']}")


def _offer_line(offer: dict[str, Any], *, is_here: bool) -> str:
    """What it takes in columns, then on what terms, then why, within the width of the terminal."""
    fits = {True: "fits now", False: "more than is free", None: "free memory unknown"}
    about = "about " if offer["bytes_are_approximate"] else ""
    needs = f"needs {offer['needs_gib']:g} GiB with {offer['n_ctx']:,} tokens"
    name = f"{offer['id']}{' (here)' if is_here else ''}"
    head = f"  {name:<24} {about + size(offer['bytes']):>14}  {needs:<34} {fits[offer['fits_free_memory']]}"
    terms = f"{offer['licence']}, {'pinned' if offer['pinned'] else 'UNPINNED: no SHA-256 is known beforehand'}"
    width = min(_WIDEST, shutil.get_terminal_size((_WIDEST, 0)).columns)
    return "\n".join((head, *(_indented(text, width) for text in (terms, offer["why"]))))


def _indented(text: str, width: int) -> str:
    return textwrap.fill(text, width, initial_indent=_INSIDE, subsequent_indent=_INSIDE)
