"""The app: carries facts from a Conversation to the screens and a person's answers back.

Invariant: holds no state beside the fold of envelopes: questions are with `Asking`, all the rest with `Desk`.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.message import Message

from hybridcode.domain.events import Envelope, ModeChanged, SessionOpened, TaskEnded, TaskGiven
from hybridcode.session.state import SessionState
from hybridcode.tui.applying import draw_with
from hybridcode.tui.archive import PickedElsewhere
from hybridcode.tui.asking import Asking
from hybridcode.tui.commands import COMMANDS
from hybridcode.tui.conversation import Conversation, live_pieces
from hybridcode.tui.desk import Desk
from hybridcode.tui.doing import own_source
from hybridcode.tui.few_colours import In256
from hybridcode.tui.keys_chosen import load_keys
from hybridcode.tui.leaving import Leaving
from hybridcode.tui.notices import Notices
from hybridcode.tui.paint import Colourless
from hybridcode.tui.retelling import forgets, told_again
from hybridcode.tui.rewinding import Rewinding
from hybridcode.tui.screens.pane import Pane
from hybridcode.tui.screens.session import SessionScreen
from hybridcode.tui.sight import Sight
from hybridcode.tui.story import entries
from hybridcode.tui.terminal import lasting
from hybridcode.tui.theme_files import ThemeFiles
from hybridcode.tui.views import open_view
from hybridcode.tui.wearing import LOOK_S, Wearing
from hybridcode.tui.widgets.composer import Composer
from hybridcode.tui.widgets.finder import take_late
from hybridcode.tui.widgets.plan_view import PlanView
from hybridcode.tui.writing import Writing

DRAIN_S = 1 / 20
"""Seconds between two looks at the live queue, and between two repaints of state."""
DEFAULT_THEME = "hybridcode-dark"


class HybridcodeApp(App[str]):
    """The terminal program. Its result is a sentence about what still waits, empty if nothing does."""

    @dataclass
    class Arrived(Message):
        """An envelope came from the session."""

        envelope: Envelope

    TITLE = "hybridcode"
    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = sorted(Path(__file__).parent.glob("*/*.tcss"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+y", "review", "review what waits", priority=True, id="app.review"),
        Binding("ctrl+c", "stop", "clear the text, or interrupt; twice quits", priority=True, id="app.stop"),
        Binding("ctrl+q", "leave", "quit, what waits is kept", priority=True, id="app.quit"),
        Binding("ctrl+z", "suspend_process", "suspend; `fg` continues", priority=True, id="app.suspend"),
        Binding("f1", "view('help')", "all keys", id="app.help"),
        Binding("f2", "view('context')", "what the models saw", priority=True, id="app.context"),
        Binding("f3", "view('cost')", "what it cost", priority=True, id="app.cost"),
        Binding("f4", "view('inbox')", "what waits, in all sessions", priority=True, id="app.inbox"),
        Binding("f5", "view('history')", "what was changed, and undoing it", priority=True, id="app.timeline"),
        Binding("f6", "view('sessions')", "all sessions of this repository", priority=True, id="app.sessions"),
        Binding("f7", "view('config')", "all settings", priority=True, id="app.settings"),
    ]

    def __init__(
        self,
        conversation: Conversation,
        *,
        prompt: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        theme_dirs: tuple[Path, ...] = (),
        keys_file: Path | None = None,
    ) -> None:
        self._wearing = Wearing(ThemeFiles(theme_dirs))
        is_colourless = "NO_COLOR" in os.environ
        super().__init__()
        if is_colourless:  # Textual takes the variable away and paints in grey; what we start must see it
            os.environ["NO_COLOR"] = "1"
            self._filters = [Colourless()]
        self.animation_level = "none"
        self.conversation = conversation
        self._wearing.register(self)
        self._start_in(conversation.facts.theme)
        sight, files = Sight(clock, self.send, self.set_timer), self._wearing.files
        self.desk = Desk(self, SessionScreen(conversation.facts, clock), conversation, clock, sight, files, keys_file)
        draw_with(self.desk, conversation.facts.is_ascii)
        self.asking = Asking(self.desk)
        self.writing = Writing(self.desk, self.asking)
        self.desk.on_switch = self._show_other
        self._rewinding = Rewinding(self.desk)
        self.leaving = Leaving(self.desk, self.asking)
        self.notices = Notices(self.desk, self.send)
        self.desk.on_settings = self.notices.show_title
        self._prompt = prompt
        self._unsubscribe: Callable[[], object] = lambda: None
        self._is_stale = False

    @property
    def state(self) -> SessionState:
        """The fold of everything that happened."""
        return self.desk.state

    def _start_in(self, theme: str) -> None:
        """Set the theme before the stylesheets are parsed, so that they are parsed once."""
        if theme in self.available_themes:
            self.set_reactive(HybridcodeApp.theme, theme)
            self.stylesheet.set_variables(self.get_css_variables())
            self.set_class(not self.current_theme.dark, "-light-mode")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our tokens, so that Textual's own themes work too."""
        default = self._wearing.files.themes.get(DEFAULT_THEME)
        return dict(default.variables) if default else {}

    async def on_mount(self) -> None:
        """The session screen, what happened before, and the timer for live text."""
        if not self.is_headless and self.console.color_system == "256" and not self.no_color:
            self._filters.append(In256(lambda: self.theme_variables))
        await self.push_screen(self.desk.session)
        composer = self.desk.session.composer
        composer.take_back, composer.commands = self.writing.take_back, COMMANDS
        composer.is_burst = self.desk.sight.is_burst
        self.desk.session.tell(told_again(self.conversation.envelopes, state=self.state, fold=self._fold))
        self._wearing.begin(self.desk)
        if self.desk.keys_file is not None and self.desk.keys_file.exists():
            self.desk.call(load_keys(self.desk, self.desk.keys_file))
        self._unsubscribe = self.conversation.subscribe(self._hear)
        self._refresh()
        self.notices.show_title()
        self.set_interval(DRAIN_S, self._drain)
        if self._wearing.files.has_folders:
            self.set_interval(LOOK_S, lambda: self._wearing.look(self.desk))
        self.desk.sight.when_seen(lambda at: None)
        if self._prompt:
            self.desk.call(self.writing.start(self._prompt))

    def on_unmount(self) -> None:
        """Stop listening."""
        self.notices.give_back_title()
        self._unsubscribe()

    def get_driver_class(self) -> type[Driver]:
        """Textual's, made to outlive its terminal."""
        return lasting(super().get_driver_class())

    def send(self, sequence: str) -> bool:
        """Write to the terminal behind everything painted so far; False where there is none."""
        if self._driver is None or self._driver.is_headless:
            return False
        self._driver.write(sequence)
        return True

    async def on_event(self, event: events.Event) -> None:
        """Note when a key was typed before anything is done with it."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            self.desk.sight.take_key(event)
            self.asking.pressed()
        await super().on_event(event)

    def on_key(self, event: events.Key) -> None:
        """What nobody took is a binding's, unless somebody searches by now."""
        take_late(self.focused, event)

    def on_cursor_position(self, event: events.CursorPosition) -> None:
        """The terminal has drawn what it was sent."""
        self.desk.sight.take_answer(event)

    def on_driver_signal_resume(self) -> None:
        """The program was suspended and is in front again."""
        self.asking.come_back()

    def on_app_focus(self) -> None:
        """The person looks at this terminal."""
        self.notices.has_focus = True
        self._wearing.look(self.desk)

    def on_app_blur(self) -> None:
        """The person looks elsewhere."""
        self.notices.has_focus = False

    # facts -> screen

    def _hear(self, envelope: Envelope) -> None:
        """Called from whatever thread the session works in."""
        self.post_message(self.Arrived(envelope))

    def on_hybridcode_app_arrived(self, message: Arrived) -> None:
        """Fold one more envelope."""
        if not self.desk.is_news(message.envelope):
            return
        self._take(message.envelope)
        if isinstance(message.envelope.event, SessionOpened | TaskEnded | ModeChanged):
            self.desk.take_facts()
        self.notices.hear(message.envelope.event)
        self.writing.hear(message.envelope.event)
        self._refresh_soon()

    def _refresh_soon(self) -> None:
        if not self._is_stale:
            self._is_stale = True
            self.set_timer(DRAIN_S, self._refresh)

    def _take(self, envelope: Envelope) -> None:
        self._fold(envelope)
        if forgets(envelope.event):
            self.desk.session.forget()
            self.desk.session.tell(told_again(self.desk.folded))
        else:
            self.desk.session.tell(entries(envelope.event, self.state))

    def _fold(self, envelope: Envelope) -> None:
        self.state.apply(envelope)
        self.asking.hear(envelope.event)
        if isinstance(envelope.event, TaskGiven):
            self.desk.session.recall(envelope.event.task.text)

    def _show_other(self) -> None:
        """Another session is open: forget this one and fold that."""
        self.desk.to_session()
        self.desk.session.forget()
        self.asking.forget()
        self.writing.forget()
        self.desk.session.tell(told_again(self.conversation.envelopes, state=self.state, fold=self._fold))
        self.desk.take_facts()
        self._refresh()

    def _drain(self) -> None:
        if not self.desk.may_wait() and (pieces := live_pieces(self.conversation)):
            self.desk.session.feed(pieces, own=own_source(self.state))

    def _refresh(self) -> None:
        self._is_stale = False
        self.asking.refresh()

    # answers

    def on_pane_decided(self, message: Pane.Decided) -> None:
        """A person decided a proposal."""
        self.asking.decided(message)

    def on_pane_plan_answered(self, message: Pane.PlanAnswered) -> None:
        """A person decided a plan."""
        self.asking.plan_answered(message)

    def on_pane_told(self, message: Pane.Told) -> None:
        """A person answered what the planner asked."""
        self.asking.told(message)

    def on_pane_asked(self, message: Pane.Asked) -> None:
        """Put a small question in front of the pane."""
        self.push_screen(message.question, message.then)

    def on_picked_elsewhere(self, message: PickedElsewhere) -> None:
        """A person wants to decide a proposal of whatever session."""
        self.asking.open_elsewhere(message.waiting)

    def on_pane_edited(self, message: Pane.Edited) -> None:
        """Let a person change a text in their editor."""
        self.asking.edit_outside(message)

    def on_pane_opened(self, message: Pane.Opened) -> None:
        """Show a file in a person's editor."""
        self.asking.open_in_editor(message)

    def on_pane_left(self, message: Pane.Left) -> None:
        """A person left without deciding."""
        self.asking.left(message.subject)

    # a person's words and keys

    def on_composer_emptied(self) -> None:
        """What text held back may be offered now."""
        self._refresh_soon()

    def on_composer_submitted(self, message: Composer.Submitted) -> None:
        """A task, or a command."""
        self.writing.submitted(message.text, is_burst=message.is_burst)

    def on_composer_steered(self, message: Composer.Steered) -> None:
        """A word to the task that runs."""
        self.writing.steer(message.text)

    def on_composer_entered_nothing(self) -> None:
        """What waits begins."""
        self.writing.entered_nothing()

    def on_composer_paths_asked(self) -> None:
        """Find what can be mentioned."""
        self.desk.call(self.writing.load_paths())

    def on_composer_history_asked(self) -> None:
        """Look for what was written before."""
        self.writing.search_history()

    def on_composer_edit_asked(self, message: Composer.EditAsked) -> None:
        """Let a person write in their own editor."""
        self.writing.edit_outside(message.text)

    def on_composer_help_asked(self) -> None:
        """Show the keys."""
        self.action_view("help")

    def on_session_screen_interrupt(self) -> None:
        """Escape on the session screen."""
        if not self.leaving.interrupt():
            self._rewinding.press()

    def on_plan_view_opened(self, message: PlanView.Opened) -> None:
        """Show what a step of the plan did."""
        open_view(self.desk, "step", message.step)

    def action_review(self) -> None:
        """Open the oldest question, also one that was left before."""
        self.asking.review()

    def action_next_mode(self) -> None:
        """The next permission mode."""
        self.desk.call(self.asking.switch_mode())

    def action_view(self, name: str) -> None:
        """Put a view in front, unless a small question stands there."""
        if not self.asking.is_covered:
            open_view(self.desk, name)

    def action_stop(self) -> None:
        """Put text aside or interrupt what runs; the second time within two seconds quits."""
        self.desk.session.after_typing(self._stop)

    def _stop(self) -> None:
        if self.leaving.stop():
            self.exit(self.leaving.farewell())

    def action_leave(self) -> None:
        """Quit; the result says what still waits."""
        if self.leaving.may_leave():
            self.exit(self.leaving.farewell())
