"""Every action with its keys, and another key for one of them.

Invariant: a key is kept only if the whole keymap stays usable; it is written to the person's own keys.toml.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from hybridcode.domain.errors import ConfigError
from hybridcode.tui.desk import Desk
from hybridcode.tui.hints import Hint
from hybridcode.tui.key_names import key_name, keys_name
from hybridcode.tui.keymap import Action, KeysFile, actions, keymap_of, presets, read_keys, write_keys
from hybridcode.tui.keys_chosen import use_keys
from hybridcode.tui.paint import Part, clip, fit, width
from hybridcode.tui.place_words import place_words
from hybridcode.tui.screens.framed import Keys
from hybridcode.tui.screens.listing import ListScreen
from hybridcode.tui.widgets.bars import Item
from hybridcode.tui.widgets.painted import Painted
from hybridcode.tui.widgets.rows import Row, Rows

_KEY_CELLS, _PLACE_CELLS = 22, 26


class KeysScreen(ListScreen):
    """Actions by id."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "preset", "next preset: default, vim, emacs", id="keys.preset"),
        Binding("delete,backspace", "reset", "back to the preset's key", key_display="Del", id="keys.reset"),
    ]
    HINTS: ClassVar[Keys] = (
        Hint("Enter", "other key", is_needed=True),
        Hint("p", "preset"),
        Hint("Del", "reset"),
        Hint("/", "search"),
    )

    def __init__(self, chosen: KeysFile, keep: Callable[[KeysFile], None], *, at: str = "") -> None:
        super().__init__()
        self._chosen, self._keep, self._at = chosen, keep, at
        self._actions = actions()

    def on_mount(self) -> None:
        """The action that is meant comes under the cursor."""
        if self._at:
            self.go_to(self._at)

    def title_parts(self) -> tuple[tuple[Part, ...], list[Item]]:
        """Which preset it is."""
        own = len(self._chosen.keys)
        return (("keys ", "bold $accent"), (f"preset {self._chosen.preset}", "bold")), [(1, f"{own} of your own")]

    def rows(self, cells: int) -> Sequence[Row]:
        """One row for each action; its name in the file stands where there is room."""
        keymap = keymap_of(self._chosen)
        return [self._row(action, keymap.get(action.id, action.keys), cells) for action in self._actions.values()]

    def _row(self, action: Action, keys: str, cells: int) -> Row:
        place = place_words(action.place)
        is_own = action.id in self._chosen.keys
        key = f"{fit(keys_name(keys), _KEY_CELLS - 1)} "
        does = clip(action.does, max(cells - _KEY_CELLS - _PLACE_CELLS - 1, 8))
        has_room = _KEY_CELLS + _PLACE_CELLS + width(does) + len(action.id) + 3 <= cells
        name = f"  {action.id}" if has_room else ""
        where = f"{fit(place, _PLACE_CELLS - 1)} "
        return Row(
            action.id,
            ((key, "accent" if is_own else "strong"), (where, "quiet"), (does, "plain"), (name, "quiet")),
            f"{action.id} {action.does} {place}",
        )

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Ask for the key."""
        event.stop()
        self.program.push_screen(PressScreen(self._actions[event.key]), lambda key: self._set(event.key, key))

    def _set(self, name: str, key: str | None) -> None:
        if key is not None:
            self._change(KeysFile(self._chosen.preset, {**self._chosen.keys, name: key}))

    def _change(self, chosen: KeysFile) -> None:
        try:
            self._keep(chosen)
        except ConfigError as error:
            self.flash(error.advice)
            return
        self._chosen = chosen
        self.repaint()

    def action_preset(self) -> None:
        """The next one; keys of one's own stay."""
        names = list(presets())
        following = names[(names.index(self._chosen.preset) + 1) % len(names)]
        self._change(KeysFile(following, self._chosen.keys))

    def action_reset(self) -> None:
        """Forget one's own key for the action under the cursor."""
        self._change(KeysFile(self._chosen.preset, {k: v for k, v in self._chosen.keys.items() if k != self.key}))


class PressScreen(ModalScreen[str | None]):
    """Waits for the key that shall do something."""

    def __init__(self, action: Action) -> None:
        super().__init__()
        self._action = action

    def compose(self) -> ComposeResult:
        """What the key will do."""
        with Vertical(classes="question"):
            yield Painted((f"Press the key for: {self._action.does}", "bold"))
            yield Painted(("\nEsc", "bold $accent"), (" leaves it as it is", "$quiet"))

    def on_key(self, event: events.Key) -> None:
        """The first key is the one."""
        event.stop()
        event.prevent_default()
        self.dismiss(None if event.key == "escape" else event.key)


def open_keys(desk: Desk, argument: str, *, at: str = "") -> KeysScreen | None:
    """The actions and their keys, `at` under the cursor; an argument is the preset to take."""
    path = desk.keys_file
    if path is None:
        desk.tell("·", "keys cannot be kept here", "quiet")
        return None
    try:
        chosen = read_keys(path)
        keymap_of(chosen)
    except ConfigError as error:
        desk.say(error)
        return None

    def keep(new: KeysFile) -> None:
        write_keys(path, new)
        use_keys(desk, keymap_of(new))

    if argument:
        try:
            keep(KeysFile(argument, chosen.keys))
        except ConfigError as error:
            desk.say(error)
            return None
        desk.tell("·", f"keys: preset {argument}; {key_name('question_mark')} lists them", "quiet")
        return None
    return KeysScreen(chosen, keep, at=at)
