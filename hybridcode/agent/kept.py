"""Regions of a step that were drafted well while another one failed: they are not asked for again.

Invariant: kept drafts hold for one tree; each is on record again in the try that uses it, so that the record of a try
is whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from hybridcode.agent.placing import Placed, place_draft
from hybridcode.domain.errors import RepoError
from hybridcode.domain.events import DraftMade
from hybridcode.domain.plan import Region, Step
from hybridcode.domain.window import Target
from hybridcode.repo.snapshot import Snapshot


@dataclass(frozen=True)
class KeptDraft:
    """One answer that could be placed."""

    event: DraftMade
    text: str
    placed: Placed
    region: Region
    target: Target | None
    """What its window asked for."""


@dataclass
class Kept:
    """What one step has of a try that failed."""

    tree: str = ""
    """Digest of the tree that the drafts were made on."""
    drafts: list[KeptDraft] = field(default_factory=list[KeptDraft])
    failed: Region | None = None
    """The region whose answer was refused: what is said about that is for it alone."""
    is_partial: bool = False
    """The try came to an end with some of its drafts, so that these hold for the next one."""

    def begin(self, tree: str) -> Iterator[KeptDraft]:
        """The drafts that a new try on `tree` may use."""
        if tree != self.tree or not self.is_partial:
            self.tree = tree
            self.drafts.clear()
        self.is_partial = True
        yield from tuple(self.drafts)

    def feedback_for(self, region: Region, feedback: str) -> str:
        """What a region is told of the try before: nothing where another one failed."""
        return feedback if self.failed is None or self.failed == region else ""

    def finish(self) -> None:
        """All regions are drafted: whatever fails now is about all of them."""
        self.failed, self.is_partial = None, False

    def widen(self, step: Step, tree: Snapshot, added: Region) -> None:
        """The step has one more region, which is drafted next: the others' drafts are kept if they come to the same for
        the step and the tree as they are now."""
        current = tree
        for draft in self.drafts:
            try:
                placed = place_draft(
                    draft.text,
                    finish=draft.event.finish,
                    target=draft.target,
                    step=step,
                    region=draft.region,
                    tree=current,
                )
            except RepoError:
                placed = None
            if not isinstance(placed, Placed) or placed != draft.placed:
                self.drafts.clear()
                break
            current = current.with_changes(placed.changes)
        self.tree, self.is_partial = tree.digest, True
        self.failed = added if self.drafts else None

    def spoil(self, paths: set[str]) -> None:
        """Files came out wrong: the drafts that changed them are no longer kept, the others are."""
        spoiled = set(paths)
        left = self.drafts
        while True:
            fine = [kept for kept in left if not spoiled & _paths(kept)]
            if len(fine) == len(left):
                break
            spoiled.update(*(_paths(kept) for kept in left if kept not in fine))
            left = fine
        self.drafts, self.is_partial = left, True


def _paths(kept: KeptDraft) -> set[str]:
    return {kept.region.path, *(change.path for change in kept.placed.changes)}
