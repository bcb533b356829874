"""What is known of all sessions of a repository: what waits, what they used; and what the index would show.

Invariant: nothing here blocks the event loop; an answer is recorded by compare-and-swap and is told when it came late.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec
from textual.message import Message

from hybridcode.domain.action import ChangeSet, Decision, FileChange, Proposal
from hybridcode.domain.errors import IntegrityError
from hybridcode.domain.events import Envelope
from hybridcode.domain.window import Cut, Excerpt
from hybridcode.models.ledger import Ledger
from hybridcode.models.pricing import Price
from hybridcode.tui.conversation import Facts

MOST_SESSIONS = 500
"""Sessions that totals are made of, the newest."""
Progress = Callable[[int, int], None]
"""Called with how much is done and how much there is, from whatever thread."""


class Waiting(msgspec.Struct, frozen=True):
    """A proposal that waits, in whatever session."""

    proposal: Proposal
    session: str
    task: str
    """Text of its session's first task."""
    made_at: str
    is_running: bool
    """True while a process works on its session."""
    lapsed: str = ""
    """Why it cannot be carried out any more; empty while it can."""


class Unanswered(msgspec.Struct, frozen=True):
    """A plan that waits for a yes, or what the planner asks, in whatever session; answered in that session only."""

    session: str
    task: str
    """Text of the task that waits."""
    made_at: str
    is_running: bool
    """True while a process works on its session."""
    said: str
    """What is asked, in a line."""
    questions: tuple[str, ...] = ()
    """Every question with its options; a plan has none."""


class Total(msgspec.Struct, frozen=True):
    """What a session used."""

    session: str
    opened_at: str
    task: str
    ledger: Ledger


class IndexAnswer(msgspec.Struct, frozen=True):
    """What the index would show a model for a question."""

    excerpts: tuple[tuple[Excerpt, str], ...]
    """In order of rank, each with its text."""
    used: int
    budget: int
    digest: str
    cut: tuple[Cut, ...] = ()
    unmatched: tuple[str, ...] = ()
    """Words of which nothing stands in the tree."""


class Shelf:
    """A session as its journal has it: enough to show a pane for a proposal of it."""

    def __init__(
        self,
        facts: Facts,
        envelopes: Sequence[Envelope],
        blobs: Mapping[str, bytes],
        seal: Callable[[Sequence[FileChange]], ChangeSet],
    ) -> None:
        self.facts, self.envelopes = facts, envelopes
        self._blobs, self.seal = blobs, seal

    def blob(self, sha256: str) -> bytes:
        """The bytes behind a digest. Raises: IntegrityError."""
        if sha256 not in self._blobs:
            raise IntegrityError(f"The journal lacks the bytes {sha256[:12]}.", "Run `hybridcode audit verify`.")
        return self._blobs[sha256]


class Archive(Protocol):
    """All sessions of a repository as the screens see them."""

    @property
    def price(self) -> Price | None:
        """The frontier's price as configured."""
        ...

    @property
    def budget_usd(self) -> float:
        """Dollars that a session may cost; 0 = no limit."""
        ...

    @property
    def now(self) -> datetime:
        """The moment that ages are counted to."""
        ...

    async def waiting(self) -> list[Waiting]:
        """Everything that waits, oldest first."""
        ...

    async def unanswered(self) -> list[Unanswered]:
        """Plans and questions that wait, oldest first."""
        ...

    async def count_elsewhere(self, session: str) -> int:
        """How much waits in other sessions than this one."""
        ...

    async def shelf(self, waiting: Waiting, facts: Facts) -> Shelf:
        """What a pane for it needs; `facts` are those of the screen. Raises: HybridcodeError."""
        ...

    async def answer(self, waiting: Waiting, decision: Decision) -> str:
        """Record a decision; returns what became of it, in a sentence. Raises: HybridcodeError."""
        ...

    async def close_lapsed(self, waiting: Waiting) -> str:
        """Close a proposal that lapsed; returns what became of it, in a sentence. Raises: HybridcodeError."""
        ...

    async def totals(self, progress: Progress) -> list[Total]:
        """What each session used, newest first, at most MOST_SESSIONS. Raises: HybridcodeError."""
        ...

    async def ask_index(self, question: str, progress: Progress) -> IndexAnswer:
        """What the index would show for a question. Raises: HybridcodeError."""
        ...


class PickedElsewhere(Message):
    """A person wants to look at what waits in whatever session."""

    def __init__(self, waiting: Waiting | Unanswered) -> None:
        super().__init__()
        self.waiting = waiting
