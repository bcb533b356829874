"""Paragraphs one below the other: laid out, folded and painted as far as they are in sight.

Invariant: only rows in sight are laid out and painted; the end is followed only while it is in sight; where a person
reads stands still, whatever comes, folds or is measured elsewhere.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.geometry import Offset, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from hybridcode.tui.entry import Entry
from hybridcode.tui.highlight import Lexer, find_language, pieces
from hybridcode.tui.paint import fit, segment
from hybridcode.tui.seeking import ranges_of
from hybridcode.tui.stack import Place, Stack
from hybridcode.tui.styled import Row, Run, Runs, relook
from hybridcode.tui.visible import unmarked

LABEL_CELLS = 11
"""Cells of the margin that holds labels."""
MEASURED_AFTER_S = 0.05
"""Seconds after which heights out of sight are looked at."""
SLICE_S = 0.004
"""Seconds at a time in which heights out of sight are made certain."""

_TONES = ("plain", "strong", "quiet", "good", "bad", "warn", "code")
_LOOKS = ("bold", "italic", "struck", "link", "inline", "heading", "mark", "find", "here", "selected")
_WORDS = ("keyword", "string", "number", "comment", "name")


class Paragraphs(ScrollView):
    """A column of paragraphs with labels in its margin."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"story--{name}" for name in (*_TONES, *_LOOKS, *_WORDS, "label")}

    def __init__(self) -> None:
        super().__init__()
        self.stack = Stack()
        self.words = ""
        """What is searched for, in small letters."""
        self.at = -1
        """The paragraph under the cursor; -1: none yet."""
        self.match: Place | None = None
        """Where the match is that a person went to."""
        self.is_following = True
        """Until somebody scrolls up, and again from the end on; scrolling itself happens later, after a refresh."""
        self._styles: dict[tuple[str, str], Style] = {}
        self._lexers: dict[str, Lexer | None] = {}
        self._has_mouse = False
        """True once a mouse was here: what is needed to select is painted only then."""
        self._is_settling = False
        self._is_held = False
        """True while rows move under a reader who does not."""

    def add(self, entries: Iterable[Entry]) -> None:
        """Append paragraphs; scrolls along when the end was in sight."""
        new = list(entries)
        if new:
            self.stack.add(new)
            self.settle()

    def clear(self) -> None:
        """Forget everything."""
        self.stack.clear()
        self.at, self.match, self.words = -1, None, ""
        self.is_following = True
        self.settle()

    def replace(self, number: int, entry: Entry) -> None:
        """Put another paragraph in the place of one."""
        self.hold(lambda: self.stack.replace(number, entry))

    def name_key(self, key: str) -> None:
        """Name the key that unfolds all."""
        self.stack.name_key(key)
        self.refresh()

    def unfold_all(self) -> None:
        """Show all long paragraphs in full, or fold them."""
        self.hold(lambda: self.stack.unfold_all(is_open=not self.stack.is_open))

    def catch_up(self) -> None:
        """Show the end, unless somebody scrolled away from it."""
        if self.is_following:
            self.call_after_refresh(self._show_end)

    def _show_end(self) -> None:
        if self.is_following:
            self.scroll_end(animate=False, force=True, immediate=True)

    def on_resize(self, event: events.Resize) -> None:
        """Wrap again when the width changed; keep the place."""
        self.hold(lambda: self.stack.fit(max(self.scrollable_content_region.width - LABEL_CELLS - 1, 1)))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Up is away from the end, and the end is where it is followed from."""
        super().watch_scroll_y(old_value, new_value)
        if self._is_held:
            return
        if new_value < old_value:
            self.is_following = False
        if round(new_value) + self.size.height >= self.stack.height:
            self.is_following = True
        self.stack.measure_down(round(new_value), self.size.height)
        self.know_height()

    def settle(self) -> None:
        """Lay out what is in sight."""
        height = self.size.height
        if not height or self.stack.height == 0 or not self.stack.width:
            self.know_height()
            self.refresh()
            return
        if self.is_following:
            self.stack.measure_up(height)
        else:
            self.stack.measure_down(self.scroll_offset.y, height)
        self.know_height()
        self.refresh()
        self.catch_up()

    def know_height(self) -> None:
        """Let the scroll bar know; what is near is measured a moment later."""
        self.virtual_size = Size(1, self.stack.height)
        if self.stack.width and not self._is_settling:
            self._is_settling = True
            self.set_timer(MEASURED_AFTER_S, self._measure_more)

    def _measure_more(self) -> None:
        """Make heights near what is in sight certain, some at a time."""
        self._is_settling = False
        anchor, height = self.stack.place(self.scroll_offset.y), self.stack.height
        if anchor is None:
            return
        until = time.perf_counter() + SLICE_S
        has_more = True
        while has_more and time.perf_counter() < until:
            has_more = self.stack.measure_near(anchor.entry)
        if self.stack.height != height:
            self.virtual_size = Size(1, self.stack.height)
            if not self.is_following:
                self.stay(self.stack.top(anchor.entry) + anchor.row)
            self.catch_up()
        if has_more:
            self.know_height()

    def hold(self, change: Callable[[], None]) -> None:
        """Change rows so that the first one in sight stays there."""
        anchor = self.stack.place(self.scroll_offset.y)
        change()
        self.settle()
        if anchor is not None and not self.is_following:
            self.stay(self.stack.top(anchor.entry) + min(anchor.row, len(self.stack.laid(anchor.entry).rows) - 1))

    def stay(self, row: int) -> None:
        self._is_held = True
        self.scroll_to(y=row, animate=False, force=True, immediate=True)
        self._is_held = False

    def on_enter(self, event: events.Enter) -> None:
        """From now on rows say where they stand, so that a mouse can select."""
        if not self._has_mouse:
            self._has_mouse = True
            self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text that the mouse has selected, without the margin."""
        first = selection.start.y if selection.start is not None else 0
        last = selection.end.y if selection.end is not None else self.stack.height - 1
        text = unmarked("\n".join(self._row(line).text for line in range(first, last + 1)))
        start = Offset(selection.start.x, 0) if selection.start is not None else None
        end = Offset(selection.end.x, last - first) if selection.end is not None else None
        return Selection(start, end).extract(text), "\n"

    def notify_style_update(self) -> None:
        """Drop the styles made with the old colours."""
        super().notify_style_update()
        self._styles.clear()

    def _style(self, tone: str, looks: str = "") -> Style:
        style = self._styles.get((tone, looks))
        if style is None:
            style = self.get_component_rich_style(f"story--{tone}")
            for look in looks.split():
                style += self.get_component_rich_style(f"story--{look}", partial=True)
            self._styles[tone, looks] = style
        return style

    def _row(self, line: int) -> Row:
        place = self.stack.place(line)
        rows = self.stack.laid(place.entry).rows if place is not None else []
        return rows[place.row] if place is not None and place.row < len(rows) else Row()

    def render_line(self, y: int) -> Strip:
        """The strip of one visible line."""
        line, cells = y + self.scroll_offset.y, self.size.width
        place = self.stack.place(line)
        if place is None:
            return Strip.blank(cells, self._style("plain"))
        entry, row = self.stack.entries[place.entry], self._row(line)
        is_here = place.entry == self.at and (self.has_focus or bool(self.words))
        label = fit(entry.label if place.row == 0 else "", LABEL_CELLS - (1 if is_here else 0))
        lead = segment(label + ("▌" if is_here else ""), self._style("label"))
        runs = self._looking(row, place, line)
        strip = Strip([segment(run.text, self._style(entry.tone, run.look)) for run in runs])
        ground = self._style(entry.tone, row.ground) if row.ground else self._style("plain")
        if self._has_mouse:
            strip = strip.apply_offsets(0, line)
        return Strip.join([Strip([lead]), strip]).crop_extend(0, cells, ground)

    def _looking(self, row: Row, place: Place, line: int) -> Runs:
        """The runs of a row with the colours of its language, and with what is found and selected."""
        runs = row.runs
        if row.language:
            lexer = self._lexer(row.language)
            runs = tuple(part for run in runs for part in (_coloured(lexer, run) if run.look == "code" else (run,)))
        if self.words and (ranges := ranges_of(row.text, self.words)):
            runs = relook(runs, ranges, "here" if place == self.match else "find")
        selection = self.text_selection if self._has_mouse else None
        span = selection.get_span(line) if selection is not None else None
        if span is not None:
            runs = relook(runs, [(span[0], span[1] if span[1] >= 0 else len(row.text))], "selected")
        return runs

    def _lexer(self, language: str) -> Lexer | None:
        if language not in self._lexers:
            self._lexers[language] = None
            self.run_worker(self._find_lexer(language), group="lexer")
        return self._lexers[language]

    async def _find_lexer(self, language: str) -> None:
        """Colours follow the first frame: the lexer is found in a thread."""
        self._lexers[language] = await asyncio.to_thread(find_language, language)
        self.refresh()


def _coloured(lexer: Lexer | None, run: Run) -> Iterable[Run]:
    return (Run(text, f"code {word}" if word != "plain" else "code") for text, word in pieces(lexer, run.text))
