"""All keys and commands, generated from what is really there; the place that was left comes first.

Invariant: a key that works is listed with what it does, and nothing else is listed; nothing is cut.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from hybridcode.tui.amounts import plural
from hybridcode.tui.desk import Desk
from hybridcode.tui.helping import Entry, Section, help_sections
from hybridcode.tui.hints import Hint
from hybridcode.tui.paint import Part, fit, width, wrap
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.screens.listing import ListScreen
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.finder import Finder
from hybridcode.tui.widgets.rows import Row, Rows

_KEY_CELLS = 18
_INDENT = 2


class HelpScreen(ListScreen):
    """Keys by place, and the slash commands."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1,question_mark", "dismiss", "back", key_display="F1, ?", id="help.back"),
    ]
    HINTS: ClassVar[Keys] = (Hint("/", "search", is_needed=True), Hint("Enter", "another key, or the command"))

    def __init__(self, sections: Sequence[Section], *, pick: Callable[[Entry], str], words: str = "") -> None:
        super().__init__()
        self._sections, self._pick, self._first = sections, pick, words
        self._entries: dict[str, Entry] = {}

    def on_mount(self) -> None:
        """What stood behind the command is searched for."""
        if self._first:
            finder = self.query_one(Finder)
            finder.value = self._first
            finder.display = True

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """How much there is, or was found."""
        count = sum(len(entries) for _, entries in self._matching())
        return (("help ", "bold $accent"), ("keys and commands", "bold")), [(0, plural(count, "line"))]

    def rows(self, cells: int) -> Sequence[Row]:
        """One entry after the other under the name of its place; long ones take several lines."""
        rows: list[Row] = []
        self._entries = {}
        for section, entries in self._matching():
            also = " ".join(self._words)
            rows += [Row("", (("", "plain"),), also)] if rows else []
            rows.append(Row("", ((f" {section.title}", "accent"),), also))
            for number, entry in enumerate(entries):
                key = f"{section.title} {number}"
                self._entries[key] = entry
                rows += _entry_rows(key, entry, cells, also)
        return rows

    def _matching(self) -> Iterator[tuple[Section, list[Entry]]]:
        """What has all the words that are searched for, in its own text or in the name of its place."""
        for section in self._sections:
            found = [
                entry
                for entry in section.entries
                if all(word in f"{section.title} {' '.join(entry)}".casefold() for word in self._words)
            ]
            if found:
                yield section, found

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Another key for it, or the command into the composer."""
        event.stop()
        if said := self._pick(self._entries[event.key]):
            self.flash(said)


def _entry_rows(key: str, entry: Entry, cells: int, also: str) -> Iterator[Row]:
    """An entry in as many lines as it takes."""
    lines = wrap(entry.does, max(cells - _INDENT - _KEY_CELLS - 1, 12))
    keys = " " * _INDENT + fit(entry.keys, max(width(entry.keys), _KEY_CELLS - 1)) + " "
    text = f"{also} {entry.id}"
    if width(entry.keys) >= _KEY_CELLS:
        yield Row(key, ((keys, "strong"),), text)
    else:
        yield Row(key, ((keys, "strong"), (lines.pop(0), "plain")), text)
    for line in lines:
        yield Row("", ((" " * (_INDENT + _KEY_CELLS) + line, "plain"),), also)


def open_help(desk: Desk, argument: str) -> HelpScreen:
    """The keys that work somewhere, by place; an argument is searched for."""
    # Deferred: it opens at one action, and few people go there from help.
    from hybridcode.tui.screens.keys import open_keys

    here = desk.app.screen

    def pick(entry: Entry) -> str:
        if entry.keys.startswith("/"):
            desk.to_session()
            desk.session.restore(f"{entry.keys} ")
            return ""
        if not entry.id:
            return "this one stays as it is"
        screen = open_keys(desk, "", at=entry.id)
        if screen is None:
            return "keys cannot be kept here"
        desk.app.push_screen(screen)
        return ""

    sections = help_sections(here, HelpScreen.keymap, focused=here.focused)
    return HelpScreen(sections, pick=pick, words=argument)
