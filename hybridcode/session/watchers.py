"""Watchers: where pieces of text go while they are being written.

Invariant: a watcher may drop anything; nothing that must be kept passes through here.
"""

from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Literal


@dataclass(frozen=True)
class Piece:
    """Something worth showing now: model text, reasoning, command output or progress."""

    kind: Literal["text", "reasoning", "output", "progress"]
    source: str
    """The call's id, the proposal's id, or what is in progress."""
    text: str = ""
    step: str | None = None
    fraction: float | None = None


class NullWatcher:
    """Nobody looks."""

    def text(self, *, step: str | None, call_id: str, text: str, reasoning: bool) -> None:
        """Drop a piece of model text."""

    def output(self, *, proposal: str, text: str) -> None:
        """Drop a piece of command output."""

    def progress(self, *, what: str, fraction: float | None) -> None:
        """Drop a progress mark."""


@dataclass
class QueueWatcher:
    """Puts pieces into a thread-safe queue that a screen drains at its own pace."""

    queue: "SimpleQueue[Piece]" = field(default_factory=lambda: SimpleQueue[Piece]())

    def text(self, *, step: str | None, call_id: str, text: str, reasoning: bool) -> None:
        """Queue a piece of model text."""
        self.queue.put(Piece("reasoning" if reasoning else "text", call_id, text, step))

    def output(self, *, proposal: str, text: str) -> None:
        """Queue a piece of command output."""
        self.queue.put(Piece("output", proposal, text))

    def progress(self, *, what: str, fraction: float | None) -> None:
        """Queue a progress mark."""
        self.queue.put(Piece("progress", what, fraction=fraction))
