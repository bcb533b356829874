"""What help shows: every key of every place as it is now, slash commands, the mouse.

Invariant: made from the bindings themselves; a key that works is listed with what it does, and nothing else is.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

from hybridcode.tui.commands import COMMANDS
from hybridcode.tui.key_names import shown_keys
from hybridcode.tui.keymap import places
from hybridcode.tui.place_words import place_words, rank

MOUSE = (
    ("wheel", "scrolls what is under it"),
    ("click", "puts a cursor or moves the focus; it decides nothing"),
    ("second click", "on the row under the cursor opens it, as Enter does"),
    ("Shift+drag", "selects text, as in most terminals without this program"),
)
"""What the mouse does; nothing needs it."""


class Entry(NamedTuple):
    """A key, or a command, and what it does."""

    keys: str
    does: str
    id: str = ""
    """Of a binding whose key can be changed."""


class Section(NamedTuple):
    """A place and what can be done there."""

    title: str
    entries: tuple[Entry, ...]


def help_sections(
    here: Screen[object] | None, keymap: Mapping[str, str], *, focused: DOMNode | None = None
) -> list[Section]:
    """All sections; what works in `here`, with the focus where it is, comes first."""
    sections: list[Section] = []
    if here is not None:
        sections.append(Section(f"here: {place_words(type(here).__name__)}", tuple(_here(here, focused, keymap))))
    by_words: dict[str, dict[Entry, None]] = {}
    for place in sorted(places(), key=lambda one: rank(one.__name__)):
        found = by_words.setdefault(place_words(place.__name__), {})
        found |= dict.fromkeys(Entry(*said) for said in _entries(place, keymap))
    sections += [Section(title, tuple(entries)) for title, entries in by_words.items()]
    commands = tuple(Entry(f"/{name}", does) for name, does in sorted(COMMANDS.items()))
    return [*sections, Section("commands", commands), Section("the mouse", tuple(Entry(*one) for one in MOUSE))]


def _here(here: Screen[object], focused: DOMNode | None, keymap: Mapping[str, str]) -> Iterator[Entry]:
    """What keys do in a screen: its own, those of what has the focus, and what every screen of its kind has."""
    seen: set[tuple[str, str]] = set()
    for node in (here, *([focused] if focused is not None else [])):
        for place in type(node).__mro__:
            for entry in _entries(place, keymap):
                is_idle = entry.id == "list.choose" and not hasattr(here, "on_rows_chosen")
                if not is_idle and entry[:2] not in seen:
                    seen.add(entry[:2])
                    yield entry


def _entries(place: type, keymap: Mapping[str, str]) -> Iterator[Entry]:
    if not place.__module__.startswith("hybridcode."):
        return
    bindings: Sequence[object] = place.__dict__.get("BINDINGS", ())
    for binding in bindings:
        if isinstance(binding, Binding) and binding.description:
            yield Entry(shown_keys(binding, keymap), binding.description, binding.id or "")
