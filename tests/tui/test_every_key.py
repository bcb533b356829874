import asyncio
import signal
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import pytest
from driving import driving
from key_effects import EDITED, OTHER_THAN_BEFORE, Case, idle
from textual.binding import Binding
from textual.driver import Driver
from textual.drivers.headless_driver import HeadlessDriver

from hybridcode.domain.errors import ConfigError
from hybridcode.tui.app import HybridcodeApp
from hybridcode.tui.commands import COMMANDS
from hybridcode.tui.helping import help_sections
from hybridcode.tui.key_names import shown_keys
from hybridcode.tui.keymap import KeysFile, is_plain, keymap_of, places, screens, shared, together
from hybridcode.tui.screens.framed import Framed
from hybridcode.tui.screens.help import HelpScreen
from hybridcode.tui.screens.keys import KeysScreen
from hybridcode.tui.widgets.composer import Composer


class Shown(NamedTuple):
    """One key of one binding that help shows."""

    name: str
    key: str
    place: str


def _bound() -> Iterator[tuple[str, Binding]]:
    assert HybridcodeApp in places()
    for place in places():
        for binding in place.__dict__.get("BINDINGS", ()):
            assert isinstance(binding, Binding), f"{place.__name__} has a binding without a description"
            yield place.__name__, binding


def _shown() -> Iterator[Shown]:
    for place, binding in _bound():
        for each in Binding.make_bindings([binding]):
            yield Shown(binding.id or f"{place}:{each.key}", each.key, place)


EVERY = list(_shown())
EFFECTS: dict[str, Case] = {
    name: case
    for table in sorted(Path(__file__).parent.glob("key_effects*.py"))
    for name, case in import_module(table.stem).EFFECTS.items()
}
"""What every key does: the tables beside this file."""
BY_A_SIGNAL = "app.suspend"
"""It stops the whole process: pressed in a test of its own."""


class LeavableDriver(HeadlessDriver):
    """No terminal, and one that can be left to another program."""

    @property
    def can_suspend(self) -> bool:
        return True


class Suspendable(HybridcodeApp):
    """The program on such a terminal."""

    def _build_driver(self, headless: bool, inline: bool, mouse: bool, size: tuple[int, int] | None) -> Driver:
        del headless, inline
        return LeavableDriver(self, debug=False, mouse=mouse, size=size)


@pytest.fixture(autouse=True)
def _default_keys() -> Iterator[None]:
    before = Framed.keymap
    yield
    Framed.keymap = before


