"""What a model answered for one region, placed on the tree as shown: the same for a draft and for its replay.

Invariant: a pure function of the answer, the step and the tree; an answer changes files of its step alone; what it
holds for other regions of the step is taken too, where it is plain.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hybridcode.agent.answers import read_draft
from hybridcode.context.regions import resolve
from hybridcode.domain.action import FileChange
from hybridcode.domain.errors import ContextError
from hybridcode.domain.plan import Region, Step
from hybridcode.domain.refusal import Refusal
from hybridcode.domain.secrets import MARK
from hybridcode.domain.window import Finish, Target
from hybridcode.patch.apart import Place, take_apart
from hybridcode.patch.check import unparsable
from hybridcode.patch.place import place
from hybridcode.patch.place_rewrite import NO_CHANGE
from hybridcode.repo.entry import differing
from hybridcode.repo.lines import split_lines
from hybridcode.repo.snapshot import Snapshot

_CHANGE_OR_KEEP = "Change them as the step says, or answer the one word KEEP if nothing has to change there."


@dataclass(frozen=True)
class Asked:
    """What an answer was asked for."""

    step: Step
    """With its places as they stand in the tree."""
    region: Region
    tree: Snapshot
    target: Target | None
    has_others: bool
    """The plan's step has more than one place."""
    must_change: bool = False
    """An earlier answer for the place was refused: lines that come back as they were are no way to keep them."""
    may_go: tuple[str, ...] = ()
    """Definitions that the answer before left out and that no other file names."""


@dataclass(frozen=True)
class Placed:
    """What an answer changes."""

    regions: tuple[Region, ...]
    """Regions that it settles; the one asked for is among them."""
    changes: tuple[FileChange, ...] = ()
    chatter: str = ""
    stays: tuple[Refusal, ...] = ()
    """Of a step with several regions: those that are to stay as they are."""


def place_draft(text: str, asked: Asked, *, finish: Finish) -> Placed | Refusal:
    """The changes of one answer, or why there are none.

    Raises:
        RepoError: a file of the tree cannot be read.
    """
    if finish == "stop" and (pieces := _apart(text, asked)):
        found = _place_pieces(pieces, asked, finish=finish)
        if isinstance(found, Placed) and not unparsable(found.changes):
            return found
    return _place_one(text, asked, finish=finish)


def bottom_up(regions: Sequence[Region]) -> tuple[Region, ...]:
    """Line regions of one file from its end to its start, so that an edit does not move the next one."""
    return tuple(sorted(regions, key=lambda region: -(region.start or 0)))


def is_readable(snapshot: Snapshot, path: str) -> bool:
    """True for an ordinary file of the snapshot that is not too large to be read."""
    entry = snapshot.files.get(path)
    return entry is not None and entry.kind in ("text", "binary")


def split_placed(
    placed: tuple[FileChange, ...] | tuple[Refusal, ...],
) -> tuple[tuple[FileChange, ...], tuple[Refusal, ...]]:
    """Changes and refusals apart; one of them is empty."""
    return (
        tuple(item for item in placed if isinstance(item, FileChange)),
        tuple(item for item in placed if isinstance(item, Refusal)),
    )


def _place_one(text: str, asked: Asked, *, finish: Finish) -> Placed | Refusal:
    """An answer about one region."""
    step, target, tree = asked.step, asked.target, asked.tree
    answer = read_draft(text, finish=finish, target=target)
    if isinstance(answer, Refusal):
        return _stays(answer, asked)
    shown = {path: tree.read(path) for path in answer.paths if is_readable(tree, path)}
    modes = {path: tree.files[path].mode for path in shown}
    is_itself = asked.region.symbol is not None and not asked.has_others
    placed = place(answer, shown, modes=modes, goal=step.goal, is_itself=is_itself, may_go=asked.may_go)
    changes, refusals = split_placed(placed)
    if refusals:
        return _stays(refusals[0], asked)
    if any(_holds_redaction(change) for change in changes):
        return Refusal(
            "the answer would write a redaction mark in place of a secret",
            advice="Leave lines with [redacted:...] out of the change.",
        )
    outside = [change.path for change in changes if change.path not in {other.path for other in step.regions}]
    if outside:
        return Refusal(f"the answer also changes {', '.join(outside)}", advice="Change only the files of the step.")
    if target is not None and target.format == "blocks" and _goes_beyond(target, step, tree, changes):
        return Refusal(
            "a block changes lines outside those asked for",
            path=target.path,
            advice="Change only the lines shown under EDIT; SEARCH what stands there.",
        )
    return Placed((asked.region, *_changed_too(step, asked.region, tree, changes)), changes, answer.chatter)


def _stays(refusal: Refusal, asked: Asked) -> Placed | Refusal:
    """Where a step has several regions, one that is to stay as it is holds back none of the others."""
    if asked.must_change and refusal.reason == NO_CHANGE:
        return Refusal("the lines came back as they were", path=refusal.path, advice=_CHANGE_OR_KEEP)
    if refusal.is_already and asked.has_others:
        return Placed((asked.region,), stays=(refusal,))
    return refusal


