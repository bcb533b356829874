"""`hybridcode sessions`: what was done in this workspace, and going on with it.

Invariant: everything shown is a fold of the journal.
"""

from pathlib import Path
from typing import Any

import click

from hybridcode.cli import console
from hybridcode.cli.cost import baseline_of, estimate_of
from hybridcode.cli.headless import options_of, run_headless
from hybridcode.cli.options import read_flags, session_options
from hybridcode.cli.printer import TextPrinter
from hybridcode.cli.workspace import journal_of, session_named, settings_of, workspace_options
from hybridcode.domain.errors import ConfigError
from hybridcode.models.ledger import Ledger
from hybridcode.session.report import report, write_report
from hybridcode.session.state import SessionState


@click.group()
def sessions() -> None:
    """Sessions of this workspace."""


@sessions.command("list")
@workspace_options
def list_(cwd: Path | None, as_json: bool) -> None:
    """List sessions, newest first."""
    with journal_of(cwd) as journal:
        rows = sorted(journal.sessions(), key=lambda row: row.id, reverse=True)
    if as_json:
        console.json_data(rows)
        return
    for row in rows:
        waiting = f"  {row.pending} waiting" if row.pending else ""
        ended = "calibration" if row.is_calibration else row.exit_reason or "open"
        console.data(f"{row.id}  {ended}{waiting}  {console.shown(row.title)}")


@sessions.command()
@click.argument("session", metavar="[ID]", required=False)
@workspace_options
def show(session: str | None, cwd: Path | None, as_json: bool) -> None:
    """Tell a session's story again, or print its envelopes as JSON."""
    name = session_named(cwd, session)
    with journal_of(cwd) as journal:
        log = journal.session(name).require()
        envelopes = log.envelopes()
        if not envelopes:
            raise ConfigError(f"There is no session {name} in this workspace.", "See `hybridcode sessions list`.")
        if as_json:
            console.json_data(envelopes)
            return
        tell = TextPrinter(log.get_blob)
        for envelope in envelopes:
            tell(envelope)


@sessions.command()
@click.argument("session", metavar="[ID]", required=False)
@click.option(
    "-o",
    "--to",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A new file that ends in .md or .html; without it hybridcode-ID.md here.",
)
@workspace_options
def export(session: str | None, target: Path | None, cwd: Path | None, as_json: bool) -> None:
    """Write a session (the newest, if none is named) to one Markdown or HTML file. Nothing is overwritten."""
    name = session_named(cwd, session)
    path = (target or Path(f"hybridcode-{name}.md")).absolute()
    with journal_of(cwd) as journal:
        log = journal.session(name).require()
        envelopes = log.envelopes()
        frontier = settings_of(cwd)[1].settings.models.frontier
        estimate = estimate_of(Ledger.of(envelopes), baseline_of(frontier, [envelopes]), frontier)
        text = report(SessionState.of(envelopes), log.get_blob, suffix=path.suffix, estimate=estimate)
        write_report(path, text)
    if as_json:
        console.json_data({"session": name, "file": str(path)})
    else:
        console.say(f"{name} is in {console.shown(str(path))}")


@sessions.command()
@click.argument("session", metavar="[ID]", required=False)
@session_options
def resume(session: str | None, **given: Any) -> None:
    """Go on with a session where it stopped, without a screen (with one: hybridcode -r ID)."""
    flags = read_flags(given | {"resume": session or session_named(given["cwd"], None)})
    console.leave(run_headless(options_of(flags), None, output_format=flags.output_format))


@sessions.command()
@click.argument("session", metavar="ID")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@workspace_options
def delete(session: str, yes: bool, cwd: Path | None, as_json: bool) -> None:
    """Delete a session's record. Files of the workspace stay as they are; its undo is gone."""
    with journal_of(cwd) as journal:
        if session not in {row.id for row in journal.sessions()}:
            raise ConfigError(f"There is no session {session} in this workspace.", "See `hybridcode sessions list`.")
        if not yes and not click.confirm(f"Delete {console.shown(session)} and with it the way to undo it?", err=True):
            return
        journal.delete(session)
    if as_json:
        console.json_data({"deleted": session})
    else:
        console.say(f"{session} deleted")
