"""Which pane asks a question.

Invariant: a diff pane is built from the journal's blobs; files are cut into hunks off the event loop.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from hybridcode.domain.action import ChangeSet, FileChange, Proposal, ShellCommand
from hybridcode.domain.events import Envelope, RungTaken
from hybridcode.gate.paths import Places
from hybridcode.session.task_view import TaskView
from hybridcode.tui.conversation import Facts
from hybridcode.tui.guard import KeyGuard
from hybridcode.tui.reviewing import Review, load_change
from hybridcode.tui.screens.asked_back import AskedPane
from hybridcode.tui.screens.command import CommandPane
from hybridcode.tui.screens.pane import Pane
from hybridcode.tui.screens.plan import PlanPane
from hybridcode.tui.screens.review import ReviewPane
from hybridcode.tui.waiting import when_it_lapses


class Source(Protocol):
    """Where a proposal stands: the session behind the screens, or another one's journal."""

    @property
    def facts(self) -> Facts:
        """What holds there."""
        ...

    @property
    def envelopes(self) -> Sequence[Envelope]:
        """Everything that happened there."""
        ...

    def blob(self, sha256: str) -> bytes:
        """The bytes behind a digest. Raises: IntegrityError."""
        ...

    def seal(self, changes: Sequence[FileChange], /) -> ChangeSet:
        """Store the bytes there and return the change set that names them."""
        ...


async def proposal_pane(
    proposal: Proposal,
    conversation: Source,
    *,
    guard: KeyGuard,
    sandbox: str,
    workspace: Path,
    more: int,
    is_split: bool,
    reviews: dict[str, Review],
) -> Pane:
    """The pane for a proposal. `more` counts what waits behind it; `reviews` holds those that were begun.

    Raises:
        IntegrityError: bytes of the proposal are missing from the journal or not what they were.
    """
    facts = conversation.facts
    lapses = when_it_lapses(proposal.id, conversation.envelopes, expires_s=facts.expires_s)
    if not isinstance(proposal.action, ChangeSet):
        sandbox = facts.sandbox or sandbox
        effects = await asyncio.to_thread(_effects, proposal, workspace)
        return CommandPane(
            *(proposal, guard),
            sandbox=sandbox,
            unenforced=facts.unenforced,
            lapses=lapses,
            effects=effects,
            more=more,
        )
    review = reviews.get(proposal.id)
    if review is None:
        changes = [load_change(edit, conversation.blob) for edit in proposal.action.edits]
        review = reviews[proposal.id] = await asyncio.to_thread(Review.of, proposal, changes)
    is_last = _is_last(proposal.step, conversation.envelopes)
    seal = conversation.seal
    return ReviewPane(review, guard, seal=seal, lapses=lapses, more=more, is_split=is_split, is_last=is_last)


def _is_last(step: str, envelopes: Sequence[Envelope]) -> bool:
    """True when nobody is left who could draft the step anew."""
    taken = (one.event for one in reversed(envelopes) if isinstance(one.event, RungTaken))
    return next((rung.is_last for rung in taken if rung.step == step), False)


def _effects(proposal: Proposal, workspace: Path) -> tuple[str, ...]:
    """What a command is seen to do beside what the rule says."""
    from hybridcode.gate.explaining import foreseen  # here, so that the first paint does not wait for it

    command, said = proposal.action, proposal.ruling.reason
    if not isinstance(command, ShellCommand):
        return ()
    return tuple(effect for effect in foreseen(command, Places.of(workspace)) if effect != said)


def task_pane(task: TaskView, guard: KeyGuard) -> PlanPane | AskedPane:
    """The pane for the plan of a task; for what the planner asks while there is none."""
    if task.plan is None:
        return AskedPane(task.task.id, task.questions, guard, task=task.task.text)
    return PlanPane(task.task.id, task.plan, guard, source=task.plan_source, task=task.task.text)
