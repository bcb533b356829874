"""Definitions that a plan names and that are still to be written: an edit that adds one touches its file instead.

Invariant: only an edit whose goal says that something is added is read this way, and only where the file is there; what
a plan names otherwise has to be there.
"""

import re

from msgspec.structs import replace

from hybridcode.context.regions import IMPORTS
from hybridcode.domain.plan import Plan, Region, Step
from hybridcode.repo.snapshot import Snapshot
from hybridcode.repo.symbols import candidates

_ADDS = re.compile(r"\b(?:add(?:s|ing)?|new|writ(?:e|es|ing)|create[sd]?|introduc(?:e|es|ing)|append)\b", re.IGNORECASE)


def with_files_of_new_names(plan: Plan, snapshot: Snapshot) -> Plan:
    """The plan with a whole file in place of its places, where one of these is a name that its step is to add."""
    return replace(plan, steps=tuple(_with_files(step, snapshot) for step in plan.steps))


def is_new(step: Step, region: Region, snapshot: Snapshot) -> bool:
    """A name that the step is to add, as its goal says."""
    entry = snapshot.files.get(region.path)
    if step.kind != "edit" or region.symbol in (None, IMPORTS) or entry is None or entry.kind != "text":
        return False
    return _ADDS.search(step.goal) is not None and not candidates(
        region.path, snapshot.read(region.path), region.symbol or ""
    )


def advice(region: Region) -> str:
    """What is said of it where the plan is a person's, or the place a hint's: these are followed as they stand."""
    at_end = f"a new definition goes to the end of {region.path}"
    return f"{region.symbol} is not there yet: {at_end} (touch `{region.path}` or its neighbour)"


def _with_files(step: Step, snapshot: Snapshot) -> Step:
    whole = {region.path for region in step.regions if is_new(step, region, snapshot)}
    places = (region.path if region.path in whole else str(region) for region in step.regions)
    return replace(step, touches=tuple(dict.fromkeys(places))) if whole else step
