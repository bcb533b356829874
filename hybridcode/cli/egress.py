"""`hybridcode egress`: every request to a model, where it went, and its exact text.

Invariant: what is printed is the journal's receipt, written before the request left.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from hybridcode.cli import console
from hybridcode.cli.workspace import journal_of, session_named, workspace_options
from hybridcode.domain.errors import ConfigError
from hybridcode.domain.events import Envelope, ModelAsked
from hybridcode.domain.model import Message
from hybridcode.models.ledger import Ledger

_MESSAGES = msgspec.json.Decoder(tuple[Message, ...])
_SHORTEST_DIGEST = 8


@click.command()
@click.argument("session", metavar="[SESSION]", required=False)
@click.argument("call", metavar="[CALL]", required=False)
@click.option("--show", "wanted", metavar="CALL", help="Print the text of one request: its call id, or its digest.")
@click.option("--raw", is_flag=True, help="With --show: the journalled bytes as they are, into a file or a pipe.")
@workspace_options
def egress(
    session: str | None, call: str | None, wanted: str | None, raw: bool, cwd: Path | None, as_json: bool
) -> None:
    """List the requests of a session to models: host, size, files, what was taken out; or print one of them."""
    name = session_named(cwd, session)
    with journal_of(cwd) as journal:
        log = journal.session(name).require()
        envelopes = log.envelopes()
        asked = _asked(envelopes)
        if one := call or wanted:
            digest = _digest_of(one, asked, known=[row[0] for row in journal.rows("SELECT sha256 FROM blob")])
            _print_text(log.get_blob(digest), raw=raw, as_json=as_json)
            return
    if as_json:
        requests = [_with_time(envelope) for envelope in envelopes if isinstance(envelope.event, ModelAsked)]
        totals = {"session": name, "requests": requests, "by_host": _by_host(asked)}
        console.json_data({**totals, **Ledger.of(envelopes).egress_json()})
        return
    for event in asked:
        _print_receipt(event)
    for host, total in _by_host(asked).items():
        console.say(f"{host}: {total['requests']} requests, {total['bytes']:,} bytes, {total['redactions']} redactions")


def _asked(envelopes: Sequence[Envelope]) -> list[ModelAsked]:
    return [envelope.event for envelope in envelopes if isinstance(envelope.event, ModelAsked)]


def _with_time(envelope: Envelope) -> dict[str, Any]:
    return {"at": envelope.at, **msgspec.to_builtins(envelope.event)}


def _by_host(asked: Sequence[ModelAsked]) -> dict[str, dict[str, int]]:
    totals: dict[str, dict[str, int]] = {}
    for event in asked:
        total = totals.setdefault(event.host or "this machine", {"requests": 0, "bytes": 0, "redactions": 0})
        total["requests"] += 1
        total["bytes"] += event.prompt_bytes
        total["redactions"] += event.redactions
    return dict(sorted(totals.items()))


def _print_receipt(event: ModelAsked) -> None:
    where = f"{event.host} " if event.host else ""
    via = f"via {event.via} " if event.via else ""
    left = "left this machine" if event.is_remote else "stayed here"
    console.data(
        console.shown(
            f"{event.call_id}  try {event.attempt}  {event.role}  {event.model}  {where}{via}{left}  "
            f"{event.prompt_bytes} bytes  sha256 {event.prompt_sha256[:16]}"
        )
    )
    for file in event.files:
        console.data(f"    {console.shown(file)}")
    for kind, count in event.redacted.items():
        console.data(f"    {count} x {kind} redacted")
    if event.withheld:
        console.data(f"    {event.withheld} quotations of denied files withheld")


def _digest_of(wanted: str, asked: Sequence[ModelAsked], *, known: Sequence[str]) -> str:
    """The digest of a request named by its call id or the beginning of its digest; one that waits may have no call yet.

    Raises:
        ConfigError: there is none.
    """
    for event in reversed(asked):
        if wanted == event.call_id:
            return event.prompt_sha256
    found = [digest for digest in known if len(wanted) >= _SHORTEST_DIGEST and digest.startswith(wanted.lower())]
    if len(found) != 1:
        raise ConfigError(f"There is no request {wanted}.", "`hybridcode egress` lists them.")
    return found[0]


def _print_text(data: bytes, *, raw: bool, as_json: bool) -> None:
    if raw and sys.stdout.isatty():
        raise ConfigError("--raw is not written to a terminal.", "Send it into a file or a pipe, or leave out --raw.")
    if raw:
        console.json_line(data)
        return
    messages = _messages(data)
    if as_json:
        console.json_data(messages)
        return
    for message in messages:
        console.data(f"# {message.role}, {len(message.content.encode()):,} bytes")
        for line in message.content.split("\n"):
            console.data(console.shown(line))


def _messages(data: bytes) -> tuple[Message, ...]:
    try:
        return _MESSAGES.decode(data)
    except msgspec.DecodeError as error:
        raise ConfigError("That is no request to a model.", "`hybridcode egress` lists them.") from error
