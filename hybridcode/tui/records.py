"""What the views of sessions and of the past need, and nothing more: two ports beside the Conversation.

Invariant: reading leaves no trace; what changes something is a person's own command.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from hybridcode.domain.events import SessionForked, UndoMade

if TYPE_CHECKING:
    from hybridcode.gate.taking_back import Reach
    from hybridcode.gate.undo import Foreseen
    from hybridcode.journal.overview import SessionOverview


class Library(Protocol):
    """All sessions of a repository."""

    def now(self) -> datetime:
        """The time now, in the zone of the person at the screen."""
        ...

    async def sessions(self) -> "list[SessionOverview]":
        """All of them, newest first. Raises JournalError."""
        ...

    async def fork(self, session: str, task: str) -> SessionForked:
        """What a new session begins with that goes on after a task of another one. Raises NoSuchSession."""
        ...

    async def export(self, session: str, path: str) -> str:
        """Write a session as one document to a new file, and say where that is.

        Raises:
            ConfigError: it is there already, ends neither in .md nor in .html, or cannot be written.
        """
        ...

    async def delete(self, session: str) -> None:
        """Remove a session's record. Raises SessionBusy."""
        ...


class Past(Protocol):
    """What the session that is open did so far, and going back in it."""

    async def foresee(self, reach: "Reach") -> "Foreseen":
        """What an undo would do now."""
        ...

    async def take_back(self, reach: "Reach") -> UndoMade:
        """Undo. Raises HybridcodeError: a task is running, or the gate said no."""
        ...

    async def rewind(self, task: str, *, files: bool, conversation: bool) -> None:
        """Go back to before a task. Raises HybridcodeError."""
        ...

    def on_disk(self, path: str) -> bytes | None:
        """What an ordinary file of the workspace holds now, None if there is none."""
        ...
