"""Facts of a step's drafts: what the writer was shown, what came of its answer, and what was added by rule.

Invariant: each says all that a replay needs beside the files on record.
"""

import msgspec

from hybridcode.domain.asked import Fact
from hybridcode.domain.refusal import Refusal
from hybridcode.domain.window import Excerpt, Finish, WindowSource


class WindowAssembled(Fact, frozen=True):
    """Before the draft that uses it."""

    step: str
    attempt: int
    digest: str
    """Blob of the window's text."""
    excerpts: tuple[Excerpt, ...]
    used: int
    budget: int
    source: WindowSource | msgspec.UnsetType = msgspec.UNSET
    """What it was made from; unset in records of versions that did not keep it."""


class DraftMade(Fact, frozen=True):
    """After the model answered, and again in a later try that keeps the answer. `text_sha256` is a blob."""

    step: str
    attempt: int
    model: str
    window_digest: str
    text_sha256: str
    finish: Finish
    must_change: bool = False
    """An earlier answer for the place was refused: lines that come back as they were are no way to keep them."""
    may_go: tuple[str, ...] = ()
    """Definitions that the answer before left out, which was refused, and that no other file names: left out once more,
    they go where the goal describes something that goes."""


class DraftRefused(Fact, frozen=True):
    """After DraftMade when it cannot be turned into exactly one change, or is written again before it is shown."""

    step: str
    attempt: int
    refusals: tuple[Refusal, ...]


class LinesPlaced(msgspec.Struct, frozen=True):
    """Lines `start` to `end` of a file (0-based, `end` excluded) give way to `lines`."""

    start: int
    end: int
    lines: tuple[str, ...]


class DraftRuled(Fact, frozen=True):
    """After RungTaken, in place of windows and drafts: the step and the files of `source` alone say what goes."""

    step: str
    attempt: int
    source: WindowSource


class ImportAdded(Fact, frozen=True):
    """After the DraftMade of a try, before its proposal or refusal: a missing import is a part of the change now."""

    step: str
    attempt: int
    path: str
    line: str
    """The statement."""
    why: str
    place: LinesPlaced | msgspec.UnsetType = msgspec.UNSET
    """Where it went in the file as drafted, with the imports added before it; unset in records of versions that placed
    each one among the imports at the very top."""
