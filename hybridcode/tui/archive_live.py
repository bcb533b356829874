"""The archive over the journal of a workspace.

Invariant: every journal is opened, used and closed within one thread; looking writes nothing.
"""

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from hybridcode.config.load import Loaded
from hybridcode.context.index import Index
from hybridcode.context.receipt import answer
from hybridcode.domain.action import ChangeSet, Decision, FileChange, FileEdit
from hybridcode.domain.errors import JournalError
from hybridcode.domain.events import Envelope, SessionOpened
from hybridcode.gate.lapsing import why_lapsed
from hybridcode.journal.approvals import Approvals
from hybridcode.journal.states import ApprovalState
from hybridcode.journal.store import Journal
from hybridcode.models.ledger import Ledger
from hybridcode.models.pricing import Price
from hybridcode.session.finding import open_existing
from hybridcode.session.pending import looked_at, why_stale
from hybridcode.tui.archive import MOST_SESSIONS, IndexAnswer, Progress, Shelf, Total, Unanswered, Waiting
from hybridcode.tui.conversation import Facts
from hybridcode.tui.waiting import unanswered_of

QUESTION_BUDGET = 8_000
"""Tokens that a question to the index may fill."""


class LiveArchive:
    """Reads and answers in the journal of one workspace."""

    def __init__(self, workspace: Path, loaded: Loaded) -> None:
        self._workspace, self._loaded = workspace, loaded
        self._asked: dict[str, tuple[int, Unanswered | None]] = {}
        """Sessions that were looked at: how far, and what waited there."""

    @property
    def price(self) -> Price | None:
        """The frontier's price as configured."""
        return Price.configured(self._loaded.settings.models.frontier)

    @property
    def budget_usd(self) -> float:
        """Dollars that a session may cost; 0 = no limit."""
        return self._loaded.settings.limits.max_cost_usd

    @property
    def now(self) -> datetime:
        """The moment that ages are counted to."""
        return datetime.now(UTC)

    async def waiting(self) -> list[Waiting]:
        """Everything that waits, oldest first."""
        return await asyncio.to_thread(self._waiting)

    async def unanswered(self) -> list[Unanswered]:
        """Plans and questions that wait, oldest first."""
        return await asyncio.to_thread(self._unanswered)

    async def count_elsewhere(self, session: str) -> int:
        """How much waits in other sessions than this one."""
        return await asyncio.to_thread(self._count, session)

    async def shelf(self, waiting: Waiting, facts: Facts) -> Shelf:
        """What a pane for it needs."""
        return await asyncio.to_thread(self._shelf, waiting, facts)

    async def answer(self, waiting: Waiting, decision: Decision) -> str:
        """Record a decision, unless the proposal lapsed meanwhile."""
        return await asyncio.to_thread(self._answer, waiting, decision)

    async def close_lapsed(self, waiting: Waiting) -> str:
        """Close a proposal that lapsed."""
        return await asyncio.to_thread(self._close, waiting)

    async def totals(self, progress: Progress) -> list[Total]:
        """What each session used, newest first."""
        return await asyncio.to_thread(self._totals, progress)

    async def ask_index(self, question: str, progress: Progress) -> IndexAnswer:
        """What the index would show for a question."""
        return await asyncio.to_thread(self._ask, question, progress)

    @contextmanager
    def _journal(self) -> Generator[Journal | None]:
        journal = open_existing(self._workspace, self._loaded.settings)
        try:
            yield journal
        finally:
            if journal is not None:
                journal.close()

    @contextmanager
    def _existing(self) -> Generator[Journal]:
        with self._journal() as journal:
            if journal is None:
                raise JournalError(f"There is no session of {self._workspace}.", "It was deleted meanwhile.")
            yield journal

    @property
    def _expires_s(self) -> float:
        return self._loaded.settings.approval.expires_s

    def _waiting(self) -> list[Waiting]:
        with self._journal() as journal:
            if journal is None:
                return []
            approvals = Approvals(journal)
            rows = approvals.pending()
            named = {row.session for row in rows}
            tasks = {row.id: row.title for row in journal.sessions() if row.id in named}
            running = {session: bool(journal.who_works_on(session)) for session in named}
            stale = {row.id: why_stale(approvals, row, self._workspace, expires_s=self._expires_s) for row in rows}
            return [
                Waiting(
                    row.proposal,
                    row.session,
                    tasks.get(row.session, ""),
                    row.made_at,
                    running[row.session],
                    why_lapsed(receipt) if (receipt := stale[row.id]) is not None else "",
                )
                for row in rows
            ]

    def _count(self, session: str) -> int:
        with self._journal() as journal:
            if journal is None:
                return 0
            sql = "SELECT count(*) FROM approval WHERE state = ? AND session != ?"
            proposals = int(journal.rows(sql, (ApprovalState.PENDING, session))[0][0])
        return proposals + sum(one.session != session for one in self._unanswered())

    def _unanswered(self) -> list[Unanswered]:
        with self._journal() as journal:
            if journal is None:
                return []
            heads = [(str(session), int(head)) for session, head in journal.rows(_MAY_WAIT)]
            for session, head in heads:
                if self._asked.get(session, (-1, None))[0] != head:
                    self._asked[session] = head, unanswered_of(journal.session(session).require().envelopes())
            found = [one for session, _ in heads if (one := self._asked[session][1]) is not None]
            running = {one.session: bool(journal.who_works_on(one.session)) for one in found}
        return [msgspec.structs.replace(one, is_running=running[one.session]) for one in found]

    def _shelf(self, waiting: Waiting, facts: Facts) -> Shelf:
        with self._existing() as journal:
            envelopes = journal.session(waiting.session).require().envelopes()
            edits = waiting.proposal.action.edits if isinstance(waiting.proposal.action, ChangeSet) else ()
            digests = {digest for edit in edits for digest in (edit.before_sha256, edit.after_sha256) if digest}
            blobs = {digest: journal.load_blob(digest) for digest in digests}
        facts = msgspec.structs.replace(facts, sandbox=_sandbox(envelopes), unenforced=(), expires_s=self._expires_s)
        return Shelf(facts, envelopes, blobs, self._sealing(waiting, edits))

    def _sealing(self, waiting: Waiting, edits: Sequence[FileEdit]) -> Callable[[Sequence[FileChange]], ChangeSet]:
        """Stores what a person chose or wrote in the session that asked; paths and modes stay as proposed."""
        proposed = {edit.path: edit for edit in edits}

        def seal(changes: Sequence[FileChange]) -> ChangeSet:
            with self._existing() as journal:
                store = journal.session(waiting.session).put_blob
                sealed = [
                    msgspec.structs.replace(
                        proposed[change.path],
                        after_sha256=None if change.after is None else store(change.after),
                        mode=change.mode,
                    )
                    for change in sorted(changes, key=lambda change: change.path)
                ]
            return ChangeSet(tuple(sealed))

        return seal

    def _answer(self, waiting: Waiting, decision: Decision) -> str:
        with self._existing() as journal:
            approvals = Approvals(journal)
            name = waiting.proposal.id
            row, why = looked_at(approvals, approvals.get(name), self._workspace, expires_s=self._expires_s)
            if why:
                return f"{name} was closed: {why}"
            if not approvals.answer(name, decision):
                row = approvals.get(name)
                return f"{name} is {row.state}{f' by {row.by}' if row.by else ''}; nothing changed"
            state = approvals.get(name).state
            if journal.who_works_on(waiting.session):
                return f"{name} {state}; its session runs and goes on by itself"
            return f"{name} {state}; `hybridcode sessions resume {waiting.session}` goes on with it"

    def _close(self, waiting: Waiting) -> str:
        with self._existing() as journal:
            approvals = Approvals(journal)
            name = waiting.proposal.id
            _, why = looked_at(approvals, approvals.get(name), self._workspace, expires_s=self._expires_s)
            return f"{name} was closed: {why}" if why else f"{name} is not stale; nothing changed"

    def _totals(self, progress: Progress) -> list[Total]:
        with self._journal() as journal:
            if journal is None:
                return []
            rows = journal.sessions()[:MOST_SESSIONS]
            found: list[Total] = []
            for row in rows:
                found.append(Total(row.id, row.opened_at, row.title, Ledger.of(journal.envelopes(row.id))))
                progress(len(found), len(rows))
            return found

    def _ask(self, question: str, progress: Progress) -> IndexAnswer:
        index = Index.open(self._workspace)
        try:
            snapshot = index.take(self._workspace, max_file_bytes=self._loaded.settings.context.max_file_bytes)
            found = answer(index.corpus(snapshot, progress=progress), query=question, budget=QUESTION_BUDGET)
        finally:
            index.close()
        receipt = found.receipt
        return IndexAnswer(
            tuple((passage.excerpt, passage.lines) for passage in found.passages),
            receipt.used,
            receipt.budget,
            receipt.sha256,
            receipt.cut,
            receipt.unmatched,
        )


_MAY_WAIT = """
SELECT session, (SELECT head_seq FROM session WHERE id = event.session) FROM event
WHERE type IN ('TaskQuestioned', 'PlanMade', 'QuestionAnswered', 'PlanDecided', 'TaskGiven', 'StepStarted', 'Rewound')
GROUP BY session
HAVING max(CASE WHEN type IN ('TaskQuestioned', 'PlanMade') THEN seq END)
     > max(CASE WHEN type NOT IN ('TaskQuestioned', 'PlanMade') THEN seq END)
ORDER BY max(at)
"""
"""Sessions in which something was asked last: the fold of each says whether it still is."""


def _sandbox(envelopes: Sequence[Envelope]) -> str:
    first = envelopes[0].event if envelopes else None
    return first.sandbox if isinstance(first, SessionOpened) else "none"
