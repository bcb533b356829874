"""What all steps of a plan share in their windows: passages about the whole plan, from files that no step changes.

Invariant: a function of plan, quiet files, room and guides, so that it is the same bytes for every step; that it was
made for an earlier step shows in nothing but the time it takes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from hybridcode.context.corpus import Corpus
from hybridcode.context.named import files_written
from hybridcode.context.packing import EDITING, pack
from hybridcode.context.passages import Passage, Taken
from hybridcode.context.query import read_query
from hybridcode.context.rank import Ranking, rank
from hybridcode.context.signals import is_prose
from hybridcode.context.store import IndexStore
from hybridcode.domain.plan import Plan
from hybridcode.repo.classify import reads_as_prose
from hybridcode.repo.grammars import language_of


@dataclass(frozen=True)
class _Made:
    """The passages, and all that they depend on."""

    goals: str
    quiet: Corpus
    room: int
    taken: Mapping[str, Sequence[tuple[int, int]]]
    passages: tuple[Passage, ...]


_made: "WeakKeyDictionary[IndexStore, _Made]" = WeakKeyDictionary()
"""The last ones of each index: ranking a large tree for all goals of a long plan costs more than the rest of a step."""


def touched_paths(plan: Plan | None) -> list[str]:
    """Files that the plan touches, sorted."""
    return sorted({region.path for step in plan.steps for region in step.regions}) if plan is not None else []


def is_documentation(path: str) -> bool:
    """It is text for people, and no code."""
    return language_of(path) is None and (reads_as_prose(path) or is_prose(path))


def without_documentation(ranking: Ranking, *, named_in: str) -> Ranking:
    """A ranking for who writes code: of documentation the files alone that the goals name."""
    written = files_written(ranking.corpus, read_query(named_in))
    kept = (file for file in ranking.files if file.file in written or not is_documentation(file.path))
    return replace(ranking, files=tuple(kept))


def common_passages(corpus: Corpus, plan: Plan, *, room: int, taken: Taken) -> tuple[Passage, ...]:
    """The best passages for all goals of a plan in `room` bytes, of documentation only what they name; of `taken`,
    lines of touched files do not count."""
    touched = touched_paths(plan)
    quiet = corpus.without(set(touched))
    goals = "\n".join((*(step.goal for step in plan.steps), *touched))
    ranges = {path: list(lines) for path, lines in taken.ranges.items() if path not in touched}
    known = _made.get(corpus.store)
    if (
        known is None
        or (known.goals, known.room, known.taken) != (goals, room, ranges)
        or not known.quiet.reads_as(quiet)
    ):
        shown = Taken({path: list(lines) for path, lines in ranges.items()})
        ranking = without_documentation(rank(quiet, goals), named_in=goals)
        packed = pack(ranking, room=room, taken=shown, style=EDITING)
        known = _made[corpus.store] = _Made(goals, quiet, room, ranges, packed.passages)
    return known.passages
