"""The gate of a session, put together from settings.

Invariant: without an approver of its own a gate leaves every question pending.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from hybridcode.config.rules import WrittenRule
from hybridcode.config.settings import Settings
from hybridcode.domain.ports import Watcher
from hybridcode.gate.approvers import Refuse
from hybridcode.gate.effects import Effects, read_ordinary
from hybridcode.gate.gate import Gate
from hybridcode.gate.lapsing import Read
from hybridcode.gate.policy import Policy
from hybridcode.journal.approvals import Approvals
from hybridcode.journal.store import SessionJournal


def open_gate(
    workspace: Path, session: SessionJournal, *, settings: Settings, rules: Sequence[WrittenRule], watcher: Watcher
) -> Gate:
    """A gate whose approver is still to be set; see `Gate.approver`.

    Raises:
        ConfigError: a rule cannot be read, or one of its examples does not hold.
    """
    return Gate(
        workspace,
        session,
        approvals=Approvals(session.journal),
        policy=Policy.load(settings, workspace, rules=rules),
        approver=Refuse(),
        effects=Effects(
            workspace,
            session,
            watcher,
            sandboxing=settings.approval.sandbox,
            scratching=settings.verify.scratch,
        ),
        expires_s=settings.approval.expires_s,
    )


def reader_of(workspace: Path) -> Read:
    """What looks at the files of a workspace for a gate that is not open."""
    return partial(read_ordinary, workspace)
