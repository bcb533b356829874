"""`hybridcode cost`: tokens, seconds and dollars of a session by model and role, and what an estimate makes of them.

Invariant: a fold of stored envelopes; an unknown cost is called unknown, and an estimate is called one.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from hybridcode.cli import console
from hybridcode.cli.workspace import journal_of, session_named, settings_of, workspace_options
from hybridcode.config.settings import FrontierSettings
from hybridcode.domain.events import Envelope, SessionOpened
from hybridcode.models.ledger import Account, Estimate, Ledger, all_by
from hybridcode.models.pricing import Price, shipped_table


@click.command()
@click.argument("session", metavar="[SESSION]", required=False)
@click.option(
    "--baseline", metavar="MODEL", default="", help="Whose prices the estimate uses; without it the frontier's."
)
@click.option("--all", "is_all", is_flag=True, help="All sessions of this workspace together.")
@workspace_options
def cost(session: str | None, baseline: str, is_all: bool, cwd: Path | None, as_json: bool) -> None:
    """Tokens, seconds and dollars by model and role.

    Without SESSION the newest one is meant.
    """
    frontier = settings_of(cwd)[1].settings.models.frontier
    with journal_of(cwd) as journal:
        names = [row.id for row in journal.sessions()] if is_all else [session_named(cwd, session)]
        envelopes = [journal.session(name).require().envelopes() for name in names]
    ledger = Ledger()
    for one in envelopes:
        ledger.add(Ledger.of(one))
    estimate = estimate_of(ledger, baseline or baseline_of(frontier, envelopes), frontier)
    if as_json:
        accounts = {**ledger.to_json(), "estimate": estimate, "egress": ledger.egress_json()}
        console.json_data({"session": names[0] if len(names) == 1 else None, "sessions": names, **accounts})
        return
    for line in _lines(ledger, estimate):
        console.data(console.shown(line))


def baseline_of(frontier: FrontierSettings, sessions: list[list[Envelope]]) -> str:
    """The frontier model of the settings, else the one that the newest of the sessions used."""
    opened = (one[0].event for one in sessions if one)
    recorded = (one.frontier for one in opened if isinstance(one, SessionOpened) and not one.frontier_is_scripted)
    return frontier.model or next((name for name in recorded if name), "")


def estimate_of(ledger: Ledger, baseline: str, frontier: FrontierSettings) -> Estimate | None:
    """What all of it would have cost at one model's prices: those of the settings if it is theirs, else listed ones."""
    price = Price.configured(frontier) if baseline == frontier.model else None
    if price is not None:
        return all_by(ledger, baseline, price, "prices in the settings")
    price = Price.listed(shipped_table(), baseline) if baseline else None
    return all_by(ledger, baseline, price, "list prices that this version ships with") if price is not None else None


def _lines(ledger: Ledger, estimate: Estimate | None) -> Iterator[str]:
    if not ledger.accounts:
        yield "no model was asked anything"
        return
    for (backend, model, role), account in sorted(ledger.accounts.items()):
        scripted = " (a script, not a model)" if model in ledger.scripted else ""
        yield f"{backend:<9} {role:<9} {_amounts(account)}  {model}{scripted}"
    for name, account in (("frontier", ledger.frontier), ("local", ledger.local)):
        if account.calls:
            yield f"{name:<9} {'all':<9} {_amounts(account)}"
    share = ledger.local_output_share
    if share is not None:
        yield f"local share of the output: {share:.0%} (bytes / 4)"
    if estimate is None:
        yield "all of it by the frontier: unknown, no price is known (--baseline MODEL names one)"
    else:
        about = f"about ${estimate.usd:.4f} (estimate: the same tokens, {estimate.source})"
        yield f"all of it by {estimate.baseline}: {about}"
    if lost := ledger.frontier.uncounted_calls + ledger.local.uncounted_calls:
        yield f"{lost} {'call' if lost == 1 else 'calls'} failed or stopped: what they used is not known"
    sent: dict[str, Any] = ledger.egress_json()
    where = f" to {', '.join(sent['hosts'])}" if sent["hosts"] else ""
    tokens = f"{sent['input_tokens']:,} tok in, {sent['output_tokens']:,} tok out"
    yield f"left this machine: {sent['bytes_sent']:,} bytes ({tokens}) in {sent['remote_calls']} calls{where}"


def _amounts(account: Account) -> str:
    usd = "cost unknown" if account.usd is None else f"${account.usd:.4f}"
    calls = f"{account.calls:,} {'call' if account.calls == 1 else 'calls'}"
    tokens = (
        f"{account.input_tokens:,} tok in",
        f"{account.cached_tokens:,} cached",
        f"{account.output_tokens:,} tok out",
    )
    return f"{calls:>9}  {tokens[0]:>16}  {tokens[1]:>15}  {tokens[2]:>15}  {account.seconds:>8,.1f} s  {usd:>12}"
