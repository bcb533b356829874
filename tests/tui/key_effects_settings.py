"""What the keys of settings, of their small questions and of the first steps do.

Invariant: as in key_effects.
"""

import os
import tomllib
from pathlib import Path

from driving import Drive
from key_effects import EDITED, Case, clipboard, idle, screen, shows
from scenes import no_models
from scripted_conversation import ScriptedConversation

from hybridcode.tui.screens.setup import SetupScreen


def _folder() -> Path:
    folder = Path(os.environ[EDITED]).parent / "settings"
    (folder / "shop").mkdir(parents=True, exist_ok=True)
    return folder


def here() -> ScriptedConversation:
    conversation = idle()
    conversation.folder = _folder()
    return conversation


def written() -> ScriptedConversation:
    conversation = here()
    (_folder() / "config").mkdir(exist_ok=True)
    (_folder() / "config" / "config.toml").write_text("[limits]\nmax_steps = 7\n")
    return conversation


def distrusted() -> ScriptedConversation:
    conversation = here()
    folder = _folder() / "shop" / ".hybridcode"
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text('[verify]\ntest_cmd = "make"\n')
    return conversation


def first() -> ScriptedConversation:
    conversation = no_models()
    conversation.folder = _folder()
    return conversation


def in_file(drive: Drive) -> dict[str, object]:
    del drive
    path = _folder() / "config" / "config.toml"
    return tomllib.loads(path.read_text()) if path.exists() else {}


def step(drive: Drive) -> str:
    assert isinstance(drive.app.screen, SetupScreen)
    return drive.app.screen.step


def at(name: str) -> tuple[str, ...]:
    return ("f7", "slash", *name, "enter")


def taking(words: str) -> tuple[str, ...]:
    return ("slash", *("space" if char == " " else char for char in words), "enter", "enter")


SETUP = (*"/setup", "enter")
SERVER = (*SETUP, "n", *taking("a server"), *"http://127.0.0.1:1/v1", "enter")

EFFECTS: dict[str, Case] = {
    "app.settings": Case(here, (), screen, "SettingsScreen"),
    "settings.reset": Case(written, at("max_steps"), in_file, {"limits": {}}),
    "settings.target": Case(here, ("f7",), shows("changes go to"), True),
    "settings.changed": Case(written, ("f7",), shows("n_ctx"), False, (120, 60)),
    "line.back": Case(here, (*at("max_steps"), "enter"), screen, "SettingsScreen"),
    "choice.back": Case(here, (*at("approval.mode"), "enter"), screen, "SettingsScreen"),
    "note.back": Case(
        distrusted, (*at("n_ctx"), "t", "enter", "ctrl+u", *"8192", "enter"), screen, "SettingsScreen", (60, 30)
    ),
    "setup.next": Case(first, SETUP, step, "local"),
    "setup.previous": Case(first, (*SETUP, "n"), step, "frontier"),
    "setup.ask": Case(first, SERVER, lambda drive: drive.told, size=(160, 40)),
    "setup.copy": Case(
        first, (*SETUP, "n", "slash", *"qwen3.5-4b", "enter"), clipboard, "hybridcode models pull qwen3.5-4b"
    ),
    "setup.write": Case(
        first,
        (*SETUP, *taking("openai/gpt-5"), "n", "n", "n"),
        in_file,
        {"models": {"frontier": {"model": "openai/gpt-5"}}},
    ),
}
