"""The session screen: plan, transcript, live text, composer, and the lines that say where things stand.

Invariant: shows a SessionState and nothing else; keys become messages.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.screen import Screen

from hybridcode.session.state import SessionState
from hybridcode.session.watchers import Piece
from hybridcode.tui.conversation import Facts
from hybridcode.tui.doing import doing_now, own_doing, step_words
from hybridcode.tui.entry import Entry
from hybridcode.tui.folding import KEY
from hybridcode.tui.key_names import keys_name, shown_keys
from hybridcode.tui.meter import meter_items, meter_of
from hybridcode.tui.modes import mode_badge
from hybridcode.tui.paint import Part, clip, clip_left, fit, width
from hybridcode.tui.screens.framed import Framed
from hybridcode.tui.welcome import welcome_parts
from hybridcode.tui.widgets.bars import Bar, Item, top_items, top_parts
from hybridcode.tui.widgets.composer import Composer
from hybridcode.tui.widgets.live import Live
from hybridcode.tui.widgets.painted import Painted
from hybridcode.tui.widgets.plan_view import PlanView
from hybridcode.tui.widgets.story import Story
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
        Binding("ctrl+t", "plan", "the plan, with arrows; Enter opens a step", key_display="Ctrl+T", id="session.plan"),
        Binding("pageup", "scroll(-1)", "transcript up", priority=True, id="session.page-up"),
        Binding("pagedown", "scroll(1)", "transcript down", priority=True, id="session.page-down"),
        Binding("ctrl+o", "unfold", "unfold or fold all long paragraphs", key_display="Ctrl+O", id="session.unfold"),
        Binding("ctrl+f", "find", "search the transcript", key_display="Ctrl+F", priority=True, id="session.find"),
        Binding("ctrl+up,alt+up", "read", "into the transcript: walk, fold, copy", id="session.read"),
    ]

    def __init__(self, facts: Facts, clock: Callable[[], float]) -> None:
        super().__init__(classes="-empty")
        self._facts = facts
        self._clock = clock
        self._meter: list[Item] = []
        self._remark = ""
        self.elsewhere = 0
        """How many approvals wait in other sessions."""

    def compose(self) -> ComposeResult:
        """Top line, body, composer, bottom line."""
        yield Bar("top", classes="-ruled")
        yield Painted(ident="welcome")
        with Horizontal(id="body"):
            yield PlanView()
            yield Story(self._clock)
        yield Bar("waiting")
        yield Bar("queued")
        yield Painted(ident="completion")
        yield Composer()
        yield Bar("bottom")

    def on_mount(self) -> None:
        """The composer has the focus from the start."""
        self.show_keys()
        self.show_facts(self._facts)
        self.query_one(Composer).focus()

    def on_screen_resume(self) -> None:
        """What was told while another screen was open ends in sight."""
        self.query_one(Transcript).catch_up()

    def on_resize(self, event: events.Resize) -> None:
        """Plan beside or above."""
        self.set_class(event.size.width < WIDE_CELLS, "-narrow")
        self.query_one(PlanView).is_above = event.size.width < WIDE_CELLS
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
                (column := _column(candidate.text, self.size.width - 6), "bold" if is_here else ""),
            ]
            room = self.size.width - 6 - width(column)
            parts.append((f" {clip(candidate.does, room) if room > 0 else ''}\n", "$quiet"))
        self.query_one("#completion", Painted).paint(*parts, ("Tab or Enter takes it  ↑↓ others  Esc none", "$quiet"))

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
        self.query_one("#welcome", Painted).paint(*welcome_parts(facts, self.size.height))
        self.query_one("#top", Bar).show(*left, items=items, badge=mode_badge(facts.mode))

    def tell(self, entries: Iterable[Entry]) -> None:
        """Add paragraphs to the transcript."""
        new = list(entries)
        if new:
            self.remove_class("-empty")
            self.query_one(Story).tell(new)

    def forget(self) -> None:
        """Empty the transcript on screen."""
        self.query_one(Story).forget()

    def remark(self, text: str, seconds: float) -> None:
        """Say something in the bottom line for a while."""
        self._remark = text
        self.query_one("#bottom", Bar).show((text, "$warning"))
        self.set_timer(seconds, self._end_remark)

    def _end_remark(self) -> None:
        self._remark = ""
        self._show_bottom()

    def _show_bottom(self) -> None:
        """What it used; while the plan has the focus, its keys."""
        bar = self.query_one("#bottom", Bar)
        if self._remark:
            return
        if self.query_one(PlanView).has_focus:
            bar.show(*(part for key, does in plan_keys() for part in ((key, "bold $accent"), (f" {does}  ", "$quiet"))))
        else:
            bar.show(items=self._meter)

    def feed(self, pieces: Sequence[Piece], *, own: str) -> None:
        """Take in live text; what the person's own command prints, whose id is `own`, stands apart."""
        self.query_one(Story).feed(pieces, own=own)

    def show(self, state: SessionState, *, waits: Sequence[str], is_running: bool) -> None:
        """Show plan, meter, live title and what waits, each kind in a few words."""
        task = state.task
        self.composer.show_work(is_running and task is not None and task.ended is None)
        waiting = list(waits)
        key = "Ctrl+Y" if waiting else "F4"
        if self.elsewhere:
            waiting.append(f"{self.elsewhere:,} waiting in other sessions")
        self.update_classes({"-planned": task is not None and bool(task.steps), "-waiting": bool(waiting)})
        plan = self.query_one(PlanView)
        plan.show(task, words=step_words(state))
        self._meter = meter_items(meter_of(state, price=self._facts.price, budget_usd=self._facts.budget_usd))
        self._show_bottom()
        self.query_one("#waiting", Bar).show(
            (f"? {', '.join(waiting)}  ", "bold $warning"), (key, "bold $accent"), (" reviews", "$quiet")
        )
        self._show_live(state)

    def show_keys(self) -> None:
        """Name the keys that hold now where the screen tells of them."""
        self.query_one(PlanView).key = keys_name(Framed.keymap.get("session.plan", "")) or "Ctrl+T"
        own = Framed.keymap.get("session.unfold", "").split(",")[0]
        self.query_one(Story).name_key(keys_name(own) if own else KEY)

    def _show_live(self, state: SessionState) -> None:
        self.set_class(own_doing(state) is not None, "-own")
        for name, doing in (("#live", doing_now(state)), ("#own", own_doing(state))):
            live = self.query_one(name, Live)
            if doing is None:
                live.end()
            elif live.doing != doing or not live.has_class("-on"):
                live.begin(doing)

    def on_plan_view_focused(self, message: PlanView.Focused) -> None:
        """Other keys matter now."""
        message.stop()
        self._show_bottom()

    def on_plan_view_left(self, message: PlanView.Left) -> None:
        """Write on."""
        message.stop()
        self.composer.focus()

    def action_plan(self) -> None:
        """To the plan, or back from it."""
        plan = self.query_one(PlanView)
        (self.composer if plan.has_focus or not self.has_class("-planned") else plan).focus()

    def action_interrupt(self) -> None:
        """Stop what runs."""
        self.post_message(self.Interrupt())

    def on_story_left(self, message: Story.Left) -> None:
        """The composer has the keys again."""
        message.stop()
        self.composer.focus()

    def on_story_said(self, message: Story.Said) -> None:
        """Say what was copied or not found."""
        message.stop()
        self.remark(message.text, 3.0)

    def action_unfold(self) -> None:
        """Show long paragraphs in full, or fold them."""
        self.query_one(Story).unfold_all()

    def action_find(self) -> None:
        """Search the transcript."""
        if not self.has_class("-empty"):
            self.query_one(Story).find()

    def action_read(self) -> None:
        """Give the keys to the transcript."""
        self.query_one(Story).enter()

    def action_scroll(self, pages: int) -> None:
        """Move the transcript by a page."""
        transcript = self.query_one(Transcript)
        move = transcript.scroll_page_up if pages < 0 else transcript.scroll_page_down
        move(animate=False)


def plan_keys() -> Iterator[tuple[str, str]]:
    """Keys of the plan and what they do, in a word or two."""
    for binding in PlanView.BINDINGS:
        if isinstance(binding, Binding) and (does := _PLAN_WORDS.get(binding.id or "")):
            yield shown_keys(binding, Framed.keymap), does


_PLAN_WORDS = {
    "steps.down": "step",
    "steps.open": "what it did",
    "steps.figures": "figures",
    "steps.back": "back",
}


def _column(text: str, most: int) -> str:
    """A candidate, padded so that what it does stands in a column; a long one keeps its end."""
    return fit(text, _COMMAND_CELLS) if width(text) <= _COMMAND_CELLS else clip_left(text, max(most, 12))
