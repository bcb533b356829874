"""Runs an approved command between a look at the tree before and one after, and settles what a crash cut off.

Invariant: no process starts before what its undo needs is durable; however it ends, what it changed is recorded first.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import assert_never

from hybridcode.domain.action import ChangeSet, Failed, GitCommit, Proposal, Receipt, ShellCommand, ToolCall, Unknown
from hybridcode.domain.errors import RepoError
from hybridcode.domain.events import NoticeGiven
from hybridcode.gate import appeared
from hybridcode.gate.effects import Effects
from hybridcode.gate.traces import Traces, told

Finish = Callable[[Receipt], Receipt]
"""Records a receipt and gives it back."""
Tell = Callable[[NoticeGiven], object]
"""Records what a person should know."""


async def run(
    command: ShellCommand, *, proposal: str, effects: Effects, traces: Traces | None, finish: Finish, tell: Tell
) -> Receipt:
    """Run to the end; without `traces` for a command that only reads. A cancellation is recorded and passes on."""
    manifest = ""
    has_begun = False
    protected = frozenset[Path]()
    try:
        if traces is not None:
            protected = await asyncio.to_thread(appeared.protected_names, effects.workspace)
            manifest = await traces.begin(proposal)
        has_begun = True
        receipt: Receipt = await effects.run(command, proposal=proposal, is_reader=traces is None)
        if traces is not None:
            await traces.end(proposal, manifest)
            if found := await asyncio.to_thread(appeared.notice, effects.workspace, protected):
                tell(found)
    except RepoError as error:
        return finish(Failed(f"it was not run, since its changes could not be undone: {error.message}"))
    except (asyncio.CancelledError, KeyboardInterrupt):
        changed = traces.end_now(proposal, manifest) if traces is not None and manifest else None
        if has_begun and traces is not None and (found := appeared.notice(effects.workspace, protected)):
            tell(found)
        finish(Unknown(f"stopped while it ran{told(changed)}") if has_begun else Failed("stopped before it ran"))
        raise
    return finish(receipt)


def recovered(proposal: Proposal, *, effects: Effects, traces: Traces) -> Receipt:
    """What becomes of a proposal that was being carried out when its process died.

    Files are finished or put back, all of them; what is neither their base nor their result is left alone. A command is
    never run again: what is different since it began is told.
    """
    match proposal.action:
        case ChangeSet() as change:
            return effects.recover(change)
        case ShellCommand() as command:
            changed = told(traces.cut_off(proposal.id))
            return Unknown(
                f"`{command.text}` was running when the program stopped{changed}; it is not run again by itself"
            )
        case ToolCall(server=server, tool=tool):
            return Unknown(f"{tool} of {server} was running when the program stopped")
        case GitCommit() as commit:
            return effects.recover_commit(commit)
        case _:
            assert_never(proposal.action)
