"""Which keys do what: the bindings of all screens by id, presets, and a person's keys.toml.

Invariant: no keymap makes Enter, Space, Escape or Tab decide, gives two actions the same key that can be meant at one
time (of a screen, of what has the focus in it, of the whole program), takes a letter away from writing, or takes away
the keys that stop and leave.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, NamedTuple, cast

import msgspec
from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import KEY_NAME_REPLACEMENTS, key_to_character
from textual.screen import Screen
from textual.widget import Widget

from hybridcode.config.atomic import write_atomic
from hybridcode.domain.errors import ConfigError
from hybridcode.tui import screens as screens_package

DECIDING = ("review.", "command.", "plan.", "answer.", "sure.", "edit.", "undo.", "rewind.", "setup.")
"""Ids that begin so belong to places where something is decided."""
_NEVER_DECIDE = frozenset({"enter", "ctrl+m", "ctrl+j", "space", "escape", "tab", "shift+tab", "ctrl+c", "ctrl+q"})
_FIXED = frozenset({"app.stop", "app.quit"})
_WHILE_WRITING = ("app.", "session.", "composer.", "find.", "edit.", "export.", "explain.", "text.undo")
"""Ids that begin so work while somebody writes."""
_NAMED_OTHERWISE = frozenset(KEY_NAME_REPLACEMENTS.values())
"""Signs whose keys Textual calls by names of its own."""
_PRESETS = Path(__file__).parent / "presets.toml"


class Action(NamedTuple):
    """Something a key does somewhere."""

    id: str
    place: str
    """Class whose binding it is."""
    keys: str
    """As the code has it, with commas."""
    does: str


class KeysFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """keys.toml."""

    preset: str = "default"
    """`default`, `vim` or `emacs`."""
    keys: dict[str, str] = {}
    """Binding id -> keys, several with commas: `"review.accept" = "y,ctrl+k"`."""


def places() -> list[type[DOMNode]]:
    """Every class of ours that binds keys, screens that were not open yet included."""
    for module in iter_modules(screens_package.__path__, f"{screens_package.__name__}."):
        import_module(module.name)
    return sorted(set(_below(DOMNode)), key=lambda place: place.__name__)


def _below(parent: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for child in parent.__subclasses__():
        if child.__module__.startswith("hybridcode.tui") and child.__dict__.get("BINDINGS"):
            yield child
        yield from _below(child)


def actions_of(place: type[DOMNode]) -> list[Action]:
    """What keys do in one place by its own bindings."""
    found: list[Action] = []
    for binding in place.__dict__.get("BINDINGS", ()):
        if isinstance(binding, Binding) and binding.id is not None:
            found.append(Action(binding.id, place.__name__, _normal(binding.key), binding.description))
    return found


def actions() -> dict[str, Action]:
    """Every action by its id."""
    return {action.id: action for place in places() for action in actions_of(place)}


def presets() -> dict[str, dict[str, str]]:
    """The keymaps that ship."""
    return msgspec.convert(tomllib.loads(_PRESETS.read_text(encoding="utf-8")), dict[str, dict[str, str]])


def read_keys(path: Path) -> KeysFile:
    """A person's keys.toml; the defaults where there is none.

    Raises:
        ConfigError: it cannot be read, or has a field that is none.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return msgspec.convert(tomllib.loads(text), KeysFile)
    except FileNotFoundError:
        return KeysFile()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path.name} cannot be used: {error}", "docs/keys.md shows what may stand in it.") from error


def write_keys(path: Path, chosen: KeysFile) -> None:
    """Write keys.toml; comments in it survive.

    Raises:
        ConfigError: the keys do not fit together, or the file cannot be read or written.
    """
    import tomlkit  # here, so that reading keys at start does not pay for it

    keymap_of(chosen)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    document = tomlkit.parse(before)
    document["preset"] = chosen.preset
    table = document.setdefault("keys", tomlkit.table())
    for name in [name for name in table if name not in chosen.keys]:
        del table[name]
    for name, keys in chosen.keys.items():
        table[name] = keys
    write_atomic(path, tomlkit.dumps(document).encode())


