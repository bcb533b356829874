"""The sessions of a repository as they stand in its journal.

Invariant: every call opens the journal by itself, in a thread of its own; the session that is open here is not touched.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from hybridcode.config.settings import Settings
from hybridcode.domain.errors import NoSuchSession
from hybridcode.domain.events import SessionForked
from hybridcode.journal.overview import SessionOverview, overview
from hybridcode.journal.store import Journal
from hybridcode.session.finding import open_existing
from hybridcode.session.history import history_of
from hybridcode.session.report import report, write_report
from hybridcode.session.state import SessionState

Found = TypeVar("Found")


class LiveLibrary:
    """All sessions of a workspace."""

    def __init__(self, workspace: Path, settings: Settings) -> None:
        self._workspace, self._settings = workspace, settings

    def now(self) -> datetime:
        """The time now, in the zone here."""
        return datetime.now().astimezone()

    async def sessions(self) -> list[SessionOverview]:
        """All of them, newest first; none where nothing was ever done."""
        try:
            return await self._read(overview)
        except NoSuchSession:
            return []

    async def fork(self, session: str, task: str) -> SessionForked:
        """What a new session begins with that goes on after a task of another one."""

        def forked(journal: Journal) -> SessionForked:
            state = _state(journal, session)
            return SessionForked(session, task, state.tasks[0].task.text, history_of(state, up_to=task))

        return await self._read(forked)

    async def export(self, session: str, path: str) -> str:
        """Write a session as one document to a new file; a relative path starts in the workspace."""

        def exported(journal: Journal) -> str:
            target = self._workspace / Path(path).expanduser()
            write_report(target, report(_state(journal, session), journal.load_blob, suffix=target.suffix))
            return str(target)

        return await self._read(exported)

    async def delete(self, session: str) -> None:
        """Remove a session's record."""
        await self._read(lambda journal: journal.delete(session))

    async def _read(self, work: Callable[[Journal], Found]) -> Found:
        def within() -> Found:
            journal = open_existing(self._workspace, self._settings)
            if journal is None:
                raise NoSuchSession("There is no session here yet.")
            with journal:
                return work(journal)

        return await asyncio.to_thread(within)


def _state(journal: Journal, session: str) -> SessionState:
    return SessionState.of(journal.session(session).require().envelopes())
