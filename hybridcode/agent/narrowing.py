"""Which places of a step a failed check points to, so that these alone are written again.

Invariant: a pure function of what the check said, of the places and of the tree that it ran on; tests alone are never
what a failure points to, since whoever writes only these can but make them agree.
"""

import re
from collections.abc import Mapping

from hybridcode.agent.distil import frames
from hybridcode.context.regions import lines_of
from hybridcode.context.signals import is_test
from hybridcode.domain.plan import Region
from hybridcode.repo.snapshot import Snapshot


def pointed_to(places: Mapping[Region, Region], said: str, tree: Snapshot) -> tuple[Region, ...]:
    """The places that hold a line which is named, else those in a file of which one is, else those whose name is said.

    `places` are those of the plan, each with where it stands in `tree`.

    Returns:
        () where nothing or everything is pointed to.
    """
    named = frames(said, tree.files)
    files = {path for path, _ in named}
    by_line = [one for one, now in places.items() if any(holds(tree, now, path, line) for path, line in named)]
    by_file = [one for one in places if one.path in files]
    by_name = [one for one in places if is_named(one, said)]
    for found in (by_line, by_file, by_name):
        if not all(is_test(one.path) for one in found):
            return tuple(found) if len(found) < len(places) else ()
    return ()


def holds(tree: Snapshot, region: Region, path: str, line: int) -> bool:
    """A line of a file, 1-based, stands in a region."""
    return region.path == path and line in (lines_of(tree, region) or ())


def is_named(region: Region, said: str) -> bool:
    """The name of a region's definition is a word of what a check said."""
    name = (region.symbol or "").replace("::", ".").rpartition(".")[2]
    return bool(name) and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said) is not None
