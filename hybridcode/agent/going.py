"""Which places of a step go as a whole, so that who writes them is shown little.

Invariant: a pure function of step, place and tree; it decides what is shown, never what may be deleted. A goal that may
mean something else (`delete a and let b return 1` of b) leaves a place what it is shown otherwise.
"""

import re

from hybridcode.context.regions import lines_of
from hybridcode.domain.plan import Region, Step
from hybridcode.patch.deletion import may_be_deleted
from hybridcode.patch.filetext import FileText
from hybridcode.patch.terms import Terms
from hybridcode.repo.snapshot import Snapshot

_KIND = r"(?:the|both|function|method|class|constant|property|interface|enum|type|and)\s+"
_OTHER = rf"(?!{_KIND})" + r"[`'\"]?[\w.:/#]+(?:\(\))?[`'\"]?(?:,\s*|\s+(?=and\b))"
_GOES = rf"\b(?:delet|remov|drop)\w*\s+(?:{_KIND}|{_OTHER})*[`'\"]?"
_ENDS = r"(?:\(\))?[`'\"]?(?=\s*(?:[,;)]|\.(?!\w)|(?:and|from|in|entirely|altogether|completely)\b|\Z))"
"""A removal of several things, of which this is one, and what may follow its name."""


def goes_whole(step: Step, region: Region, tree: Snapshot) -> bool:
    """The goal says in so many words that a definition goes, or lines by their numbers; never so of a whole file.

    Raises:
        RepoError: its file cannot be read.
    """
    lines, name = lines_of(tree, region), _name(region)
    if step.kind != "edit" or lines is None or not name:
        return False
    if re.search(_GOES + name + _ENDS, step.goal, re.IGNORECASE) is None:
        return False
    return may_go_whole(step, region, lines, tree.read(region.path))


def may_go_whole(step: Step, region: Region, lines: range, data: bytes) -> bool:
    """An empty answer would delete the region, which stands at `lines` (1-based): the goal of its step says so."""
    terms = Terms(step.goal, is_itself=region.symbol is not None and len(step.regions) == 1)
    return may_be_deleted(region.path, FileText.of(data), lines.start - 1, lines.stop - 1, terms=terms)


def _name(region: Region) -> str:
    """A pattern of what a goal calls a place; empty for a whole file."""
    if region.symbol is not None:
        return r"(?:[\w./:#]*[.:#])?" + re.escape(region.symbol.replace("::", ".").rpartition(".")[2])
    return rf"(?:lines?\s+|L){region.start}(?:\s*(?:-|–|to|through)\s*L?{region.end})?" if region.start else ""
