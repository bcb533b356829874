"""Regions of a step that were drafted well while others failed, or that a failed check does not point to: they are not
asked for again.

Invariant: kept drafts hold for one tree; each is on record again in the try that uses it, so that the record of a try
is whole.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from hybridcode.agent.placing import Asked, Placed, place_draft
from hybridcode.agent.shifting import Places
from hybridcode.domain.action import FileChange
from hybridcode.domain.errors import RepoError
from hybridcode.domain.events import DraftMade
from hybridcode.domain.plan import Region, Step
from hybridcode.domain.refusal import Refusal
from hybridcode.patch.merge import onto
from hybridcode.repo.snapshot import Snapshot


@dataclass(frozen=True)
class KeptDraft:
    """One answer that could be placed."""

    event: DraftMade
    text: str
    asked: Asked
    placed: Placed
    region: Region
    """The place of the plan that it was asked for."""
    settled: tuple[Region, ...]
    """All places of the plan that it settles."""
    lines: tuple[int, int] | None = None
    """Where the place stood then, 1-based and inclusive; None for a whole file."""


class Unplaced(NamedTuple):
    """One answer that could not be placed."""

    text: str
    refusal: Refusal


@dataclass
class Kept:
    """What one step has of a try that failed."""

    tree: str = ""
    """Digest of the tree that the drafts were made on."""
    drafts: list[KeptDraft] = field(default_factory=list[KeptDraft])
    failed: dict[Region, Unplaced] = field(default_factory=dict[Region, Unplaced])
    """Places whose last answer was refused: what is said about that is for each of them alone."""
    is_partial: bool = False
    """The try came to an end with some of its drafts, so that these hold for the next one."""
    aside: frozenset[Region] = frozenset()
    """Places that the next try leaves as they are in the tree."""

    def begin(self, tree: str) -> Iterator[KeptDraft]:
        """The drafts that a new try on `tree` may use."""
        if tree != self.tree or not self.is_partial:
            self.tree, self.aside = tree, frozenset()
            self.drafts.clear()
        self.is_partial = True
        yield from tuple(self.drafts)

    def take(self, region: Region, draft: KeptDraft | Unplaced) -> None:
        """Remember how an answer for a place came out."""
        if isinstance(draft, Unplaced):
            self.failed[region] = draft
            return
        self.drafts.append(draft)
        for settled in (region, *draft.settled):
            self.failed.pop(settled, None)

    def must_change(self, region: Region) -> bool:
        """An answer that wanted the place changed was refused: lines that come back as they were do not keep it."""
        if region not in self.failed:
            return False
        refusal = self.failed[region].refusal
        return not refusal.is_formless and not refusal.is_already

    def left_out(self, region: Region) -> tuple[str, ...]:
        """Definitions that the last answer for a place left out, which was refused for that."""
        return self.failed[region].refusal.left_out if region in self.failed else ()

    @property
    def refusals(self) -> Mapping[Region, Sequence[Refusal]]:
        """Why answers were refused, by place."""
        return {region: (unplaced.refusal,) for region, unplaced in self.failed.items()}

    def elsewhere(self) -> "Kept":
        """What holds when what failed is written at other places: nothing where no place failed by itself."""
        return Kept(self.tree, self.drafts, is_partial=True) if self.failed else Kept()

    def finish(self) -> None:
        """All regions are drafted: whatever fails now is about all of them."""
        self.failed.clear()
        self.is_partial = False

    def standing(self, step: Step) -> dict[Region, Region]:
        """The places of the step, each with where it stands once the drafts are laid over the tree."""
        places = Places(step)
        for draft in self.drafts:
            places.follow(draft.placed.changes, draft.region, draft.lines)
        return {region: places.of(region) for region in step.regions}

    def narrow(self, step: Step, pointed: Collection[Region], tree: Snapshot) -> None:
        """The check failed, and that points to some places: the drafts of the others are kept for `tree`, which they
        were made on; where it holds them already, the others are left alone."""
        if tree.digest == self.tree:
            self.aside -= frozenset(pointed)
            self.drafts = list(_laid_anew((one for one in self.drafts if not _is_of(one, pointed)), tree))
        else:
            self.tree, self.drafts = tree.digest, []
            self.aside = frozenset(step.regions) - frozenset(pointed)
        self.is_partial = True

    def ask_again(self, places: Collection[Region], tree: Snapshot) -> None:
        """Drafts that were not applied to `tree`, which they were made on, come to nothing for what is written at some
        places: those of the others are kept."""
        self.drafts = list(_laid_anew((one for one in self.drafts if not _is_of(one, places)), tree))
        self.is_partial = True

    def widen(self, step: Step, tree: Snapshot) -> None:
        """The step has one more place, which is drafted next: the others' drafts are kept if they come to the same for
        the step and the tree as they are now."""
        current, places = tree, Places(step)
        for draft in self.drafts:
            where = places.of(draft.region)
            asked = replace(draft.asked, step=places.step, region=where, tree=current, has_others=True)
            try:
                placed = place_draft(draft.text, asked, finish=draft.event.finish)
            except RepoError:
                placed = None
            if not isinstance(placed, Placed) or placed != draft.placed:
                self.drafts.clear()
                break
            current = current.with_changes(placed.changes)
            places.follow(placed.changes, draft.region, draft.lines)
        self.tree, self.is_partial = tree.digest, True

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


def _is_of(draft: KeptDraft, places: Collection[Region]) -> bool:
    return any(one in places for one in (draft.region, *draft.settled))


def _laid_anew(drafts: Iterable[KeptDraft], tree: Snapshot) -> Iterator[KeptDraft]:
    """Drafts without some that lay between them: none that clashes with that, none at numbered lines of such a file."""
    for draft in drafts:
        changes = [onto(one, tree.read(one.path) if one.path in tree.files else None) for one in draft.placed.changes]
        fitting = tuple(one for one in changes if isinstance(one, FileChange))
        is_moved = fitting != draft.placed.changes
        if len(fitting) < len(changes) or (is_moved and draft.region.start is not None):
            continue
        tree = tree.with_changes(fitting)
        yield replace(draft, placed=replace(draft.placed, changes=fitting))


def _paths(kept: KeptDraft) -> set[str]:
    return {kept.region.path, *(change.path for change in kept.placed.changes)}
