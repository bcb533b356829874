"""The plan beside the transcript or above it: every step, who writes it, where it stands, why, and what it used.

Invariant: nothing is cut without a count; only rows in sight are painted; opening a step decides nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from hybridcode.session.task_view import TaskView
from hybridcode.tui.paint import segment
from hybridcode.tui.plan_text import PlanRow, active_step, folded, plan_rows

_TONES = ("accent", "quiet", "success", "warning", "error", "plain")
_SHARE, _FEWEST = 35, 3
"""Percent of the rows that a plan above the transcript takes at most (its max-height), and rows it may always take."""


class PlanView(ScrollView, can_focus=True):
    """The steps of the latest task. Enter or a click opens what is known about one."""

    @dataclass
    class Opened(Message):
        """A person wants to see what a step did."""

        step: str

    class Left(Message):
        """A person goes back to writing."""

    class Focused(Message):
        """It got the focus, or lost it."""

    FOCUS_ON_CLICK = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"plan--{tone}" for tone in _TONES}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "next step", key_display="↓, j", id="steps.down"),
        Binding("up,k", "move(-1)", "previous step", key_display="↑, k", id="steps.up"),
        Binding("enter", "open", "what the step did and saw", id="steps.open"),
        Binding("f", "figures", "figures of every step, and off again", id="steps.figures"),
        Binding("escape", "leave", "back to writing", id="steps.back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._shown: TaskView | None = None
        self._words: Mapping[str, str] = {}
        self._rows: Sequence[PlanRow] = ()
        self._styles: dict[str, Style] = {}
        self._at = ""
        """Id of the step that the cursor stands on."""
        self._active = ""
        self._has_figures = False
        self.is_above = False
        """True where it stands above the transcript and has few rows."""
        self.key = "Ctrl+T"
        """What brings the focus here."""

    def show(self, task: TaskView | None, *, words: Mapping[str, str]) -> None:
        """Show a task as it is now; `words` say what the steps they name do instead of their status."""
        self._shown, self._words = task, words
        self._lay_out()

    def on_resize(self, event: events.Resize) -> None:
        """Wrap to the new width."""
        self._lay_out()

    def watch_has_focus(self, _has_focus: bool) -> None:
        """With the focus all rows, and the cursor where the work is; without it few rows again."""
        super().watch_has_focus(_has_focus)
        task = self._shown
        if _has_focus and task is not None and self._at not in task.steps:
            self._at = active_step(task) or next(iter(task.steps), "")
        self._lay_out()
        if _has_focus:
            self._reveal(self._at)
        else:
            self._reveal(self._active, before=1)
        self.post_message(self.Focused())

    def _lay_out(self) -> None:
        cells = self.scrollable_content_region.width - 2
        task = self._shown
        if task is None or cells < 8:
            return
        shown = set(task.steps) if self._has_figures else {self._at} if self.has_focus else set[str]()
        rows = plan_rows(task, cells, words=self._words, unfolded=shown)
        active = active_step(task)
        if self.is_above and not self.has_focus:
            rows = folded(rows, self._room, at=active, key=self.key)
        if rows == self._rows:
            return
        self._rows = rows
        self.virtual_size = Size(1, len(rows))
        self.refresh()
        if active != self._active:
            self._active = active
            if not self.has_focus:
                self._reveal(active, before=1)

    @property
    def _room(self) -> int:
        """Rows without its border, where it stands above the transcript."""
        whole = self.parent.size.height if isinstance(self.parent, Widget) else self.size.height
        return max(whole * _SHARE // 100 - 1, _FEWEST)

    def _reveal(self, step: str, *, before: int = 0) -> None:
        """Scroll a step into sight, with so many steps before it."""
        names = list(dict.fromkeys(row.step for row in self._rows if row.step))
        first = max(names.index(step) - before, 0) if step in names else 0
        places = [place for place, row in enumerate(self._rows) if row.step in (step, *names[first : first + 1])]
        top = places[0] if first and places else 0
        y, height = round(self.scroll_y), max(self.size.height, 1)
        if before or top < y or (places and places[-1] >= y + height):
            self.call_after_refresh(self.scroll_to, y=top, animate=False)

    def action_move(self, by: int) -> None:
        """Another step."""
        names = list(self._shown.steps) if self._shown is not None else []
        if names:
            place = names.index(self._at) if self._at in names else 0
            self._at = names[min(max(place + by, 0), len(names) - 1)]
            self._lay_out()
            self.refresh()
            self._reveal(self._at)

    def action_open(self) -> None:
        """Show what the step under the cursor did."""
        if self._at:
            self.post_message(self.Opened(self._at))

    def action_figures(self) -> None:
        """Show the figures of every step, or only where they matter."""
        self._has_figures = not self._has_figures
        self._lay_out()
        self._reveal(self._at)

    def action_leave(self) -> None:
        """Give the focus back."""
        self.post_message(self.Left())

    def on_click(self, event: events.Click) -> None:
        """Show what the step that was clicked did."""
        if step := self.step_at(event.y):
            self.post_message(self.Opened(step))

    def step_at(self, y: int) -> str:
        """Id of the step that stands in a row on screen; empty if none does."""
        place = y + round(self.scroll_y)
        return self._rows[place].step if 0 <= place < len(self._rows) else ""

    def notify_style_update(self) -> None:
        """Drop the styles made with the old colours."""
        super().notify_style_update()
        self._styles.clear()

    def _style(self, name: str) -> Style:
        """The style of a part: `bold`, `$quiet`, `bold $accent`, or empty."""
        style = self._styles.get(name)
        if style is None:
            tone = next((tone for tone in _TONES if f"${tone}" in name), "plain")
            style = self.get_component_rich_style(f"plan--{tone}")
            style = self._styles[name] = style + Style(bold=True) if "bold" in name else style
        return style

    def render_line(self, y: int) -> Strip:
        """The strip of one visible line."""
        place, cells = y + round(self.scroll_y), self.size.width
        plain = self._style("")
        if place >= len(self._rows):
            return Strip.blank(cells, plain)
        row = self._rows[place]
        is_here = self.has_focus and bool(row.step) and row.step == self._at
        lead = segment("▌" if is_here else " ", self._style("$accent"))
        return Strip([lead, *(segment(text, self._style(style)) for text, style in row.parts)]).crop_extend(
            0, cells, plain
        )
