"""What a model is shown and what it answered.

Invariant: a window's digest is the SHA-256 of its text, byte for byte what the model sees of the repository.
"""

from typing import Literal

import msgspec

EditFormat = Literal["region", "whole", "blocks"]
"""`region`: the shown lines rewritten in one fence. `whole`: the whole file in one fence. `blocks`: search/replace."""

Finish = Literal["stop", "length", "refused", "cancelled"]
"""`length`: the output limit cut the answer off."""


class Excerpt(msgspec.Struct, frozen=True):
    """Lines `start`..`end` (1-based, inclusive) of a file, and why they were chosen."""

    path: str
    start: int
    end: int
    reason: str
    score: int = 0
    """Rank score in millionths; larger is better."""
    signals: dict[str, int] = {}
    """What spoke for its file, each in millionths of the best file's; only where a receipt is wanted."""


class Cut(msgspec.Struct, frozen=True):
    """Lines that would have come next, and why they were left out."""

    path: str
    start: int
    end: int
    score: int
    reason: str


class Target(msgspec.Struct, frozen=True):
    """The place an answer is about: lines `start`..`end` (1-based, inclusive) of `path`, or the file if None."""

    path: str
    format: EditFormat
    start: int | None = None
    end: int | None = None


class WindowSource(msgspec.Struct, frozen=True):
    """What a window was made from, so that it can be made again. Digests are of blobs unless said otherwise."""

    tree: str
    """Files of the tree as the writer may see them: a `repo.kept_tree.KeptTree`."""
    history: str
    """The commits behind it; empty where they have no part in it."""
    subject: str
    """Digest of what it is for, which other events tell: the plan in canonical JSON, or the task's text."""
    maker: str
    """Digest of the code and grammars that made it: another version may choose other lines."""
    region: str = ""
    """What the draft is about, as a Region string; empty for an outline."""
    format: EditFormat = "region"
    is_tiny: bool = False
    """The lines and nothing else, for the shipped fixture."""
    touches: tuple[str, ...] = ()
    """The step's places, one by one, as they stand in that tree, where earlier drafts moved them, empty for one that is
    gone; () where all stand as the plan names them."""
    is_gone: bool = False
    """The goal said that its lines go."""


class ContextWindow(msgspec.Struct, frozen=True):
    """Everything of the repository that one call shows to a model. Budgets are in tokens of four bytes."""

    step: str
    text: str
    digest: str
    excerpts: tuple[Excerpt, ...]
    target: Target | None
    budget: int
    used: int
    notes: tuple[str, ...] = ()
    """What a person should know: files left out, a file chunked by lines because it does not parse, ..."""
    stable: int = 0
    """Characters at its start that it shares with the plan's other windows."""


class Draft(msgspec.Struct, frozen=True):
    """The text a model answered with for one step. Never applied as it is."""

    step: str
    model: str
    window_digest: str
    text: str
    finish: Finish
    target: Target | None
