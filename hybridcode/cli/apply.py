"""`hybridcode apply`: place a model's answer, in any format, on the files of a folder.

Invariant: all of it or nothing. Typing the command is the approval for ordinary files inside the folder and for no
others.
"""

import asyncio
import sys
from pathlib import Path
from typing import cast, get_args

import click

from hybridcode.cli import console
from hybridcode.cli.workspace import settings_of
from hybridcode.domain.action import FileChange
from hybridcode.domain.errors import ConfigError
from hybridcode.domain.exits import ExitCode
from hybridcode.domain.refusal import Refusal
from hybridcode.gate.policy import Policy
from hybridcode.patch.hunks import unified
from hybridcode.patch.read import Form
from hybridcode.session.applying import (
    Format,
    Placed,
    apply_changes,
    place_answer,
    refusals_of,
    without_escapes,
)

_FORMATS = ("auto", *get_args(Form), "patch")


@click.command()
@click.option("--root", type=click.Path(path_type=Path, exists=True, file_okay=False), help="The folder.  [default: .]")
@click.option("--file", "path", metavar="PATH", help="The file that an edit without a name is about.")
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="auto",
    help="What the answer is written in; `patch` is what `git diff` prints, taken to the letter.",
)
@click.option("--dry-run", is_flag=True, help="Write nothing; print what would change as a diff.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def apply(root: Path | None, path: str | None, form: str, dry_run: bool, as_json: bool) -> None:
    """Apply the edits of the answer on standard input.

    Ends with 0 if all of them are in the files now or were before; with 5 if one is refused: nothing is written then.
    """
    workspace, loaded = settings_of(root)
    if sys.stdin.isatty():
        console.say("hybridcode: reading an answer from the terminal; end it with Ctrl+D", dim=True)
    text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    if not text.strip():
        raise ConfigError("There is no answer on standard input.", "hybridcode apply --root DIR < ANSWER")
    policy = Policy.load(loaded.settings, workspace, rules=loaded.rules)
    wanted = None if form == "auto" else cast(Format, form)
    placed = place_answer(workspace, text, form=wanted, path=path, policy=policy)
    session = ""
    if placed.changes and not dry_run:
        receipt, session = asyncio.run(apply_changes(workspace, placed, settings=loaded.settings, rules=loaded.rules))
        if refused := refusals_of(receipt, {change.path: change for change in placed.changes}):
            placed = Placed((), placed.already, refused)
    if as_json:
        console.json_data(_document(placed, session=session, dry_run=dry_run))
    else:
        _tell(placed, session=session, dry_run=dry_run)
    if placed.refused:
        console.leave(ExitCode.DENIED)


def _document(placed: Placed, *, session: str, dry_run: bool) -> dict[str, object]:
    return {
        "applied": [change.path for change in placed.changes],
        "already": [refusal.path for refusal in placed.already],
        "refused": [without_escapes(refusal) for refusal in placed.refused],
        "warnings": placed.warnings,
        "dry_run": dry_run,
        "session": session,
    }


def _tell(placed: Placed, *, session: str, dry_run: bool) -> None:
    if placed.refused:
        for refusal in placed.refused:
            _complain(without_escapes(refusal))
        console.say("nothing was written")
        return
    for change in placed.changes:
        if dry_run:
            console.data(unified(change.path, change.before, change.after).removesuffix("\n"))
        else:
            console.data(f"{_verb(change)} {console.shown(change.path)}")
    for refusal in placed.already:
        console.say(f"{console.shown(refusal.path or 'it')}: {refusal.reason}", dim=True)
    for warning in placed.warnings:
        console.say(f"warning: {console.shown(warning)}", colour="yellow")
    if session:
        console.say(f"take it back with: hybridcode undo {session}", dim=True)


def _verb(change: FileChange) -> str:
    if change.before is None:
        return "created"
    return "deleted" if change.after is None else "changed"


def _complain(refusal: Refusal) -> None:
    place = console.shown(refusal.path) if refusal.path else "the answer"
    hunk = f", edit {refusal.hunk + 1}" if refusal.hunk is not None else ""
    console.say(f"{place}{hunk}: {console.shown(refusal.reason)}", colour="red")
    if refusal.near:
        console.say("\n".join(f"  {console.shown(line)}" for line in refusal.near.split("\n")))
    if refusal.advice:
        console.say(f"  {console.shown(refusal.advice)}")
