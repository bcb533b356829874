"""`hybridcode approvals`: what waits for an answer, and answering it from any terminal.

Invariant: an answer changes a pending row by compare-and-swap, so that two people cannot both decide.
"""

from pathlib import Path
from typing import Any

import click

from hybridcode.cli import console
from hybridcode.cli.printer import print_proposal
from hybridcode.cli.workspace import journal_of, workspace_options
from hybridcode.domain.action import Approve, Reject
from hybridcode.domain.exits import ExitCode
from hybridcode.journal.approvals import ApprovalRow, Approvals
from hybridcode.journal.store import Journal


@click.group()
def approvals() -> None:
    """Pending approvals of any session of this workspace, from any terminal."""


@approvals.command("list")
@workspace_options
def list_(cwd: Path | None, as_json: bool) -> None:
    """List what waits for an answer."""
    with journal_of(cwd) as journal:
        rows = Approvals(journal).pending()
    if as_json:
        console.json_data([_row_json(row) for row in rows])
        return
    for row in rows:
        console.data(console.shown(f"{row.id}  {row.session}  step {row.proposal.step}  {row.proposal.title}"))
    if not rows:
        console.say("nothing waits for an answer")


@approvals.command()
@click.argument("proposal_id", metavar="ID")
@workspace_options
def show(proposal_id: str, cwd: Path | None, as_json: bool) -> None:
    """Show exactly what would happen."""
    with journal_of(cwd) as journal:
        row = _find(journal, proposal_id)
        if as_json:
            console.json_data(_row_json(row))
        else:
            print_proposal(row.proposal, journal.session(row.session).get_blob)
            console.say(f"{row.state}; digest {row.proposal.digest}", dim=True)


@approvals.command()
@click.argument("proposal_id", metavar="ID")
@workspace_options
def approve(proposal_id: str, cwd: Path | None, as_json: bool) -> None:
    """Say yes to exactly the bytes that `show` prints."""
    with journal_of(cwd) as journal:
        row = _find(journal, proposal_id)
        _answer(journal, row, Approve(row.proposal.digest, by="person:terminal"), as_json=as_json)


@approvals.command()
@click.argument("proposal_id", metavar="ID")
@click.option("--reason", default="", help="Shown to the next draft.")
@workspace_options
def reject(proposal_id: str, reason: str, cwd: Path | None, as_json: bool) -> None:
    """Say no."""
    with journal_of(cwd) as journal:
        row = _find(journal, proposal_id)
        _answer(journal, row, Reject(reason, by="person:terminal"), as_json=as_json)


def _find(journal: Journal, proposal_id: str) -> ApprovalRow:
    return Approvals(journal).get(proposal_id)


def _answer(journal: Journal, row: ApprovalRow, decision: Approve | Reject, *, as_json: bool) -> None:
    changed = Approvals(journal).answer(row.id, decision)
    state = _find(journal, row.id).state
    if as_json:
        console.json_data({"id": row.id, "state": state, "changed": changed})
    elif changed:
        console.say(f"{row.id} {state}. A running session goes on by itself; one that ended:")
        console.say(f"  hybridcode sessions resume {row.session}")
    else:
        console.say(f"{row.id} was {state} already; nothing changed", colour="yellow")
    if not changed:
        console.leave(ExitCode.STALE)


def _row_json(row: ApprovalRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "session": row.session,
        "state": row.state,
        "step": row.proposal.step,
        "title": row.proposal.title,
        "digest": row.proposal.digest,
        "action": row.proposal.action,
        "ruling": row.proposal.ruling,
        "proven_by": row.proposal.proven_by,
    }
