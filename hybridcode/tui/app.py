"""The app: carries facts from a Conversation to the screens and a person's answers back.

Invariant: the only place that knows both; holds no state beside the fold of envelopes and which questions are open.
"""

import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message

from hybridcode.domain.action import Decision, Proposal
from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.events import Envelope, SessionOpened, TaskEnded, TaskGiven
from hybridcode.session.state import SessionState
from hybridcode.tui.commands import Command, UnknownCommand, parse_command
from hybridcode.tui.conversation import Conversation, Remember, live_pieces
from hybridcode.tui.guard import KeyGuard
from hybridcode.tui.panes import help_sections, plan_pane, proposal_pane
from hybridcode.tui.screens.help import HelpScreen
from hybridcode.tui.screens.pane import Pane
from hybridcode.tui.screens.session import SessionScreen
from hybridcode.tui.story import Entry, Tone, entries
from hybridcode.tui.themes import load_themes, shipped_dir, textual_theme
from hybridcode.tui.waiting import Question, Questions, farewell, why_closed
from hybridcode.tui.widgets.composer import Composer

DRAIN_S = 1 / 20
"""Seconds between two looks at the live queue, and between two repaints of state."""
QUIT_S = 2.0
"""Seconds in which a second Ctrl+C quits."""
DEFAULT_THEME = "hybridcode-dark"
RUNNING = Entry("!", "a task is running: Esc interrupts it", "warn")

_HERE = Path(__file__).parent


