"""`hybridcode undo`: put back what a session or one step of it changed.

Invariant: a file that is not ours any more is left alone and named, with the reason.
"""

import asyncio
from pathlib import Path

import click

from hybridcode.cli import console
from hybridcode.cli.workspace import journal_of, session_named, settings_of, workspace_options
from hybridcode.domain.exits import ExitCode
from hybridcode.gate.taking_back import Reach
from hybridcode.gate.undo import undo as put_back
from hybridcode.session.gates import open_gate
from hybridcode.session.watchers import NullWatcher


@click.command()
@click.argument("what", metavar="[SESSION[:STEP]]", required=False)
@workspace_options
def undo(what: str | None, cwd: Path | None, as_json: bool) -> None:
    """Put back what a session (the newest, if none is named) or one step of it changed, by edits or by commands."""
    session, _, step = (what or "").partition(":")
    name = session_named(cwd, session or None)
    workspace, loaded = settings_of(cwd)
    with journal_of(cwd) as journal:
        log = journal.session(name).require()
        gate = open_gate(workspace, log, settings=loaded.settings, rules=loaded.rules, watcher=NullWatcher())
        event = asyncio.run(put_back(log, gate, Reach(step or None)))
    if as_json:
        console.json_data(
            {
                "session": name,
                "restored": event.restored,
                "kept": event.kept,
                "why": event.why,
                "not_captured": event.not_captured,
            }
        )
    else:
        for path in event.restored:
            console.data(f"restored {console.shown(path)}")
        for path in event.kept:
            console.say(console.shown(f"kept {path}: {event.why[path]}"), colour="yellow")
        for what in event.not_captured:
            console.say(console.shown(f"not covered: {what}"), colour="yellow")
        if not event.restored and not event.kept:
            console.say("nothing to undo")
    if event.kept:
        console.leave(ExitCode.STALE)
