"""`hybridcode audit`: what the journal says of itself and of what was done.

Invariant: all of it is a fold of stored envelopes.
"""

from pathlib import Path

import click
import msgspec

from hybridcode.cli import console
from hybridcode.cli.workspace import journal_of, session_named, workspace_options
from hybridcode.domain.canonical import canonical_json
from hybridcode.domain.events import Envelope

LONGEST_FACT = 160
"""Characters of one fact in a line for people; `--json` has all of them."""


@click.group()
def audit() -> None:
    """The journal: tamper-evident, and no more than that."""


@audit.command()
@workspace_options
def verify(cwd: Path | None, as_json: bool) -> None:
    """Recompute every hash of the journal; exit code 9 and the place when one does not fit."""
    with journal_of(cwd) as journal:
        journal.verify()
        counts = {name: journal.rows(f"SELECT count(*) FROM {name}")[0][0] for name in ("event", "blob", "approval")}
        count = len(journal.sessions())
    if as_json:
        console.json_data({"ok": True, "sessions": count, **{f"{name}s": number for name, number in counts.items()}})
    else:
        rest = ", ".join(f"{number:,} {name}s" for name, number in counts.items())
        console.say(f"{count} {'session' if count == 1 else 'sessions'} verified: {rest}", colour="green")


@audit.command()
@click.argument("session", metavar="[ID]", required=False)
@click.option("--lines", "as_lines", is_flag=True, help="One JSON object a line, as it is stored.")
@workspace_options
def show(session: str | None, as_lines: bool, cwd: Path | None, as_json: bool) -> None:
    """Print what happened in a session, event by event."""
    name = session_named(cwd, session)
    with journal_of(cwd) as journal:
        envelopes = journal.session(name).require().envelopes()
    if as_json:
        console.json_data(envelopes)
        return
    for envelope in envelopes:
        if as_lines:
            console.json_line(canonical_json(envelope))
        else:
            console.data(_line(envelope))


def _line(envelope: Envelope) -> str:
    """Number, time, name and facts of an event on one line."""
    facts: dict[str, object] = msgspec.to_builtins(envelope.event)
    name = facts.pop("type")
    told = [f"{key}={_fact(value)}" for key, value in facts.items() if value not in (None, "", [], {})]
    return console.shown(f"{envelope.seq:>5}  {envelope.at}  {name}  {'  '.join(told)}".rstrip())


def _fact(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_FACT else f"{text[:LONGEST_FACT]}… ({len(text) - LONGEST_FACT} more)"
