"""Which keys do what: the bindings of all screens by id, presets, and a person's keys.toml.

Invariant: no keymap makes Enter, Space, Escape or Tab decide, gives two actions of one place the same key, or takes
away the keys that stop and leave.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import msgspec
from textual.binding import Binding
from textual.dom import DOMNode

from hybridcode.config.atomic import write_atomic
from hybridcode.domain.errors import ConfigError
from hybridcode.tui.views import VIEWS

DECIDING = ("review.", "command.", "plan.", "sure.", "edit.", "undo.", "rewind.", "setup.")
"""Ids that begin so belong to places where something is decided."""
_NEVER_DECIDE = frozenset({"enter", "ctrl+m", "ctrl+j", "space", "escape", "tab", "shift+tab", "ctrl+c", "ctrl+q"})
_FIXED = frozenset({"app.stop", "app.quit"})
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
    """Every class of ours that binds keys, views that are not open yet included."""
    for view in VIEWS.values():
        import_module(f"hybridcode.tui.screens.{view.place.partition(':')[0]}")
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
    for place in places():
        _require_distinct(place, keymap)
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


def _require_distinct(place: type[DOMNode], keymap: Mapping[str, str]) -> None:
    """No two actions that a screen offers share a key, unless they do by themselves."""
    taken: dict[str, Action] = {}
    for parent in place.__mro__:
        for action in actions_of(parent) if issubclass(parent, DOMNode) else ():
            for key in keymap.get(action.id, action.keys).split(","):
                other = taken.setdefault(key, action)
                if other.id != action.id and (other.id in keymap or action.id in keymap):
                    raise ConfigError(
                        f"keys.toml: {key} would be both {other.id} ({other.does}) and {action.id} ({action.does}).",
                        "Give one of them another key.",
                    )


def _normal(keys: str) -> str:
    """Keys by their names: `?` is question_mark."""
    return ",".join(binding.key for binding in Binding.make_bindings([Binding(keys, "none", "")]))
