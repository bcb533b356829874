"""Going back in the session that is open.

Invariant: what is put back goes through the gate of that session.
"""

from collections.abc import Callable

from hybridcode.domain.events import UndoMade
from hybridcode.gate.taking_back import Reach
from hybridcode.gate.undo import Foreseen
from hybridcode.session.rewinding import foresee_undo, rewind, take_back
from hybridcode.session.session import Session
from hybridcode.tui.conversation import PERSON


class LivePast:
    """Undo and rewind of a Session, which is opened when it is first needed."""

    def __init__(self, session: Callable[[], Session]) -> None:
        self._session = session

    async def foresee(self, reach: Reach) -> Foreseen:
        """What an undo would do now."""
        return await foresee_undo(self._session(), reach)

    async def take_back(self, reach: Reach) -> UndoMade:
        """Undo."""
        return await take_back(self._session(), reach, by=PERSON)

    async def rewind(self, task: str, *, files: bool, conversation: bool) -> None:
        """Go back to before a task."""
        await rewind(self._session(), task, files=files, conversation=conversation, by=PERSON)

    def on_disk(self, path: str) -> bytes | None:
        """What an ordinary file of the workspace holds now."""
        found = self._session().gate.effects.read(path)
        return None if found is None else found[0]
