"""Where the failure of the whole task's check points: which step's place, and how the last step takes that place in.

Invariant: a pure reading of the failure's places and words, of the plan and the tree that the check ran on; at most
`[limits] max_reworks` times in a task a place of a step that is done is written again.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from hybridcode.agent.narrowing import holds, is_named, left_over
from hybridcode.agent.proving import Tried
from hybridcode.agent.run import Run
from hybridcode.domain.events import StepMoved
from hybridcode.domain.plan import Region, Step, moved
from hybridcode.repo.lines import split_lines
from hybridcode.repo.snapshot import Snapshot
from hybridcode.repo.symbols import Symbol, candidates, outline


@dataclass(frozen=True)
class Blame:
    """What of a plan a failure points to."""

    is_own: bool = False
    """The step that was drafted last."""
    step: str = ""
    """An earlier step; empty: none, or not plainly one."""
    region: str = ""
    """Its place."""


def blame(run: Run, step: Step, tried: Tried) -> Blame:
    """Read a failure of all steps together: by the places that it names, else by those that hold a name which is gone,
    else by the names of the steps' places.

    Of several places of earlier steps the one that is named most often is meant; of equal ones that which stands
    nearest to the failure: the last one of a Python traceback, the first one elsewhere.
    """
    if tried.snapshot is None or run.plan is None:
        return Blame()
    steps = [one for one in run.plan.steps if one.kind in ("edit", "create")]
    found = list(_places(run, steps, step, tried))
    is_own = any(name == step.id for name, _ in found)
    earlier = [one for one in found if one[0] != step.id]
    if not earlier:
        named = set(_left_over(steps, tried.said, tried.snapshot) or _named(steps, tried.said))
        is_own = is_own or any(name == step.id for name, _ in named)
        earlier = [one for one in named if one[0] != step.id]
        return Blame(is_own, *earlier[0]) if len(earlier) == 1 else Blame(is_own)
    count = Counter(earlier)
    most = [one for one in earlier if count[one] == max(count.values())]
    name, region = most[-1] if most[-1][1].partition("#")[0].endswith(".py") else most[0]
    return Blame(is_own, name, region)


def may_rework(run: Run, step: Step) -> bool:
    """The local model may write a place of an earlier step once more."""
    is_left = run.reworks < run.settings.limits.max_reworks
    return is_left and run.senders.has_drafter and step.kind in ("edit", "create")


def take_in(run: Run, step: Step, found: Blame) -> Step:
    """The step with the place of an earlier one beside its own, on record."""
    assert run.plan is not None
    earlier = next(one for one in run.plan.steps if one.id == found.step)
    touches = tuple(dict.fromkeys((*step.touches, found.region)))
    more = f"\nBeside that, put right what step {found.step} wrote at {found.region}: {earlier.goal}"
    goal = step.goal if more in step.goal else f"{step.goal}{more}"
    why = f"since the check of all steps together points to what step {found.step} wrote"
    run.reworks += 1
    run.plan = moved(run.plan, step.id, touches, goal=goal)
    run.journal.append(StepMoved(step.id, touches, goal, why, found.step))
    return replace(step, touches=touches, goal=goal)


def _places(run: Run, steps: list[Step], own: Step, tried: Tried) -> Iterator[tuple[str, str]]:
    """Step and place for each frame that lies in one: what several touch is the own one's, else the latest one's."""
    assert tried.snapshot is not None
    ordered = [*(one for one in steps if one.id == own.id), *(one for one in reversed(steps) if one.id != own.id)]
    for path, line in tried.frames:
        for step in ordered:
            places = (_at(run, tried.snapshot, region, path, line) for region in step.regions)
            if place := next((str(found) for found in places if found is not None), ""):
                yield step.id, place
                break


def _at(run: Run, tree: Snapshot, region: Region, path: str, line: int) -> Region | None:
    """The region, or the definition in it that is not as it was before the task, if it holds a line."""
    if region.path != path:
        return None
    if region.symbol is None:
        return _definition(run, tree, path, line)
    return region if holds(tree, region, path, line, old=run.before.get(path)) else None


def _definition(run: Run, tree: Snapshot, path: str, line: int) -> Region | None:
    """The smallest definition around a line that can be named; None where the task left it as it was."""
    data = tree.read(path)
    around = [symbol for symbol in outline(path, data) if symbol.start <= line <= symbol.end and not symbol.is_local]
    around.sort(key=lambda symbol: symbol.end - symbol.start)
    found = next((symbol for symbol in around if len(candidates(path, data, symbol.name)) == 1), None)
    if found is None:
        return None
    before = run.before.get(path)
    same = candidates(path, before, found.name) if before is not None else ()
    is_same = any(_text(before or b"", one) == _text(data, found) for one in same)
    return None if is_same else Region(path, symbol=found.name)


def _text(data: bytes, symbol: Symbol) -> tuple[bytes, ...]:
    return split_lines(data)[symbol.start - 1 : symbol.end]


def _left_over(steps: list[Step], said: str, tree: Snapshot) -> list[tuple[str, str]]:
    """Steps and places that still hold a name of one which is gone."""
    left = set(left_over((region for step in steps for region in step.regions), said, tree))
    return [(step.id, str(region)) for step in steps for region in step.regions if region in left]


def _named(steps: list[Step], said: str) -> Iterator[tuple[str, str]]:
    """Steps and places whose name is a word of what the check said."""
    for step in steps:
        for region in step.regions:
            if is_named(region, said):
                yield step.id, str(region)
