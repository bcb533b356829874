"""How steps and their tries end.

Invariant: two tries that came to the same have the same mark, whatever the clock said meanwhile.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hybridcode.domain.action import (
    Applied,
    Committed,
    Declined,
    Denied,
    Expired,
    Failed,
    Held,
    Ran,
    Receipt,
    Stale,
    Unknown,
)
from hybridcode.domain.events import StepOutcome
from hybridcode.domain.plan import Region
from hybridcode.domain.refusal import Refusal
from hybridcode.repo.snapshot import Snapshot

NoteKind = Literal["refused", "checked", "declined", "stale", "again", "hint"]

Ending = tuple[StepOutcome, str]
"""How a step ended, and why."""

_OF_THE_MOMENT = re.compile(r"\b\d+(?:\.\d+)?\s?(?:ms|s|seconds?)\b|0x[0-9a-fA-F]+")
"""Durations and addresses: different each time."""


@dataclass(frozen=True)
class Note:
    """What the next draft is told about a try."""

    kind: NoteKind
    own: str
    """As the model is told it that made the try."""
    other: str
    """As others are told it."""
    at: Mapping[Region, "Note"] = field(default_factory=dict[Region, "Note"])
    """What each place that it is about is told of it, and no other place; empty: it is about all of them."""


@dataclass(frozen=True)
class Fell:
    """A try that came to nothing: the next rung's turn."""

    ending: Ending
    """How the step ends if nobody is left to try."""
    note: Note | None = None
    """What the next draft is told, beside what it is told already."""
    mark: str = ""
    """What it came to, to the letter; empty where coming to the same again is no loop."""
    is_refused: bool = False
    """The answer could not be used at all: no place for it, no draft, or text that does not parse."""
    is_loop: bool = False
    """The model answered what it had answered before."""
    is_stale: bool = False
    """Files changed under it: no fault of the draft's."""
    said: str = ""
    """What a check said of it; empty where none failed."""
    tree: Snapshot | None = None
    """What the check ran on."""


def mark_of(failure: str | tuple[Refusal, ...]) -> str:
    """What a try came to: what its check said, or why its answer was refused."""
    if isinstance(failure, str):
        return _OF_THE_MOMENT.sub("_", failure)
    return "\n".join(f"{refusal.path} {refusal.reason}\n{refusal.near}" for refusal in failure)


def ending_of(receipt: Receipt) -> Ending:
    """How a step ends on what became of its proposal."""
    match receipt:
        case Held(proposal=proposal):
            return "held", proposal
        case Denied(reason=reason, rule=rule, hint=hint):
            return "denied", f"{reason} (rule {rule}){'. ' + hint if hint else ''}"
        case Declined(reason=reason, by=by):
            return "declined", reason or f"no, said {by}"
        case Stale(paths=paths):
            return "stale", f"{', '.join(paths)} changed meanwhile"
        case Expired(reason=reason):
            return "stale", reason
        case Failed(reason=reason) | Unknown(reason=reason):
            return "failed", reason
        case Applied() | Ran() | Committed():
            return "done", ""
