"""Which permission mode a session works in, and which ones a person may switch to while it runs.

Invariant: nothing but the flag at the start of a program leads to bypass, and no switch goes below what an
administrator set.
"""

from collections.abc import Mapping
from typing import get_args

from hybridcode.config.layers import LayerName
from hybridcode.config.load import Loaded
from hybridcode.config.settings import Mode
from hybridcode.config.tighten import is_tighter
from hybridcode.domain.errors import ConfigError
from hybridcode.session.state import SessionState

MODES: tuple[Mode, ...] = get_args(Mode)
SWITCHABLE: tuple[Mode, ...] = tuple(mode for mode in MODES if mode != "bypass")
"""What a person may switch to by name."""
PLANNED_FIRST: frozenset[Mode] = frozenset({"default", "plan"})
"""Modes in which a plan waits for a person before its first step."""

_NEXT: Mapping[Mode, Mode] = {"default": "acceptEdits", "acceptEdits": "plan", "plan": "default"}
_AT_START: frozenset[LayerName] = frozenset({"managed", "command line", "environment"})
"""Layers that say something of this start of the program, and so count more than what the session was left in."""
_SETTING = "approval.mode"


def next_mode(mode: Mode) -> Mode:
    """The mode that one key press leads to; from those that no key leads to, back to asking."""
    return _NEXT.get(mode, "default")


def checked_mode(name: str, loaded: Loaded) -> Mode:
    """The mode of that name, if a person may switch to it here.

    Raises:
        ConfigError: there is no such mode, it is bypass, or an administrator set a tighter one.
    """
    if name == "bypass":
        raise ConfigError("No key and no command switches to bypass.", "Only a start with --unsafe does.")
    if name not in SWITCHABLE:
        raise ConfigError(f"There is no mode {name}.", f"There are {', '.join(SWITCHABLE)}.")
    managed = loaded.settings.approval.mode
    if loaded.origin[_SETTING].layer == "managed" and is_tighter(_SETTING, managed, name):
        raise ConfigError(f"The mode {name} allows more than {managed}, which your administrator set.")
    return name


def mode_at_start(loaded: Loaded, state: SessionState) -> Mode:
    """The mode to begin in: what a person switched the session to last, unless this start says otherwise."""
    settings = loaded.settings.approval.mode
    if loaded.origin[_SETTING].layer in _AT_START or not state.mode_by.startswith("person"):
        return settings
    return state.mode if state.mode in SWITCHABLE else settings
