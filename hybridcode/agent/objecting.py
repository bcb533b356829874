"""The places that a judge's objection names, and the step that follows from them by rule.

Invariant: a pure function of the sentence and the tree; a sentence that names anything that is not there, may not be
shown or is not told apart from its neighbour gives no step.
"""

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from hybridcode.context.regions import lines_of
from hybridcode.domain.plan import Plan, Region, Step
from hybridcode.patch.left_out import is_named_for_removal
from hybridcode.repo.snapshot import Snapshot

MOST_ELSEWHERE = 3
"""Places of one step where files are among them that the task has not changed."""
CUT = " ..."
"""How an objection ends that was longer than what is kept of it."""
_WORD = re.compile(r"[^\s`\"'“”‘’()\[\]{}<>,;]+")
_CLOSING = ".:!?*"
_BASE = re.compile(r"[^#:]*")


class Named(NamedTuple):
    """What a sentence names of a tree."""

    places: tuple[Region, ...]
    """Those that are there, in the order of the sentence."""
    is_all: bool
    """It names no other place."""


def places_named(sentence: str, tree: Snapshot) -> Named:
    """The places of a tree that a sentence names as `path#Symbol`, `path#L3-9` or `path`."""
    found: dict[Region, None] = {}
    is_all = True
    endings = {_ending(path) for path in tree.files} - {""}
    for match in _WORD.finditer(sentence):
        word = match[0].strip("*").rstrip(_CLOSING).removeprefix("./")
        base = _BASE.match(word)
        path = base[0] if base else ""
        if path not in tree.files:
            is_all = is_all and _ending(path) not in endings
            continue
        region = Region.parse(word) if word[len(path) :].startswith("#") else Region(path)
        if lines_of(tree, region) is None:
            is_all = False
            continue
        is_all = is_all and ":" not in word[len(path) :][:1]
        found[region] = None
    return Named(tuple(found), is_all)


def plan_from(objection: str, tree: Snapshot, *, shown: Snapshot, changed: Collection[str]) -> Plan | None:
    """One step at the places that an objection names, with its words as the goal; None where it does not tell enough.

    `shown` is what of the tree whoever plans may see, `changed` are the files that the task has changed.
    """
    places, is_all = places_named(objection, tree)
    is_bounded = len(places) <= MOST_ELSEWHERE or all(place.path in changed for place in places)
    is_clear = is_all and not objection.endswith(CUT)
    if not places or not is_clear or not is_bounded or any(place.path not in shown.files for place in places):
        return None
    if any(str(place) == place.path and is_named_for_removal(place.path, objection) for place in places):
        return None
    if (apart := _apart(places, tree)) is None:
        return None
    return Plan((Step("1", objection, touches=tuple(map(str, apart))),))


def _ending(path: str) -> str:
    """What a file's name ends with, behind its last dot; empty for one that has none."""
    return path.rpartition("/")[2].rpartition(".")[2] if "." in path else ""


def _apart(places: Sequence[Region], tree: Snapshot) -> list[Region] | None:
    """The places without those that lie in another one; None where two have only some lines in common."""
    lines = {place: lines_of(tree, place) or range(0) for place in places}
    kept: list[Region] = []
    for place in sorted(places, key=lambda one: -len(lines[one])):
        held = [one for one in kept if one.path == place.path and set(lines[one]) & set(lines[place])]
        if any(not set(lines[place]) <= set(lines[one]) for one in held):
            return None
        if not held:
            kept.append(place)
    return [place for place in places if place in kept]
