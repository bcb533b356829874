"""What happened, and the keys to read it: a cursor over paragraphs, folding, matches, copying.

Invariant: nothing here decides or writes anything; a letter that means nothing here does nothing.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol, cast

from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message

from hybridcode.tui.amounts import size
from hybridcode.tui.entry import Entry
from hybridcode.tui.markdown import code_blocks
from hybridcode.tui.seeking import Match, row_of
from hybridcode.tui.stack import Place
from hybridcode.tui.widgets.paragraphs import Paragraphs


class _InProgram(Protocol):
    @property
    def app(self) -> App[str]: ...


class Transcript(Paragraphs, can_focus=True):
    """Completed paragraphs. What is still being written stands in a Live widget below."""

    @dataclass
    class Said(Message):
        """Something to tell a person for a moment."""

        text: str

    class Left(Message):
        """The keys go back to where a person writes."""

    class FindAsked(Message):
        """A person wants to look for words."""

    @dataclass
    class NextAsked(Message):
        """A person wants another match: 1 down, -1 up."""

        step: int

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "paragraph before", id="story.up"),
        Binding("down,j", "move(1)", "next paragraph", id="story.down"),
        Binding("home,g", "jump(0)", "to the beginning", id="story.first"),
        Binding("end,G", "jump(-1)", "to the end, and follow it", id="story.last"),
        Binding("enter,space", "fold", "unfold or fold this paragraph", id="story.fold"),
        Binding("c", "copy", "copy what is selected, or this paragraph as it was written", id="story.copy"),
        Binding("C", "copy_code", "copy the program text in it, the next one each time", id="story.copy-code"),
        Binding("slash", "find", "search the transcript", key_display="/", id="story.find"),
        Binding("n", "next(1)", "next match", id="story.next"),
        Binding("N", "next(-1)", "match before", id="story.previous"),
        Binding("escape", "leave", "back to writing", id="story.leave"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._copied = (-1, 0)
        """The paragraph whose program text was copied last, and how many pieces of it."""

    @property
    def place(self) -> tuple[bool, Place | None]:
        """Whether the end is followed, and what stands in the first row in sight."""
        return self.is_following, self.stack.place(self.scroll_offset.y)

    def go_back(self, place: tuple[bool, Place | None]) -> None:
        """Show again what was in sight."""
        self.match = None
        self.is_following, first = place
        if first is not None and not self.is_following:
            self.stay(self.stack.top(first.entry) + first.row)
        self.settle()

    def show_match(self, match: Match | None) -> None:
        """Put the cursor on an occurrence and bring it into sight, out of its fold."""
        self.match = None
        if match is not None:
            if self.stack.hidden(match.entry):
                self.stack.unfold(match.entry, is_open=True)
            row = row_of(self.stack.laid(match.entry).rows, self.words, match.nth)
            self.at, self.match = match.entry, Place(match.entry, row)
            line = self.stack.top(match.entry) + row
            self.know_height()
            if not self.scroll_offset.y <= line < self.scroll_offset.y + self.size.height:
                self.is_following = False
                self.scroll_to(y=max(line - self.size.height // 2, 0), animate=False, force=True, immediate=True)
        self.refresh()

    def on_focus(self) -> None:
        """The cursor stands on what is in sight."""
        first, last = self.scroll_offset.y, self.scroll_offset.y + self.size.height - 1
        if self.at < 0 or not first <= self.stack.top(self.at) <= last:
            seen = self.stack.place(min(last, self.stack.height - 1))
            self.at = seen.entry if seen is not None else -1
        self.refresh()

    def action_move(self, step: int) -> None:
        """To the next paragraph; through one that is longer than the screen by pages."""
        top, height = self.scroll_offset.y, max(self.size.height, 1)
        if 0 <= self.at < len(self.stack.entries):
            first, end = self.stack.top(self.at), self.stack.end(self.at)
            beyond = end > top + height if step > 0 else first < top
            if beyond and first < top + height and end > top:
                self.scroll_to(y=top + step * (height - 1), animate=False, force=True, immediate=True)
                return
        number = self.at + step
        while 0 <= number < len(self.stack.entries) and not self.stack.entries[number].text:
            number += step
        if 0 <= number < len(self.stack.entries):
            self._put(number, is_end=step < 0)
        elif step > 0:
            self.action_jump(-1)

    def action_jump(self, number: int) -> None:
        """To the first or last paragraph."""
        if self.stack.entries:
            self._put(number % len(self.stack.entries), is_end=number < 0)

    def _put(self, number: int, *, is_end: bool) -> None:
        """Put the cursor on a paragraph and bring it into sight, its end where it is too long."""
        self.at, self.match = number, None
        rows = len(self.stack.laid(number).rows)
        self.know_height()
        first, top, height = self.stack.top(number), self.scroll_offset.y, max(self.size.height, 1)
        if first < top or first + rows > top + height:
            above = first < top and not (is_end and rows > height)
            y = first if above or (rows > height and not is_end) else first + rows - height
            self.scroll_to(y=max(y, 0), animate=False, force=True, immediate=True)
        if number == len(self.stack.entries) - 1 and (is_end or rows <= height):
            self.is_following = True
            self.catch_up()
        elif self.scroll_offset.y + height < self.stack.height:
            self.is_following = False
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor."""
        place = self.stack.place(event.y + self.scroll_offset.y)
        if place is not None:
            self.at = place.entry
            self.refresh()

    def action_fold(self) -> None:
        """Show the paragraph in full, or fold it."""
        if self._here is None or not self.stack.hidden(self.at):
            self.post_message(self.Said("this paragraph stands here in full"))
            return
        self.hold(lambda: self.stack.unfold(self.at, is_open=not self.stack.is_unfolded(self.at)))

    def action_find(self) -> None:
        """Type what to look for."""
        self.post_message(self.FindAsked())

    def action_next(self, step: int) -> None:
        """Another match."""
        self.post_message(self.NextAsked(step))

    def action_leave(self) -> None:
        """Give the keys back."""
        self.post_message(self.Left())

    @property
    def _here(self) -> Entry | None:
        return self.stack.entries[self.at] if 0 <= self.at < len(self.stack.entries) else None

    def action_copy(self) -> None:
        """Hand what the mouse has selected, or else the paragraph, to the clipboard."""
        text = self.screen.get_selected_text() or ""
        if not text and self._here is not None:
            text = self._here.text
        self._copy(text, "")

    def action_copy_code(self) -> None:
        """Hand the program text of the paragraph to the clipboard."""
        entry = self._here
        blocks = code_blocks(entry.text) if entry is not None and entry.form == "markdown" else []
        if not blocks:
            self.post_message(self.Said("no program text in this paragraph"))
            return
        number = self._copied[1] % len(blocks) if self._copied[0] == self.at else 0
        self._copied = (self.at, number + 1)
        self._copy(blocks[number], f" {number + 1} of {len(blocks)}" if len(blocks) > 1 else "")

    def _copy(self, text: str, which: str) -> None:
        if text:
            cast(_InProgram, self).app.copy_to_clipboard(text)
            self.post_message(self.Said(f"copied{which}, {size(len(text.encode('utf-8', 'replace')))}"))
