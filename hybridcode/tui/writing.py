"""What becomes of what a person writes: a command, a task now, or a task after the one that runs.

Invariant: no text is lost: what cannot be begun stands in the composer again or in the queue, which is shown.
"""

import asyncio
from collections import deque

from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import TaskEnded
from hybridcode.session.written import History
from hybridcode.tui.asking import Asking
from hybridcode.tui.commands import Command, UnknownCommand, parse_command, run_command
from hybridcode.tui.completing import with_folders
from hybridcode.tui.desk import Desk
from hybridcode.tui.editor import EditorUnavailable, edit_text

AGAIN_S = 0.1
"""Seconds between two looks at whether a task that has ended is out of the way."""


class Writing:
    """The texts of the composer, and those that wait for their turn."""

    def __init__(self, desk: Desk, asking: Asking) -> None:
        self._desk, self._asking = desk, asking
        self.queued = deque[str]()
        """Tasks to do after the one that runs, the next one first."""
        self.history: History | None = None
        """Where what was written is kept; None: only in memory."""

    def submitted(self, text: str) -> None:
        """A person pressed Enter on a text."""
        if self.history is not None:
            self.history.add(text)
        match parse_command(text):
            case Command() as command:
                run_command(command, self._desk, self._asking)
            case UnknownCommand() as unknown:
                self._desk.tell("!", unknown.complaint, "warn")
            case None if self._desk.conversation.is_running or self.queued:
                self.queued.append(text)
                self._show()
                if not self._desk.conversation.is_running:
                    self.go_on()
            case None:
                self._desk.call(self.start(text))

    def entered_nothing(self) -> None:
        """A person pressed Enter on an empty composer: what waits begins."""
        if self.queued and not self._desk.conversation.is_running:
            self.go_on()

    async def start(self, text: str) -> None:
        """Begin a task; text that the session does not take stands in the composer again."""
        try:
            await self._desk.conversation.start(text)
        except HybridcodeError:
            self._desk.session.restore(text)
            raise

    def hear(self, event: object) -> None:
        """After a good end the next task begins by itself; after any other one it waits for Enter."""
        if isinstance(event, TaskEnded):
            self._desk.session.composer.paths = None  # there may be other files now
        if not isinstance(event, TaskEnded) or not self.queued:
            return
        if event.exit_code == 0:
            self._desk.app.set_timer(AGAIN_S, self.go_on)
        else:
            self._desk.tell("·", f"queued: {len(self.queued)} · Enter begins the next one, ↑ takes it back", "quiet")

    def go_on(self) -> None:
        """Begin the next task, as soon as the one before is out of the way."""
        if self._desk.conversation.is_running:
            self._desk.app.set_timer(AGAIN_S, self.go_on)
        elif self.queued:
            text = self.queued.popleft()
            self._show()
            self._desk.call(self.start(text))

    def take_back(self) -> str:
        """The text that was queued last, out of the queue; empty if there is none."""
        text = self.queued.pop() if self.queued else ""
        self._show()
        return text

    def forget(self) -> None:
        """Another session is open: what was queued for this one goes back into the composer."""
        if self.queued:
            self._desk.session.restore("\n".join([*self.queued, self._desk.session.unsent]).strip())
            self.queued.clear()
            self._show()

    async def load_history(self, history: History) -> None:
        """What was written at earlier starts, read off the event loop."""
        self._desk.session.composer.load(await asyncio.to_thread(history.read))
        self.history = history

    async def load_paths(self) -> None:
        """Find what can be mentioned, once it is asked for."""
        paths = await self._desk.conversation.paths()
        self._desk.session.composer.take_paths(await asyncio.to_thread(with_folders, paths))

    def search_history(self) -> None:
        """Show what was written before."""
        # Deferred: the screen is needed at this key only.
        from hybridcode.tui.screens.sent import SentScreen

        self._desk.app.push_screen(SentScreen(self._desk.session.composer.sent, self._desk.session.restore))

    def edit_outside(self, text: str) -> None:
        """The composer's text in a person's own editor."""
        try:
            new = edit_text(self._desk.app, text, suffix=".md")
        except EditorUnavailable as error:
            self._desk.say(error)
            return
        if new is not None:
            self._desk.session.restore(new.rstrip("\n"))

    def _show(self) -> None:
        self._desk.session.show_queue(tuple(self.queued))
