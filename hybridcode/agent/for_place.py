"""What a long goal says of one of a step's places, for whoever writes that place alone.

Invariant: whole sentences of the goal in their order, none where that is nearly all of it or nothing.
"""

import re
from pathlib import PurePosixPath

from hybridcode.context.regions import IMPORTS
from hybridcode.domain.plan import Region, Step
from hybridcode.patch.left_out import sentences_of

_LONG = 240
"""Characters from which a goal is read sentence by sentence."""
_NEARLY_ALL = 0.7
_IMPORT = re.compile(r"\bimport(?:s|ed)?\b", re.IGNORECASE)


def for_place(step: Step, region: Region) -> str:
    """The sentences of a step's goal that name this one of its places; empty where they tell nothing apart."""
    if len(step.touches) < 2 or len(step.goal) < _LONG:
        return ""
    sentences = [sentence.strip() for sentence in sentences_of(step.goal) if sentence.strip()]
    word = _pattern(step, region)
    found = [sentence for sentence in sentences if word is not None and word.search(sentence)]
    said = " ".join(found)
    return f"# Of that, here above all\n{said}" if found and len(said) < _NEARLY_ALL * len(step.goal) else ""


def _pattern(step: Step, region: Region) -> re.Pattern[str] | None:
    """How a sentence names a place: by its definition, as imports or, where it is the step's only one in its file, by
    the file."""
    if region.symbol == IMPORTS:
        return _IMPORT
    if region.symbol is not None:
        bare = region.symbol.replace("::", ".").rpartition(".")[2]
        return re.compile(rf"(?<!\w){re.escape(bare)}(?!\w)")
    if sum(other.path == region.path for other in step.regions) > 1:
        return None
    return re.compile(rf"(?<![\w/]){re.escape(PurePosixPath(region.path).name)}(?!\w)")
