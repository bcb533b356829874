"""What becomes of what a person writes: a command, a task now or later, a shell command, a word to the running task.

Invariant: no text is lost: what cannot be begun stands in the composer again or in the queue, which is shown.
"""

import asyncio
from collections import deque

from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import TaskEnded
from hybridcode.session.written import History
from hybridcode.tui.asking import Asking
from hybridcode.tui.commands import Command, UnknownCommand, parse_command, run_command
from hybridcode.tui.completing import SHELL, unknown_mentions, with_folders
from hybridcode.tui.desk import Desk
from hybridcode.tui.editor import EditorUnavailable, edit_text
from hybridcode.tui.waiting import waiting_answer

REMARK_S = 6.0
"""Seconds that a remark stays."""
PASTED = "as pasted, this runs nothing: Enter again runs it"
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
        self._doubted = ""
        """The text that was held back last, because it names files that there are not."""

    def submitted(self, text: str, *, is_burst: bool = False) -> None:
        """A person pressed Enter on a text; in a burst, as a paste without its brackets is, no command runs."""
        if text.startswith(SHELL) and is_burst:
            self._put_back(text)
            self._desk.session.remark(PASTED, REMARK_S)
            return
        if self.history is not None:
            self.history.add(text)
        if text.startswith(SHELL):
            self._run_own(text)
            return
        match parse_command(text):
            case Command() as command:
                run_command(command, self._desk, self._asking)
            case UnknownCommand() as unknown:
                self._desk.tell("!", unknown.complaint, "warn")
            case None if "@" in text and text != self._doubted:
                self._desk.call(self._begin_or_doubt(text))
            case None:
                self._begin(text)

    def _begin(self, text: str) -> None:
        """A task: now, or after the one that runs. An answer to what the planner asked waits for no other text."""
        if waiting_answer(self._desk.state) is not None and not self._desk.conversation.is_running:
            self._desk.call(self.start(text))
        elif self._desk.conversation.is_running or self.queued:
            self.queued.append(text)
            self._show()
            if not self._desk.conversation.is_running:
                self.go_on()
        else:
            self._desk.call(self.start(text))

    async def _begin_or_doubt(self, text: str) -> None:
        """Begin a task if there are the files that it mentions; else say which are not, and keep the text."""
        paths = await self._desk.conversation.paths()
        said = await asyncio.to_thread(unknown_mentions, text, paths)
        if not said:
            self._begin(text)
            return
        self._doubted = text
        self._put_back(text)
        for line in said:
            self._desk.tell("!", line, "warn")
        self._desk.tell("", "not sent: Enter again sends it as it stands", "quiet")

    def _run_own(self, text: str) -> None:
        """A command of the person's own for the shell."""
        line = text.removeprefix(SHELL).strip()
        if line:
            self._desk.call(self._start_own(text, line))
        else:
            self._desk.tell("!", "write a command behind the !, as in ! git status", "warn")

    async def _start_own(self, text: str, line: str) -> None:
        try:
            await self._desk.conversation.run_own(line)
        except HybridcodeError:
            self._put_back(text)
            raise

    def steer(self, text: str) -> None:
        """A person says something to the task that runs; text that it does not take stays."""
        if not text:
            self._desk.session.remark("write what the task should know, then Ctrl+S", REMARK_S)
        elif parse_command(text) is not None or text.startswith(SHELL):
            self._desk.session.remark("that is a command: Enter runs it", REMARK_S)
        else:
            self._desk.call(self._steer(text))

    async def _steer(self, text: str) -> None:
        await self._desk.conversation.steer(text)
        self._desk.session.composer.sent_aside(text)
        if self.history is not None:
            self.history.add(text)

    def _put_back(self, text: str) -> None:
        """Text that was not taken stands in the composer again, before what was written since."""
        unsent = self._desk.session.unsent
        self._desk.session.composer.put_back(f"{text}\n{unsent}" if unsent.strip() else text)

    def entered_nothing(self) -> None:
        """A person pressed Enter on an empty composer: what waits begins, unless it would be taken for an answer."""
        if self.queued and waiting_answer(self._desk.state) is not None:
            self._desk.session.remark("Ctrl+Y shows what the planner asks; the queue comes after", REMARK_S)
        elif self.queued and not self._desk.conversation.is_running:
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
            self._desk.tell("·", f"queued: {len(self.queued)} · Enter begins the next one, Up takes it back", "quiet")

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
