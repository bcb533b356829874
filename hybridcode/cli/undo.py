"""`hybridcode undo`: put back what a session or one step of it changed.

Invariant: a file that is not ours any more is left alone and named, with the reason.
"""

import asyncio
from pathlib import Path

import click

from hybridcode.cli import console
from hybridcode.cli.workspace import journal_of, session_named, settings_of, workspace_options
from hybridcode.domain.action import Committed
from hybridcode.domain.exits import ExitCode
from hybridcode.gate.commit_plan import Refused
from hybridcode.gate.reverting import commits_behind, revert, told
from hybridcode.gate.taking_back import Reach
from hybridcode.gate.undo import undo as put_back
from hybridcode.session.gates import open_gate
from hybridcode.session.watchers import NullWatcher
from hybridcode.session.worktrees import require_root

BY = "person:undo"


@click.command()
@click.argument("what", metavar="[SESSION[:STEP]]", required=False)
@click.option("--commit", "commits", is_flag=True, help="Where it was committed, add a commit that reverts it.")
@workspace_options
def undo(what: str | None, commits: bool, cwd: Path | None, as_json: bool) -> None:
    """Put back what a session (the newest, if none is named) or one step of it changed, by edits or by commands.

    Commits stay; with --commit one more is made that holds the files as they were.
    """
    session, _, step = (what or "").partition(":")
    name = session_named(cwd, session or None)
    workspace, loaded = settings_of(cwd)
    with journal_of(cwd) as journal:
        log = journal.session(name).require()
        root = require_root(log, workspace)
        gate = open_gate(root, log, settings=loaded.settings, rules=loaded.rules, watcher=NullWatcher())
        event = asyncio.run(put_back(log, gate, Reach(step or None)))
        behind = commits_behind(log, event)
        made = asyncio.run(revert(log, gate, event, by=BY)) if commits else None
    if as_json:
        console.json_data(
            {
                "session": name,
                "restored": event.restored,
                "kept": event.kept,
                "why": event.why,
                "not_captured": event.not_captured,
                "commits": behind,
                "reverted_by": made.commit if isinstance(made, Committed) else None,
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
    _tell_commits(behind, made)
    if event.kept or isinstance(made, Refused):
        console.leave(ExitCode.STALE)


def _tell_commits(behind: list[Committed], made: Committed | Refused | None) -> None:
    """What git holds of it, and what can be done about that."""
    match made:
        case Committed(commit=commit, branch=branch, subject=subject):
            console.say(console.shown(f"commit {commit[:10]} on {branch}: {subject}"))
        case Refused(reason=reason, hint=hint):
            console.say(console.shown(f"not reverted in git: {reason}. {hint}".rstrip()), colour="yellow")
        case None if behind:
            console.say(console.shown(f"{told(behind)}: `hybridcode undo --commit` reverts it in a new commit"))
        case None:
            pass