class HybridcodeApp(App[str]):
    """The terminal program. Its result is a sentence about what still waits, empty if nothing does."""

    @dataclass
    class Arrived(Message):
        """An envelope came from the session."""

        envelope: Envelope

    TITLE = "hybridcode"
    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = sorted(_HERE.glob("*/*.tcss"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+y", "review", "review what waits", priority=True),
        Binding("ctrl+c", "stop", "interrupt what runs; twice quits", priority=True),
        Binding("ctrl+q", "leave", "quit, what waits is kept", priority=True),
        Binding("f1", "help", "all keys"),
    ]

    def __init__(
        self,
        conversation: Conversation,
        *,
        prompt: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        theme_dirs: tuple[Path, ...] = (),
    ) -> None:
        self._themes, self._theme_errors = load_themes((shipped_dir(), *theme_dirs))
        super().__init__()
        self.animation_level = "none"
        self.conversation = conversation
        self._facts = conversation.facts
        self.state = SessionState()
        self._prompt = prompt
        self._clock = clock
        for theme in self._themes.values():
            self.register_theme(textual_theme(theme))
        self._start_in(self._facts.theme)
        self._session = SessionScreen(self._facts, clock)
        self._unsubscribe: Callable[[], None] | None = None
        self._questions = Questions(self.state)
        self._answered = self._questions.answered
        self._is_stale = False
        self._stopped_at = -QUIT_S

    def _start_in(self, theme: str) -> None:
        """Set the theme before the stylesheets are parsed, so that they are parsed once."""
        if theme in self.available_themes:
            self.set_reactive(HybridcodeApp.theme, theme)
            self.stylesheet.set_variables(self.get_css_variables())
            self.set_class(not self.current_theme.dark, "-light-mode")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our tokens, so that Textual's own themes work too."""
        default = self._themes.get(DEFAULT_THEME)
        return dict(default.variables) if default else {}

    async def on_mount(self) -> None:
        """The session screen, what happened before, and the timer for live text."""
        await self.push_screen(self._session)
        for envelope in self.conversation.envelopes:
            self._take(envelope)
        for error in self._theme_errors:
            self._say(error)
        if self.theme != self._facts.theme:
            self._choose_theme(self._facts.theme)
        self._unsubscribe = self.conversation.subscribe(self._hear)
        self._refresh()
        self.set_interval(DRAIN_S, self._drain)
        if self._prompt:
            self._call(self._start(self._prompt))

    def on_unmount(self) -> None:
        """Stop listening."""
        if self._unsubscribe:
            self._unsubscribe()

    # facts -> screen

    def _hear(self, envelope: Envelope) -> None:
        """Called from whatever thread the session works in."""
        self.post_message(self.Arrived(envelope))

    def on_hybridcode_app_arrived(self, message: Arrived) -> None:
        """Fold one more envelope."""
        self._take(message.envelope)
        if isinstance(message.envelope.event, SessionOpened | TaskEnded):
            self._facts = self.conversation.facts
            self._session.show_facts(self._facts)
        self._refresh_soon()

    def _refresh_soon(self) -> None:
        if not self._is_stale:
            self._is_stale = True
            self.set_timer(DRAIN_S, self._refresh)

    def _take(self, envelope: Envelope) -> None:
        self.state.apply(envelope)
        self._questions.hear(envelope.event)
        self._session.tell(entries(envelope.event, self.state))
        if isinstance(envelope.event, TaskGiven):
            self._session.recall(envelope.event.task.text)

    def _drain(self) -> None:
        if pieces := live_pieces(self.conversation):
            self._session.feed(pieces)

    def _refresh(self) -> None:
        self._is_stale = False
        approvals, plan = self._questions.proposals(), self._questions.plan(self._facts.mode)
        self._session.show(self.state, approvals=len(approvals), is_plan_waiting=plan is not None)
        self._close_answered()
        self._offer()

    def _tell(self, label: str, text: str, tone: Tone) -> None:
        self._session.tell([Entry(label, text, tone)])

    def _say(self, error: HybridcodeError) -> None:
        hint = [Entry("", error.hint, "quiet")] if error.hint else []
        self._session.tell([Entry("!", error.message, "bad"), *hint])

    # questions

    @property
    def _pane(self) -> Pane | None:
        return next((screen for screen in self.screen_stack if isinstance(screen, Pane)), None)

    def _close_answered(self) -> None:
        """Leave a pane whose question is not open any more."""
        pane = self._pane
        if pane is not None and pane.subject not in self._questions.all(self._facts.mode):
            self._close_pane()
            self._tell("·", why_closed(self.state, pane.subject), "quiet")

    def _close_pane(self) -> None:
        while self.screen is not self._session:
            self.pop_screen()

    def _offer(self) -> None:
        """Open the oldest question by itself, but never over text a person is writing."""
        if self.screen is not self._session or self._session.unsent.strip():
            return
        fresh = self._questions.fresh(self._facts.mode)
        if fresh is not None:
            self._open(fresh)

    def on_composer_emptied(self) -> None:
        """What text held back may be offered now."""
        self._refresh_soon()

    def _open(self, question: Question) -> None:
        if isinstance(question, Proposal):
            self.run_worker(self._open_pane(question), group="open", exclusive=True)
        elif (pane := plan_pane(question, self._guard())) is not None:
            self.push_screen(pane)

    def _guard(self) -> KeyGuard:
        return KeyGuard(self._clock, lambda: self._session.unsent)

    async def _open_pane(self, proposal: Proposal) -> None:
        """Put the pane for a proposal in front, if it still waits by then."""
        try:
            pane = await proposal_pane(
                proposal,
                self.conversation,
                guard=self._guard(),
                sandbox=self.state.opened.sandbox if self.state.opened else "none",
                more=len(self._questions.proposals()) - 1,
                is_split=self._facts.side_by_side,
            )
        except HybridcodeError as error:
            self._questions.left.add(proposal.id)
            self._say(error)
            return
        if self.screen is self._session and proposal in self._questions.proposals():
            await self.push_screen(pane)

    def on_pane_decided(self, message: Pane.Decided) -> None:
        """Hand a decision to the session and show the next question."""
        self._answered.add(message.proposal_id)
        self._close_pane()
        self._call(self._answer(message.proposal_id, message.decision, message.remember))
        self._refresh()

    async def _answer(self, proposal_id: str, decision: Decision, remember: Remember | None) -> None:
        try:
            await self.conversation.answer(proposal_id, decision, remember=remember)
        except HybridcodeError:
            self._answered.discard(proposal_id)
            self._questions.left.add(proposal_id)
            raise

    def on_pane_plan_answered(self, message: Pane.PlanAnswered) -> None:
        """Hand the plan back to the session."""
        self._answered.add(message.task_id)
        self._close_pane()
        self._call(self.conversation.answer_plan(message.plan))
        self._refresh_soon()

    def on_pane_asked(self, message: Pane.Asked) -> None:
        """Put a small question in front of the pane."""
        self.push_screen(message.question, message.then)

    def on_pane_left(self, message: Pane.Left) -> None:
        """Back to the session; the question is offered again only on request."""
        self._questions.left.add(message.subject)
        self._close_pane()

    # a person's words and keys

    def on_composer_submitted(self, message: Composer.Submitted) -> None:
        """A task, or a command."""
        match parse_command(message.text):
            case Command() as command:
                self._run_command(command)
            case UnknownCommand() as unknown:
                self._tell("!", unknown.complaint, "warn")
            case None if self.conversation.is_running:
                self._session.restore(message.text)
                self._tell(*RUNNING)
            case None:
                self._call(self._start(message.text))

    async def _start(self, text: str) -> None:
        """Begin a task; text that the session does not take stands in the composer again."""
        try:
            await self.conversation.start(text)
        except HybridcodeError:
            self._session.restore(text)
            raise

    def on_composer_help_asked(self) -> None:
        """Show the keys."""
        self.action_help()

    def _run_command(self, command: Command) -> None:
        match command.name:
            case "help":
                self.action_help()
            case "review" | "plan":
                self.action_review()
            case "theme":
                self._choose_theme(command.argument or self._next_theme())
            case "resume" if self.conversation.is_running:
                self._tell(*RUNNING)
            case "resume":
                self._call(self.conversation.resume())
            case "clear":
                self._session.forget()
            case "quit":
                self.action_leave()

    def _next_theme(self) -> str:
        names = sorted(self._themes)
        return names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else DEFAULT_THEME

    def _choose_theme(self, name: str) -> None:
        if name in self.available_themes:
            self.theme = name
        else:
            self._tell("!", f"there is no theme {name}; there are {', '.join(sorted(self._themes))}", "warn")

    def action_review(self) -> None:
        """Open the oldest question, also one that was left before."""
        if self.screen is not self._session:
            return
        self._questions.left.clear()
        first = self._questions.fresh(self._facts.mode)
        if first is None:
            self._tell("·", "nothing waits for you", "quiet")
        else:
            self._open(first)

    def on_session_screen_interrupt(self) -> None:
        """Escape on the session screen."""
        if self.conversation.is_running:
            self._call(self.conversation.interrupt())

    def action_stop(self) -> None:
        """Interrupt what runs; the second time within two seconds quits."""
        now = self._clock()
        if now - self._stopped_at < QUIT_S:
            self.action_leave()
            return
        self._stopped_at = now
        if (pane := self._pane) is not None:
            self._questions.left.add(pane.subject)
            self._close_pane()
        if self.conversation.is_running:
            self._call(self.conversation.interrupt())
        self._tell("·", f"Ctrl+C again within {QUIT_S:.0f} s quits", "quiet")

    def action_leave(self) -> None:
        """Quit; the result says what still waits."""
        self.exit(farewell(self.state))

    def action_help(self) -> None:
        """All keys, from the bindings themselves."""
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(help_sections(self.BINDINGS)))

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except HybridcodeError as error:
                self._say(error)

        self.run_worker(guarded(), group="conversation")
