"""The session screen: plan, transcript, live text, composer, and the lines that say where things stand.

Invariant: shows a SessionState and nothing else; keys become messages.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen

from hybridcode.session.state import SessionState
from hybridcode.session.watchers import Piece
from hybridcode.tui.amounts import plural
from hybridcode.tui.conversation import Facts
from hybridcode.tui.doing import doing_now, step_words
from hybridcode.tui.meter import meter_items, meter_of
from hybridcode.tui.modes import mode_badge
from hybridcode.tui.paint import Part, clip, clip_left, fit, width
from hybridcode.tui.story import Entry
from hybridcode.tui.welcome import welcome_parts
from hybridcode.tui.widgets.bars import Bar, Item, top_items, top_parts
from hybridcode.tui.widgets.composer import Composer
from hybridcode.tui.widgets.live import Live
from hybridcode.tui.widgets.painted import Painted
from hybridcode.tui.widgets.plan_view import PlanView
from hybridcode.tui.widgets.transcript import Transcript

_COMMAND_CELLS = 14
WIDE_CELLS = 90
"""Columns from which the plan stands beside the transcript instead of above it."""


class SessionScreen(Screen[None]):
    """Where a person talks to the session."""

    @dataclass
    class Interrupt(Message):
        """A person wants what runs to stop."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "interrupt", "interrupt what runs", id="session.interrupt"),
        Binding(
            "shift+tab",
            "app.next_mode",
            "next mode: asks, accepts edits, plan only",
            key_display="Shift+Tab",
            priority=True,
            id="session.mode",
        ),
        Binding("pageup", "scroll(-1)", "transcript up", priority=True, id="session.page-up"),
        Binding("pagedown", "scroll(1)", "transcript down", priority=True, id="session.page-down"),
    ]

    def __init__(self, facts: Facts, clock: Callable[[], float]) -> None:
        super().__init__()
        self._facts = facts
        self._clock = clock
        self._meter: list[Item] = []
        self._remark = ""
        self.elsewhere = 0
        """How many approvals wait in other sessions."""

    def compose(self) -> ComposeResult:
        """Top line, body, composer, bottom line."""
        yield Bar("top", classes="-ruled")
        yield Painted(*welcome_parts(self._facts), ident="welcome")
        with Horizontal(id="body"):
            yield PlanView()
            with Vertical(id="story"):
                yield Transcript()
                yield Live(self._clock)
        yield Bar("waiting")
        yield Bar("queued")
        yield Painted(ident="completion")
        yield Composer()
        yield Bar("bottom")

    def on_mount(self) -> None:
        """The composer has the focus from the start."""
        self.add_class("-empty")
        self.show_facts(self._facts)
        self.query_one(Composer).focus()

    def on_screen_resume(self) -> None:
        """What was told while another screen was open ends in sight."""
        self.query_one(Transcript).catch_up()

    def on_resize(self, event: events.Resize) -> None:
        """Plan beside or above."""
        self.set_class(event.size.width < WIDE_CELLS, "-narrow")
        self.show_facts(self._facts)

    @property
    def composer(self) -> Composer:
        """Where a person writes."""
        return self.query_one(Composer)

    def on_composer_completing(self, message: Composer.Completing) -> None:
        """Show what the word may become, the chosen one marked."""
        message.stop()
        completion = message.completion
        self.set_class(completion is not None, "-completing")
        parts: list[Part | str] = []
        for number, candidate in enumerate(completion.candidates if completion is not None else ()):
            is_here = completion is not None and number == completion.at
            parts += [
                ("▌" if is_here else " ", "$accent"),
                (_column(candidate.text, self.size.width - 6), "bold" if is_here else ""),
            ]
            parts.append((f" {candidate.does}\n", "$quiet"))
        self.query_one("#completion", Painted).paint(*parts, ("Tab takes it  ↑↓ others  Esc none", "$quiet"))

    def show_queue(self, texts: Sequence[str]) -> None:
        """Show the tasks that wait for their turn."""
        self.set_class(bool(texts), "-queued")
        first = texts[0].split("\n")[0] if texts else ""
        more = f" and {len(texts) - 1} more" if len(texts) > 1 else ""
        room = max(self.size.width - 34, 12)
        self.query_one("#queued", Bar).show(
            (f"queued {len(texts)}: ", "bold $accent"),
            (clip(first, room), ""),
            (more, "$quiet"),
            ("  ↑ takes back", "$quiet"),
        )

    @property
    def unsent(self) -> str:
        """What the composer holds."""
        return self.query_one(Composer).text if self.is_mounted else ""

    def restore(self, text: str) -> None:
        """Put text back that could not be sent."""
        composer = self.query_one(Composer)
        composer.text = text
        composer.move_cursor(composer.document.end)

    def put_text_aside(self) -> bool:
        """Empty the composer, what it held stays in its history; False if it held nothing."""
        composer = self.query_one(Composer)
        if not composer.text.strip():
            return False
        composer.remember(composer.text.strip())
        composer.text = ""
        return True

    def after_typing(self, act: Callable[[], object]) -> None:
        """Do something once the composer has taken in every key that was typed before."""
        self.query_one(Composer).call_later(act)

    def recall(self, text: str) -> None:
        """Put a task of this session into the history of the composer."""
        self.query_one(Composer).remember(text)

    def show_facts(self, facts: Facts) -> None:
        """Show mode, models and folder."""
        self._facts = facts
        left, items = top_parts(facts, self.size.width), top_items(facts, self.size.width)
        self.query_one("#top", Bar).show(*left, items=items, badge=mode_badge(facts.mode))

    def tell(self, entries: Iterable[Entry]) -> None:
        """Add paragraphs to the transcript."""
        new = list(entries)
        if new:
            self.remove_class("-empty")
            self.query_one(Transcript).add(new)

    def forget(self) -> None:
        """Empty the transcript on screen."""
        self.query_one(Transcript).clear()

    def remark(self, text: str, seconds: float) -> None:
        """Say something in the bottom line for a while."""
        self._remark = text
        self.query_one("#bottom", Bar).show((text, "$warning"))
        self.set_timer(seconds, self._end_remark)

    def _end_remark(self) -> None:
        self._remark = ""
        self.query_one("#bottom", Bar).show(items=self._meter)

    def feed(self, pieces: Iterable[Piece]) -> None:
        """Take in live text."""
        self.query_one(Live).feed(pieces)

    def show(self, state: SessionState, *, approvals: int, is_plan_waiting: bool) -> None:
        """Show plan, meter, live title and what waits: so many proposals, and perhaps the plan."""
        task = state.task
        self.set_class(task is not None and bool(task.steps), "-planned")
        self.query_one(PlanView).show(task, words=step_words(state))
        self._meter = meter_items(meter_of(state))
        if not self._remark:
            self.query_one("#bottom", Bar).show(items=self._meter)
        waiting = ["the plan waits for you"] if is_plan_waiting else []
        if approvals:
            waiting.append(f"{plural(approvals, 'approval')} {'waits' if approvals == 1 else 'wait'} for you")
        key = "Ctrl+Y" if waiting else "F4"
        if self.elsewhere:
            waiting.append(f"{plural(self.elsewhere, 'approval')} in other sessions")
        self.set_class(bool(waiting), "-waiting")
        self.query_one("#waiting", Bar).show(
            (f"? {', '.join(waiting)}  ", "bold $warning"), (key, "bold $accent"), (" reviews", "$quiet")
        )
        self._show_live(state)

    def _show_live(self, state: SessionState) -> None:
        live = self.query_one(Live)
        doing = doing_now(state)
        if doing is None:
            live.end()
        elif live.doing != doing or not live.has_class("-on"):
            live.begin(doing)

    def action_interrupt(self) -> None:
        """Stop what runs."""
        self.post_message(self.Interrupt())

    def action_scroll(self, pages: int) -> None:
        """Move the transcript by a page."""
        transcript = self.query_one(Transcript)
        move = transcript.scroll_page_up if pages < 0 else transcript.scroll_page_down
        move(animate=False)


def _column(text: str, most: int) -> str:
    """A candidate, padded so that what it does stands in a column; a long one keeps its end."""
    return fit(text, _COMMAND_CELLS) if width(text) <= _COMMAND_CELLS else clip_left(text, max(most, 12))
