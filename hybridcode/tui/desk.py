"""What everything around the screens shares: app, session screen, conversation, and the state folded from it.

Invariant: work that can fail is handed to `call`, which shows the error and what to do.
"""

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual.app import App

from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import Envelope, SessionForked
from hybridcode.session.state import SessionState
from hybridcode.tui.conversation import Conversation, Facts
from hybridcode.tui.entry import Entry, Tone
from hybridcode.tui.guard import KeyGuard
from hybridcode.tui.modes import named_mode
from hybridcode.tui.screens.session import SessionScreen
from hybridcode.tui.sight import Sight
from hybridcode.tui.theme_files import ThemeFiles

LATELY_S = 1 / 20
"""Seconds after a key in which what can wait waits."""
MOST_WAITS = 5
"""Times in a row that it waits."""
RUNNING: tuple[str, str, Tone] = ("!", "a task is running: Esc interrupts it", "warn")
"""What `Desk.tell` says where something has to wait."""


def shown_state() -> SessionState:
    """An empty state for screens: envelopes are the conversation's to keep."""
    return SessionState(keeps_record=False, forgets_ended=True)


@dataclass
class Desk:
    """One for an app, made with it."""

    app: App[str]
    session: SessionScreen
    conversation: Conversation
    clock: Callable[[], float]
    """Seconds that only grow."""
    sight: Sight
    themes: ThemeFiles
    """All themes, and whose they are."""
    keys_file: Path | None = None
    """Where a person's own keys stand."""
    state: SessionState = field(default_factory=shown_state)
    facts: Facts = field(init=False)
    """What the screens show of the conversation's facts."""
    on_switch: Callable[[], None] = lambda: None
    """What the app does when another session is open: fold and show that one."""
    on_settings: Callable[[], None] = lambda: None
    """What the app does when the settings of its screens are others."""
    _waits: int = 0
    _left: str = ""
    """Id of the session that was left last."""

    def __post_init__(self) -> None:
        self.facts = self.conversation.facts

    @property
    def is_at_session(self) -> bool:
        """True when nothing stands in front of the session screen."""
        return self.app.screen is self.session

    def may_wait(self) -> bool:
        """True right after a key, so many times in a row at most: what can wait lets the key be painted first."""
        is_lately = self.clock() - self.sight.typed_at < LATELY_S
        self._waits = self._waits + 1 if is_lately and self._waits < MOST_WAITS else 0
        return self._waits > 0

    def is_news(self, envelope: Envelope) -> bool:
        """False for what is folded already, and for the last words of a session that was left."""
        here = self.state.session
        if not here:
            return envelope.session != self._left
        return envelope.session == here and envelope.seq > self.state.seq

    @property
    def folded(self) -> Iterator[Envelope]:
        """What the state was folded from; later ones are on their way."""
        return (envelope for envelope in self.conversation.envelopes if envelope.seq <= self.state.seq)

    async def switch(self, session: str | None, *, forked: SessionForked | None = None) -> None:
        """Go over to another session, None = a new one. Raises HybridcodeError: this one stays."""
        left = self.state.session
        await self.conversation.open_session(session, forked=forked)
        self._left, self.state = left, shown_state()
        self.on_switch()

    def guard(self) -> KeyGuard:
        """A guard for a pane that is about to appear."""
        return KeyGuard(self.clock, lambda: self.session.unsent, self.sight)

    def take_facts(self) -> None:
        """Show the facts as they are now."""
        self.facts = self.conversation.facts
        self.session.show_facts(self.facts)

    async def switch_mode(self, name: str = "") -> None:
        """Work in the permission mode of that name, or in the next one, and show it."""
        await self.conversation.switch_mode(named_mode(name, self.facts.mode))
        self.take_facts()

    def tell(self, label: str, text: str, tone: Tone) -> None:
        """Add a paragraph of our own to the transcript."""
        self.session.tell([Entry(label, text, tone)])

    def say(self, error: HybridcodeError) -> None:
        """Show an error and what to do."""
        hint = [Entry("", error.hint, "quiet")] if error.hint else []
        self.session.tell([Entry("!", error.message, "bad"), *hint])

    def call(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something in the background; its error is shown."""

        async def guarded() -> None:
            try:
                await work
            except HybridcodeError as error:
                self.say(error)

        self.app.run_worker(guarded(), group="conversation")

    def to_session(self) -> None:
        """Close everything in front of the session screen."""
        while not self.is_at_session:
            self.app.pop_screen()