def keymap_of(chosen: KeysFile) -> dict[str, str]:
    """Binding id -> keys.

    Raises:
        ConfigError: no such preset or action, a key that may not decide, or one that two actions would share.
    """
    shipped = presets()
    if chosen.preset not in shipped:
        raise ConfigError(f"keys.toml: there is no preset {chosen.preset}.", f"There are {', '.join(shipped)}.")
    keymap = {name: _normal(keys) for name, keys in {**shipped[chosen.preset], **chosen.keys}.items()}
    known = actions()
    for name, keys in keymap.items():
        _require_fit(name, keys.split(","), known)
    everywhere = places()
    for screen in screens(everywhere):
        _require_distinct(together(screen, everywhere), keymap)
    return keymap


def _require_fit(name: str, keys: Sequence[str], known: Mapping[str, Action]) -> None:
    if name not in known:
        near = get_close_matches(name, known, n=3)
        raise ConfigError(
            f"keys.toml: there is no action {name}.", f"Did you mean {', '.join(near)}?" if near else "/keys lists all."
        )
    if name in _FIXED:
        raise ConfigError(f"keys.toml: {name} keeps its keys.", "They stop what runs and leave, whatever else is set.")
    unsafe = (
        _NEVER_DECIDE.intersection(keys) if name.startswith(DECIDING) and not name.endswith((".back", ".no")) else ()
    )
    if unsafe:
        raise ConfigError(f"keys.toml: {', '.join(sorted(unsafe))} may not be {name}.", "Such keys never decide.")
    if name.startswith(_WHILE_WRITING) and (plain := [key for key in keys if is_plain(key)]):
        raise ConfigError(
            f"keys.toml: {', '.join(plain)} may not be {name}: it is wanted for writing.",
            "Take a key with Ctrl or Alt, or a function key.",
        )


def screens(everywhere: Sequence[type[DOMNode]]) -> list[type[Screen[Any]]]:
    """The places that are screens."""
    return [cast(type[Screen[Any]], place) for place in everywhere if issubclass(place, Screen)]


def together(screen: type[Screen[Any]], everywhere: Sequence[type[DOMNode]]) -> list[list[Action]]:
    """Actions that keys can mean at one time while a screen is in front: its own and the app's, with those of one
    widget that may have the focus in it, for each such widget."""
    apps = [cast(type[DOMNode], place) for place in everywhere if issubclass(place, App)]
    always = [action for place in apps for action in actions_of(place)]
    always += _with_inherited(screen)
    return [always, *([*always, *_with_inherited(widget)] for widget in _widgets_in(screen))]


def _widgets_in(screen: type[Screen[Any]]) -> set[type[Widget]]:
    """Widgets of ours with keys that the modules of a screen and its bases know: one of them may have the focus."""
    found = {
        value
        for base in screen.__mro__
        if base.__module__.startswith("hybridcode.")
        for value in vars(import_module(base.__module__)).values()
        if isinstance(value, type) and issubclass(value, Widget) and not issubclass(value, Screen)
    }
    return {widget for widget in found if _with_inherited(widget)}


def _with_inherited(place: type[DOMNode]) -> list[Action]:
    return [action for base in place.__mro__ if issubclass(base, DOMNode) for action in actions_of(base)]


def shared(actions: Sequence[Action], keymap: Mapping[str, str]) -> Iterator[tuple[str, Action, Action]]:
    """Keys that mean two of these actions."""
    taken: dict[str, Action] = {}
    for action in actions:
        for key in keymap.get(action.id, action.keys).split(","):
            other = taken.setdefault(key, action)
            if other.id != action.id:
                yield key, other, action


def _require_distinct(groups: Sequence[Sequence[Action]], keymap: Mapping[str, str]) -> None:
    """No key means two actions at one time, unless it does by itself: then the nearer one is meant."""
    for group in groups:
        for key, one, other in shared(group, keymap):
            if key not in one.keys.split(",") or key not in other.keys.split(","):
                raise ConfigError(
                    f"keys.toml: {key} would be both {one.id} ({one.does}) and {other.id} ({other.does}).",
                    "Give one of them another key.",
                )


def is_plain(key: str) -> bool:
    """True for a key that writes a character."""
    character = key_to_character(key)
    return len(key) == 1 or key in _NAMED_OTHERWISE or bool(character and character.isprintable())


def _normal(keys: str) -> str:
    """Keys by their names: `?` is question_mark."""
    return ",".join(binding.key for binding in Binding.make_bindings([Binding(keys, "none", "")]))