@pytest.fixture
def an_editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor that puts one word for another."""
    noted = tmp_path / "noted"
    script = tmp_path / "editor.sh"
    script.write_text(
        f'#!/bin/sh\nprintf "%s " "$@" > "{noted}"\nfor last; do :; done\n'
        'sed "s/keeps/holds/; s/pytest/pytest -x/" "$last" > "$last.new"\ncat "$last.new" > "$last"\nrm "$last.new"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    monkeypatch.setenv(EDITED, str(noted))


def test_no_key_is_without_its_effect_here_and_no_effect_without_its_key() -> None:
    names = {shown.name for shown in EVERY} - {BY_A_SIGNAL}
    assert names - set(EFFECTS) == set()
    assert set(EFFECTS) - names == set()


@pytest.mark.usefixtures("an_editor")
@pytest.mark.parametrize(
    "shown", [shown for shown in EVERY if shown.name != BY_A_SIGNAL], ids=lambda shown: f"{shown.name}-{shown.key}"
)
async def test_a_key_does_what_help_says(shown: Shown, tmp_path: Path) -> None:
    case = EFFECTS[shown.name]
    async with driving(case.scene(), size=case.size, program=Suspendable) as drive:
        drive.app.desk.keys_file = tmp_path / "keys.toml"
        await drive.press(*case.reach)
        active = drive.app.screen.active_bindings
        assert shown.key in active, f"{shown.key} is bound to nothing there"
        bound = active[shown.key].binding
        assert bound.id == (None if ":" in shown.name else shown.name), f"{shown.key} is {bound} there"
        before = case.look(drive)
        await drive.press(shown.key)
        after = case.look(drive)
    assert after != before, f"{shown.key} did nothing"
    if case.after is not OTHER_THAN_BEFORE:
        assert after == case.after


async def test_suspending_stops_the_process() -> None:
    stopped: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        stopped.append(number)

    before = signal.signal(signal.SIGTSTP, note)
    try:
        async with driving(idle(), program=Suspendable) as drive:
            await drive.press("ctrl+z")
            await asyncio.sleep(0)
    finally:
        signal.signal(signal.SIGTSTP, before)
    assert stopped == [signal.SIGTSTP]


def test_help_lists_every_binding_of_every_place_with_its_key_as_it_is_now() -> None:
    keymap = {"review.accept": "ctrl+k"}
    listed = {(entry.keys, entry.does) for section in help_sections(None, keymap) for entry in section.entries}
    assert {(shown_keys(binding, keymap), binding.description) for _, binding in _bound()} <= listed
    assert all(binding.description for _, binding in _bound())
    assert ("Ctrl+K", "accept this hunk") in listed
    assert {(f"/{name}", does) for name, does in COMMANDS.items()} <= listed


SHARED = {
    ("f1", "app.help", "screen.help"),
    ("f1", "app.help", "help.back"),
    ("question_mark", "help.back", "screen.help"),
    ("escape", "view.back", "find.clear"),
    ("escape", "pane.back", "find.clear"),
    ("escape", "session.interrupt", "story.leave"),
    ("escape", "session.interrupt", "steps.back"),
    ("enter", "note.back", "list.choose"),
    ("j", "diff.next", "list.down"),
    ("k", "diff.previous", "list.up"),
    ("j", "review.next-undecided", "list.down"),
    ("k", "review.previous-undecided", "list.up"),
}
"""Keys that mean two things at one time on purpose: what has the focus, or the screen, is meant before what is around
it, and does the like."""


def test_two_keys_of_one_place_are_never_the_same() -> None:
    everywhere = places()
    found = {
        (key, one.id, other.id)
        for screen in screens(everywhere)
        for group in together(screen, everywhere)
        for key, one, other in shared(group, {})
    }
    assert found - SHARED == set()


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"app.context": "c"}, "wanted for writing"),
        ({"app.help": "question_mark"}, "wanted for writing"),
        ({"app.inbox": "slash"}, "wanted for writing"),
        ({"session.interrupt": "x"}, "wanted for writing"),
        ({"composer.history": "h"}, "wanted for writing"),
        ({"app.context": "ctrl+r"}, "would be both"),
        ({"sessions.fork": "down"}, "would be both"),
        ({"inbox.close": "f5"}, "would be both"),
        ({"view.back": "enter"}, "would be both"),
        ({"session.mode": "ctrl+g"}, "would be both"),
    ],
)
def test_a_key_that_would_mean_two_things_at_one_time_is_refused(keys: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        keymap_of(KeysFile(keys=keys))
    assert said in caught.value.message


def test_keys_that_are_free_in_their_place_are_taken() -> None:
    chosen = {"app.context": "f9", "inbox.close": "X", "sessions.fork": "F", "composer.history": "f12"}
    assert keymap_of(KeysFile(keys=chosen)) == chosen


@pytest.mark.parametrize("key", ["a", "A", "7", "space", "question_mark", "slash", "minus", "left_square_bracket"])
def test_what_writes_a_character_is_plain(key: str) -> None:
    assert is_plain(key)


@pytest.mark.parametrize("key", ["ctrl+a", "alt+a", "f1", "escape", "enter", "tab", "up", "shift+tab", "ctrl+slash"])
def test_what_writes_none_is_not_plain(key: str) -> None:
    assert not is_plain(key)


async def test_help_begins_with_the_place_it_was_opened_in_and_finds_words() -> None:
    async with driving(EFFECTS["review.accept"].scene()) as drive:
        await drive.press("question_mark")
        assert isinstance(drive.app.screen, HelpScreen)
        assert drive.told.index("here: a change to review") < drive.told.index("accept this hunk")
        await drive.press("slash", *"digest", "enter")
        assert "copy the digest of the window" in drive.told
        assert "accept this hunk" not in drive.told
        await drive.press("escape")
        assert drive.pane is drive.app.screen


async def test_help_leads_to_another_key_and_to_a_command(tmp_path: Path) -> None:
    async with driving(idle(), size=(80, 24)) as drive:
        drive.app.desk.keys_file = tmp_path / "keys.toml"
        await drive.press("f1", "slash", *"undo this step", "enter", "enter")
        assert isinstance(drive.app.screen, KeysScreen)
        assert drive.app.screen.key == "history.undo"
        await drive.press("escape", "escape", *"/help", "space", *"dollars", "enter", "enter")
        assert drive.app.screen.query_one(Composer).text == "/cost "


@pytest.mark.parametrize("width", [60, 80, 200])
async def test_nothing_of_help_is_cut(width: int) -> None:
    async with driving(idle(), size=(width, 30)) as drive:
        await drive.press("f1")
        shown = drive.app.screen
        assert isinstance(shown, HelpScreen)
        lines = [row.text for row in shown.rows(width - 2)]
        assert max(map(len, lines)) <= width - 2
        assert all(one.strip() or other.strip() for one, other in pairwise(lines))
        flowing = " ".join(" ".join(lines).split())
        assert "reject everything undecided; with no hunk left the step is given up" in flowing
