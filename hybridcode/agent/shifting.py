"""Where the places of a step stand while its drafts are laid over each other.

Invariant: places are told apart by their position in the plan's step; a pure function of the step and of the changes
that were followed, so that a window of a record is made again from what it names.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from hybridcode.domain.action import FileChange
from hybridcode.domain.plan import Region, Step
from hybridcode.patch.linediff import Change, changes
from hybridcode.repo.lines import split_lines


class Places:
    """The places of a step in the tree as it is now: those that the plan numbers move with the lines above them."""

    def __init__(self, step: Step) -> None:
        self._plan = step
        self._now: list[Region | None] = list(step.regions)

    @property
    def touches(self) -> tuple[str, ...]:
        """All of them as they stand, empty for one that is gone; () where nothing has moved."""
        moved = tuple(str(region) if region is not None else "" for region in self._now)
        return () if tuple(self._now) == self._plan.regions else moved

    @property
    def step(self) -> Step:
        """The step with its places as they stand."""
        return standing(self._plan, self.touches)

    @property
    def gone(self) -> set[Region]:
        """Places of the plan whose lines are no longer there."""
        return {one for one, now in zip(self._plan.regions, self._now, strict=True) if now is None}

    def of(self, region: Region) -> Region:
        """Where a place of the plan stands; where it stood, if it is gone."""
        return self._now[self._plan.regions.index(region)] or region

    def named(self, region: Region) -> Region:
        """The place of the plan that stands at `region`."""
        return self._plan.regions[self._now.index(region)] if region in self._now else region

    def follow(self, made: Sequence[FileChange], region: Region, lines: tuple[int, int] | None) -> None:
        """Go on after a draft for `region` of the plan, which stood at `lines` (1-based, inclusive)."""
        files = {one.path: (one.before, one.after or b"") for one in made if one.before is not None}
        for number, (planned, now) in enumerate(zip(self._plan.regions, self._now, strict=True)):
            if now is None or now.start is None or now.end is None or now.path not in files:
                continue
            is_asked = planned == region and lines is not None
            first, last = lines if is_asked and lines is not None else (now.start, now.end)
            at = replace(now, start=first, end=last)
            before, after = files[now.path]
            self._now[number] = shifted(at, before, after, is_own=is_asked)


def standing(step: Step, touches: tuple[str, ...]) -> Step:
    """A step of a plan with its places as a window's source names them."""
    return replace(step, touches=tuple(filter(None, touches))) if touches else step


def planned(step: Step, touches: tuple[str, ...], region: str) -> str:
    """The place of the plan's step that stands at `region`, where a window's source names its places."""
    is_known = len(touches) == len(step.touches) and region in touches
    return str(step.regions[touches.index(region)]) if is_known else region


def shifted(region: Region, before: bytes, after: bytes, *, is_own: bool) -> Region | None:
    """Where a numbered place of a file stands after a change of it; None if its lines are gone. `is_own`: the change
    was made for that place, so that lines put in at its edges belong to it."""
    if region.start is None or region.end is None:
        return region
    hunks = changes(split_lines(before), split_lines(after))
    start, end = _moved(hunks, region.start - 1, region.end, is_asked=is_own)
    return replace(region, start=start + 1, end=end) if start < end else None


def _moved(hunks: Sequence[Change], start: int, end: int, *, is_asked: bool) -> tuple[int, int]:
    """Lines start..end (0-based, end excluded) after the hunks; what was put in at an edge belongs to who was asked."""
    first, last = start, end
    for hunk in hunks:
        grown = (hunk.b1 - hunk.b0) - (hunk.a1 - hunk.a0)
        is_put_in = hunk.a0 == hunk.a1
        if hunk.a1 <= start and not (is_asked and is_put_in and hunk.a0 == start):
            first, last = first + grown, last + grown
        elif hunk.a0 < end or (is_asked and is_put_in and hunk.a0 == end):
            first = hunk.b0 if hunk.a0 < start else first
            last = hunk.b1 if hunk.a1 > end else last + grown
    return first, last