def _goes_beyond(target: Target, step: Step, tree: Snapshot, changes: Sequence[FileChange]) -> bool:
    """Something before the first or behind the last region that the step has in the target's file is changed."""
    if target.start is None or target.end is None:
        return False
    places = [_lines_of(tree, other) for other in step.regions if other.path == target.path]
    first = min([target.start, *(lines[0] if lines else 1 for lines in places)])
    ends = [target.end, *(lines[1] for lines in places if lines)]
    for change in changes:
        if change.path == target.path and change.before is not None and all(places):
            old, new = split_lines(change.before), split_lines(change.after or b"")
            behind = len(old) - max(ends)
            if old[: first - 1] != new[: first - 1] or old[len(old) - behind :] != new[len(new) - behind :]:
                return True
    return False


def _changed_too(step: Step, region: Region, tree: Snapshot, changes: Sequence[FileChange]) -> tuple[Region, ...]:
    """Other regions of the step, named by symbols, that an answer changes; none that lies around the one asked for."""
    after = tree.with_changes(changes)
    asked = _lines_of(tree, region)
    found: list[Region] = []
    for other in step.regions:
        lines = _lines_of(tree, other) if other.symbol is not None and other != region else None
        if lines is None or asked is None or (other.path == region.path and _overlap(lines, asked)):
            continue
        if _text_of(tree, other) != _text_of(after, other):
            found.append(other)
    return tuple(found)


def _apart(text: str, asked: Asked) -> dict[Region, str]:
    """The pieces of an answer that holds several regions of the step, the one asked for among them."""
    tree, region = asked.tree, asked.region
    if asked.target is None:
        return {}
    others = [other for other in asked.step.regions if other != region and other.path in tree.files]
    places: list[Place] = []
    regions: list[Region] = []
    for other in (region, *others):
        found = asked.target if other == region else _target(tree, other)
        if found is not None and found.start is not None:
            name = (other.symbol or "").replace("::", ".").rpartition(".")[2]
            head = next((line for line in _text_of(tree, other).split("\n") if line.strip()), "")
            places.append(Place(found, name, head))
            regions.append(other)
    pieces = take_apart(text, places) if len(places) > 1 else {}
    return {regions[number]: piece for number, piece in pieces.items()} if 0 in pieces and regions[0] == region else {}


def _place_pieces(pieces: dict[Region, str], asked: Asked, *, finish: Finish) -> Placed | Refusal:
    """The pieces one after the other; where one of them cannot be placed it was no answer for several regions.

    Another region that only stands in the answer as it was is not settled by it.
    """
    settled: list[Region] = []
    stays: list[Refusal] = []
    now = asked.tree
    for other in bottom_up(tuple(one for one in asked.step.regions if one in pieces)):
        is_asked = other == asked.region
        target = _target(now, other)
        about = replace(asked, region=other, tree=now, target=target)
        if not is_asked:
            about = replace(about, must_change=False, may_go=())
        found = _place_one(pieces[other], about, finish=finish)
        if isinstance(found, Refusal):
            return found
        if found.stays and not is_asked:
            continue
        now = now.with_changes(found.changes)
        settled += found.regions
        stays += found.stays
    return Placed(tuple(dict.fromkeys(settled)), difference(asked.tree, now), stays=tuple(stays))


def difference(before: Snapshot, after: Snapshot) -> tuple[FileChange, ...]:
    """What changed between two views, one change per path, sorted."""
    changes: list[FileChange] = []
    for path in differing(before.files, after.files):
        old, new = before.files.get(path), after.files.get(path)
        entry = new or old
        if entry is None:
            continue
        changes.append(
            FileChange(
                path,
                before=before.read(path) if old else None,
                after=after.read(path) if new else None,
                mode=entry.mode,
            )
        )
    return tuple(changes)


def _target(tree: Snapshot, region: Region) -> Target | None:
    try:
        return resolve(tree, region)
    except ContextError:
        return None


def _lines_of(tree: Snapshot, region: Region) -> tuple[int, int] | None:
    """First and last line, None for a region of a whole file or one that is not there."""
    target = _target(tree, region)
    if target is None or target.start is None or target.end is None:
        return None
    return target.start, target.end


def _text_of(tree: Snapshot, region: Region) -> str:
    """A region's lines; empty where they are not there."""
    lines = _lines_of(tree, region)
    if lines is None:
        return ""
    return b"".join(split_lines(tree.read(region.path))[lines[0] - 1 : lines[1]]).decode("utf-8", "replace")


def _overlap(first: tuple[int, int], second: tuple[int, int]) -> bool:
    return first[0] <= second[1] and second[0] <= first[1]


def _holds_redaction(change: FileChange) -> bool:
    """True when a change adds the mark that stands for a secret the model was not shown."""
    before, after = (data.decode("utf-8", "replace") if data else "" for data in (change.before, change.after))
    return len(MARK.findall(after)) > len(MARK.findall(before))
