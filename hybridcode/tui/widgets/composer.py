"""Where a person writes: Enter sends, Alt+Enter or Ctrl+J breaks the line, up and down walk the history.

Invariant: text leaves only through Submitted; a paste is text and never a key, and holds no control characters.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from hybridcode.tui.completing import Completion, complete, is_mention
from hybridcode.tui.pasting import Pastes
from hybridcode.tui.visible import visible
from hybridcode.tui.widgets.text_box import TextBox

AT_WORK = "What should be done?   Enter queues it  Ctrl+S steers"
"""What stands in the empty composer while a task runs."""


class Composer(TextBox):
    """A text area that sends."""

    @dataclass
    class Submitted(Message):
        """A person pressed Enter on some text."""

        text: str
        is_burst: bool = False
        """Enter came together with what stands before it, faster than anybody types."""

    @dataclass
    class Steered(Message):
        """A person says this to the task that runs; the text is still there."""

        text: str

    class Emptied(Message):
        """Nothing but blanks is left of what was written."""

    class HelpAsked(Message):
        """A person pressed ? on an empty composer."""

    class HistoryAsked(Message):
        """A person looks for what they wrote before."""

    @dataclass
    class Completing(Message):
        """Other candidates for the word under the cursor; None for none."""

        completion: Completion | None

    class PathsAsked(Message):
        """A path is being written, and the paths there are have not been loaded."""

    class EnteredNothing(Message):
        """A person pressed Enter on an empty composer."""

    @dataclass
    class EditAsked(Message):
        """A person wants this text in their own editor."""

        text: str

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "send", priority=True, id="composer.send"),
        Binding(
            "alt+enter,ctrl+j,shift+enter", "newline", "new line", key_display="Alt+Enter, ^J", id="composer.newline"
        ),
        Binding("ctrl+s", "steer", "say it to the task that runs", key_display="Ctrl+S", id="composer.steer"),
        Binding("ctrl+r", "history", "what was written before", key_display="Ctrl+R", id="composer.history"),
        Binding("ctrl+g", "edit_outside", "write in $EDITOR", key_display="Ctrl+G", id="composer.editor"),
        Binding("ctrl+d", "leave", "quit, with nothing written", key_display="Ctrl+D", id="composer.quit"),
        Binding("ctrl+u", "empty", "clear the text", key_display="Ctrl+U", id="composer.clear"),
    ]

    def __init__(self) -> None:
        super().__init__(
            "",
            soft_wrap=True,
            show_line_numbers=False,
            tab_behavior="focus",
            highlight_cursor_line=False,
            placeholder=visible("What should be done?   @file  /command  !shell  ? help"),
        )
        self.sent: list[str] = []
        self._pastes = Pastes()
        self.commands: Mapping[str, str] = {}
        """Names of slash commands and what they do."""
        self.paths: Sequence[str] | None = None
        """Files and folders that can be mentioned; None until they are loaded."""
        self.completion: Completion | None = None
        self.take_back: Callable[[], str] = str
        """Gives back the text that was queued last; empty if nothing is queued."""
        self.is_burst: Callable[[], bool] = bool
        """True when the last two keys came faster than anybody types."""
        self._at_rest = self.placeholder
        self._put_back = ""
        """A text that was put back as it stands: no list opens over it before it is changed."""
        self._completed: str | None = ""
        """The text for which candidates were looked up last."""
        self._place = 0
        self._unsent = ""

    def on_mount(self) -> None:
        """Nothing on the screen blinks."""
        self.cursor_blink = False

    async def _on_key(self, event: events.Key) -> None:
        """A question mark on an empty composer asks for help; everything else is text."""
        if event.character == "?" and not self.text:
            event.prevent_default()
            event.stop()
            self.post_message(self.HelpAsked())
            return
        if event.key in ("tab", "up", "down", "escape"):
            self._catch_up()
        if self.completion is not None and event.key in ("tab", "up", "down", "escape"):
            event.prevent_default()
            event.stop()
            self._use_completion(self.completion, event.key)

    def _use_completion(self, completion: Completion, key: str) -> None:
        match key:
            case "tab":
                self._take(completion)
            case "escape":
                self._show_completion(None)
            case _:
                self._show_completion(completion.moved(1 if key == "down" else -1))

    def _take(self, completion: Completion) -> None:
        """Put the marked candidate in place of the word."""
        row, column = self.cursor_location
        self.replace(completion.chosen, (row, completion.start), (row, column), maintain_selection_offset=False)

    def _catch_up(self) -> None:
        """Know the candidates of the text as it stands: that it changed is told only behind keys of the same burst."""
        if self.text != self._completed:
            self._complete()

    def _complete(self) -> None:
        """Look for what the word before the cursor may become."""
        self._completed = self.text
        if self.text == self._put_back:
            self._show_completion(None)
            return
        self._put_back = ""
        row, column = self.cursor_location
        line = self.document.get_line(row)[:column]
        if self.paths is None and is_mention(line):
            self.post_message(self.PathsAsked())
        is_first = row == 0 and self.document.line_count == 1
        found = complete(line, is_first=is_first, commands=self.commands, paths=self.paths or ())
        self._show_completion(found)

    def take_paths(self, paths: Sequence[str]) -> None:
        """These can be mentioned."""
        self.paths = paths
        self._complete()

    def _show_completion(self, completion: Completion | None) -> None:
        if completion != self.completion:
            self.completion = completion
            self.post_message(self.Completing(completion))

    def action_submit(self) -> None:
        """Send the text, once every key that was typed before is in it: this one overtakes them as a priority key."""
        self.call_later(self._submit, self.is_burst())

    def _submit(self, is_burst: bool) -> None:
        """Send the text, if there is any, and remember it; with a list open and half a word, take the marked one."""
        self._catch_up()
        row, column = self.cursor_location
        if self.completion is not None and self.completion.is_half(self.document.get_line(row)[:column]):
            self._take(self.completion)
            return
        text = self._pastes.unfold(self.text).strip()
        if not text:
            self.post_message(self.EnteredNothing())
            return
        self.remember(text)
        self.text = ""
        self.post_message(self.Submitted(text, is_burst))

    def action_steer(self) -> None:
        """Say the text to the task that runs."""
        self.post_message(self.Steered(self._pastes.unfold(self.text).strip()))

    def show_work(self, is_running: bool) -> None:
        """Say what becomes of a text now."""
        self.placeholder = visible(AT_WORK) if is_running else self._at_rest

    def put_back(self, text: str) -> None:
        """This was not taken: it stands here again, and the next Enter sends it."""
        self._put_back, self._completed = text, None
        self.text = text
        self.move_cursor(self.document.end)

    def sent_aside(self, text: str) -> None:
        """A text has gone elsewhere: it leaves the composer, unless more was written meanwhile."""
        self.remember(text)
        if self._pastes.unfold(self.text).strip() == text:
            self.text = ""

    def remember(self, text: str) -> None:
        """Put a text at the end of the history, once."""
        if not self.sent or self.sent[-1] != text:
            self.sent.append(text)
        self._place, self._unsent = len(self.sent), ""

    def on_text_area_changed(self, event: TextBox.Changed) -> None:
        """Say when nothing is left."""
        event.stop()
        self._catch_up()
        if not self.text.strip():
            self.post_message(self.Emptied())

    def action_history(self) -> None:
        """Look for what was written before."""
        self.post_message(self.HistoryAsked())

    def load(self, texts: Sequence[str]) -> None:
        """Take in what was written at earlier starts."""
        self.sent[:0] = texts
        self._place += len(texts)

    def action_edit_outside(self) -> None:
        """Ask for the editor; folded pastes are unfolded there."""
        self.post_message(self.EditAsked(self._pastes.unfold(self.text)))

    def action_newline(self) -> None:
        """Break the line."""
        self.insert("\n")

    async def action_leave(self) -> None:
        """Quit; with text, delete the character under the cursor."""
        if self.text:
            self.action_delete_right()
        else:
            await self.run_action("app.leave")

    def action_empty(self) -> None:
        """Take the unsent text away; it can be undone."""
        self.clear()

    def action_delete_left(self) -> None:
        """Delete the character before the cursor, a folded paste as one."""
        row, column = self.cursor_location
        folded = self._pastes.before(self.document.get_line(row), column)
        if folded and self.selection.is_empty:
            self.delete((row, column - folded), (row, column), maintain_selection_offset=False)
        else:
            super().action_delete_left()

    def action_delete_right(self) -> None:
        """Delete the character after the cursor, a folded paste as one."""
        row, column = self.cursor_location
        folded = self._pastes.after(self.document.get_line(row), column)
        if folded and self.selection.is_empty:
            self.delete((row, column), (row, column + folded), maintain_selection_offset=False)
        else:
            super().action_delete_right()

    def action_cursor_up(self, select: bool = False) -> None:
        """One line up, or one text back in the history from the first line; what is queued comes back first."""
        if not select and not self.text and (queued := self.take_back()):
            self.text = queued
            self.move_cursor(self.document.end)
        elif select or self.cursor_location[0] > 0 or not self._walk(-1):
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        """One line down, or one text forward in the history from the last line."""
        if select or self.cursor_location[0] < self.document.line_count - 1 or not self._walk(1):
            super().action_cursor_down(select)

    def _walk(self, step: int) -> bool:
        place = self._place + step
        if not 0 <= place <= len(self.sent):
            return False
        if self._place == len(self.sent):
            self._unsent = self.text
        self._place = place
        self.text = self._unsent if place == len(self.sent) else self.sent[place]
        self.move_cursor(self.document.end)
        return True

    async def _on_paste(self, event: events.Paste) -> None:
        """Pasted text is inserted as text, with control characters spelled out; a long one as its token."""
        event.prevent_default()
        event.stop()
        lines = event.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self.insert(self._pastes.fold("\n".join(visible(line.expandtabs(4)) for line in lines)))
