"""An Archive that answers from lists and records every decision."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from hybridcode.domain.action import ChangeSet, Decision
from hybridcode.domain.errors import HybridcodeError
from hybridcode.models.pricing import Price
from hybridcode.tui.archive import IndexAnswer, Progress, Shelf, Total, Unanswered, Waiting
from hybridcode.tui.conversation import Facts


@dataclass
class ScriptedArchive:
    now: datetime = datetime(2026, 1, 1, 3, tzinfo=UTC)
    price: Price | None = None
    budget_usd: float = 0.0
    rows: list[Waiting] = field(default_factory=list[Waiting])
    asked: list[Unanswered] = field(default_factory=list[Unanswered])
    blobs: dict[str, bytes] = field(default_factory=dict[str, bytes])
    sessions: list[Total] = field(default_factory=list[Total])
    found: IndexAnswer | None = None
    answers: list[tuple[str, Decision]] = field(default_factory=list[tuple[str, Decision]])
    closed: list[str] = field(default_factory=list[str])
    questions: list[str] = field(default_factory=list[str])

    async def waiting(self) -> list[Waiting]:
        return list(self.rows)

    async def unanswered(self) -> list[Unanswered]:
        return list(self.asked)

    async def count_elsewhere(self, session: str) -> int:
        return sum(row.session != session for row in (*self.rows, *self.asked))

    async def shelf(self, waiting: Waiting, facts: Facts) -> Shelf:
        return Shelf(facts, (), self.blobs, lambda changes: ChangeSet(()))

    async def answer(self, waiting: Waiting, decision: Decision) -> str:
        self.answers.append((waiting.proposal.id, decision))
        self.rows.remove(waiting)
        return f"{waiting.proposal.id} answered"

    async def close_lapsed(self, waiting: Waiting) -> str:
        self.closed.append(waiting.proposal.id)
        self.rows.remove(waiting)
        return f"{waiting.proposal.id} was closed: {waiting.lapsed}"

    async def totals(self, progress: Progress) -> list[Total]:
        progress(len(self.sessions), len(self.sessions))
        return self.sessions

    async def ask_index(self, question: str, progress: Progress) -> IndexAnswer:
        self.questions.append(question)
        if self.found is None:
            raise HybridcodeError("the query is empty", "Say in a sentence what is to be done.")
        return self.found
