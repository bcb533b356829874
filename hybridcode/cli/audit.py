"""`hybridcode audit`, `egress` and `cost`: what the journal says of itself, of the network and of money.

Invariant: all three are folds of stored envelopes.
"""

from pathlib import Path

import click

from hybridcode.cli import console
from hybridcode.cli.summary import ledger_lines
from hybridcode.cli.workspace import journal_of, session_named, workspace_options
from hybridcode.domain.canonical import canonical_json
from hybridcode.domain.events import ModelAsked
from hybridcode.models.ledger import Ledger


@click.group()
def audit() -> None:
    """The journal: tamper-evident, and no more than that."""


@audit.command()
@workspace_options
def verify(cwd: Path | None, as_json: bool) -> None:
    """Recompute every hash of the journal; exit code 9 and the place when one does not fit."""
    with journal_of(cwd) as journal:
        journal.verify()
        count = len(journal.sessions())
    if as_json:
        console.json_data({"ok": True, "sessions": count})
    else:
        console.say(f"{count} {'session' if count == 1 else 'sessions'} verified", colour="green")


@audit.command()
@click.argument("session", metavar="[ID]", required=False)
@workspace_options
def show(session: str | None, cwd: Path | None, as_json: bool) -> None:
    """Print a session's envelopes, one JSON object a line."""
    name = session_named(cwd, session)
    with journal_of(cwd) as journal:
        envelopes = journal.session(name).require().envelopes()
    if as_json:
        console.json_data(envelopes)
        return
    for envelope in envelopes:
        console.json_line(canonical_json(envelope))


@click.command()
@click.argument("session", metavar="[ID]", required=False)
@workspace_options
def egress(session: str | None, cwd: Path | None, as_json: bool) -> None:
    """Show every request to a model: where it went, how large it was, which lines it held."""
    name = session_named(cwd, session)
    with journal_of(cwd) as journal:
        envelopes = journal.session(name).require().envelopes()
    asked = [envelope.event for envelope in envelopes if isinstance(envelope.event, ModelAsked)]
    if as_json:
        console.json_data({"session": name, "requests": asked, **Ledger.of(envelopes).egress_json()})
        return
    for event in asked:
        where = f"{event.host} " if event.host else ""
        left = "left this machine" if event.is_remote else "stayed here"
        console.data(f"{event.call_id}  {event.role}  {event.model}  {where}{left}  {event.prompt_bytes} bytes")
        for file in event.files:
            console.data(f"    {console.shown(file)}")


@click.command()
@click.argument("session", metavar="[ID]", required=False)
@workspace_options
def cost(session: str | None, cwd: Path | None, as_json: bool) -> None:
    """Show tokens and cost of a session by model."""
    name = session_named(cwd, session)
    with journal_of(cwd) as journal:
        ledger = Ledger.of(journal.session(name).require().envelopes())
    accounts = ledger.to_json()
    if as_json:
        console.json_data({"session": name, **accounts})
        return
    result = {"ledger": accounts, "egress": ledger.egress_json()}
    for line in ledger_lines(result):
        console.data(line)
