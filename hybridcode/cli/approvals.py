"""`hybridcode approvals`: what waits for an answer, and answering it from any terminal.

Invariant: an answer changes a pending row by compare-and-swap, so that two people cannot both decide; what lapsed is
never approved.
"""

from datetime import timedelta
from pathlib import Path

import click

from hybridcode.cli import console
from hybridcode.cli.printer import print_grounds, print_proposal
from hybridcode.cli.standing import Standing, all_flags, details_json, is_running, row_json, said_of, sandbox_of
from hybridcode.cli.workspace import journal_of, settings_of, workspace_options
from hybridcode.domain.action import Approve, Reject
from hybridcode.domain.errors import IntegrityError
from hybridcode.domain.exits import ExitCode
from hybridcode.gate.grants import grants_of
from hybridcode.gate.lapsing import seconds_left
from hybridcode.journal.approvals import ApprovalRow, Approvals
from hybridcode.journal.states import UNDECIDED, ApprovalState
from hybridcode.journal.store import Journal
from hybridcode.session.pending import looked_at

BY = "person:terminal"
_DIGEST_CHARACTERS = 16
"""The least of a digest that names it."""


@click.group()
def approvals() -> None:
    """Pending approvals of any session of this workspace, from any terminal."""


@approvals.command("list")
@click.option("--all", "is_all", is_flag=True, help="Also what has been answered.")
@click.option("--session", default="", help="Only of this session.")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in ApprovalState]),
    help="Only in this state.",
)
@click.option("--grants", is_flag=True, help="What was allowed for running sessions instead.")
@workspace_options
def list_(is_all: bool, session: str, states: tuple[str, ...], grants: bool, cwd: Path | None, as_json: bool) -> None:
    """List what waits for an answer."""
    wanted = [ApprovalState(state) for state in states] or (list(ApprovalState) if is_all else [ApprovalState.PENDING])
    with journal_of(cwd) as journal:
        if grants:
            _list_grants(journal, session, as_json=as_json)
            return
        rows = [Standing.of(row, journal) for row in Approvals(journal).in_state(*wanted, session=session or None)]
    if as_json:
        console.json_data([row_json(standing) for standing in rows])
        return
    for standing in rows:
        row = standing.row
        state = f"{said_of(standing)}  " if is_all or states else ""
        console.data(console.shown(f"{row.id}  {row.session}  {state}step {row.proposal.step}  {row.proposal.title}"))
    if not rows:
        console.say("nothing waits for an answer" if not (is_all or states) else "there is none")


def _list_grants(journal: Journal, session: str, *, as_json: bool) -> None:
    found = [
        {"session": row.id, "rule": granted.rule, "scope": granted.scope, "by": granted.by}
        for row in journal.sessions()
        if session in ("", row.id) and is_running(journal, row.id)
        for granted in grants_of(journal.envelopes(row.id))
    ]
    if as_json:
        console.json_data(found)
        return
    for grant in found:
        console.data(console.shown(f"{grant['session']}  {grant['rule']}  for the {grant['scope']}, by {grant['by']}"))
    if not found:
        console.say("no running session was allowed anything")


@approvals.command()
@click.argument("proposal_id", metavar="ID")
@workspace_options
def show(proposal_id: str, cwd: Path | None, as_json: bool) -> None:
    """Show exactly what would happen."""
    with journal_of(cwd) as journal:
        row = _looked_at(journal, Approvals(journal).find(proposal_id), cwd)
        standing = Standing.of(row, journal)
        get_blob = journal.session(row.session).get_blob
        if as_json:
            console.json_data(row_json(standing) | details_json(row.proposal, get_blob))
            return
        print_proposal(row.proposal, get_blob)
        flags = all_flags(row.proposal, get_blob)
        print_grounds(row.proposal, flags=flags, sandbox=sandbox_of(journal, row.session))
        why = f": {row.reason}" if row.reason else ""
        console.say(console.shown(f"{said_of(standing)}{why}{_left(row, journal, cwd)}"), bold=True)
        console.say(f"digest {row.proposal.digest}", dim=True)


@approvals.command()
@click.argument("proposal_id", metavar="ID")
@click.option("--digest", default="", help="Only if the proposal has this digest, as `show` prints it.")
@workspace_options
def approve(proposal_id: str, digest: str, cwd: Path | None, as_json: bool) -> None:
    """Say yes to exactly the bytes that `show` prints."""
    with journal_of(cwd) as journal:
        row = Approvals(journal).find(proposal_id)
        if digest and (len(digest) < _DIGEST_CHARACTERS or not row.proposal.digest.startswith(digest.lower())):
            raise IntegrityError(
                f"Proposal {row.id} is not what you looked at: its digest is {row.proposal.digest}.",
                f"Look at it again: `hybridcode approvals show {row.id}`.",
            )
        row = _looked_at(journal, row, cwd)
        _answer(journal, row, Approve(row.proposal.digest, by=BY), as_json=as_json)


@approvals.command()
@click.argument("proposal_id", metavar="ID")
@click.option("--reason", default="", help="Shown to the next draft.")
@workspace_options
def reject(proposal_id: str, reason: str, cwd: Path | None, as_json: bool) -> None:
    """Say no."""
    with journal_of(cwd) as journal:
        _answer(journal, Approvals(journal).find(proposal_id), Reject(reason, by=BY), as_json=as_json)


def _looked_at(journal: Journal, row: ApprovalRow, cwd: Path | None) -> ApprovalRow:
    """The row as it stands after a look at the clock and at the files."""
    workspace, loaded = settings_of(cwd)
    found, why = looked_at(Approvals(journal), row, workspace, expires_s=loaded.settings.approval.expires_s)
    if why:
        console.say(console.shown(f"{row.id}: {why}"), colour="yellow")
    return found


def _left(row: ApprovalRow, journal: Journal, cwd: Path | None) -> str:
    """How long it may still wait, where that has an end."""
    if row.state not in UNDECIDED:
        return ""
    left = seconds_left(row, now=journal.clock(), expires_s=settings_of(cwd)[1].settings.approval.expires_s)
    return "" if left is None else f", lapses in {timedelta(seconds=round(left))} ([approval] expires_s)"


def _answer(journal: Journal, row: ApprovalRow, decision: Approve | Reject, *, as_json: bool) -> None:
    changed = Approvals(journal).answer(row.id, decision)
    standing = Standing.of(Approvals(journal).get(row.id), journal)
    if as_json:
        console.json_data(row_json(standing) | {"changed": changed})
    elif changed:
        console.say(f"{row.id} {standing.row.state}. {_next(standing)}")
    else:
        console.say(console.shown(f"{row.id} is {said_of(standing)}; nothing changed"), colour="yellow")
        console.say(f"  {_next(standing)}")
    if not changed:
        console.leave(ExitCode.STALE)


def _next(standing: Standing) -> str:
    """Who goes on with it, or that nobody has to."""
    if standing.row.state in (ApprovalState.DONE, ApprovalState.FAILED, ApprovalState.UNKNOWN):
        return "There is nothing left to answer."
    if standing.is_running:
        return "The session that asked is running and goes on by itself."
    return f"The session that asked has ended: `hybridcode sessions resume {standing.row.session}` goes on with it."
