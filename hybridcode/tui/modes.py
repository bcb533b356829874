"""Permission modes as a person sees them: a word and a tone for each, and what it does.

Invariant: a mode is told by its word; the tone only repeats it.
"""

from collections.abc import Mapping

from hybridcode.config.settings import Mode
from hybridcode.domain.action import Action, Decision, Reject, ToolCall
from hybridcode.domain.events import ModeChanged
from hybridcode.session.modes import MODES, next_mode
from hybridcode.tui.conversation import whom
from hybridcode.tui.paint import Part

MODE_WORDS: Mapping[Mode, str] = {
    "default": "asks",
    "acceptEdits": "accepts edits",
    "plan": "plan only",
    "dontAsk": "denies what it would ask",
    "bypass": "BYPASS: asks nothing",
}
"""A mode as the screen names it."""

_STYLES: Mapping[Mode, str] = {
    "default": "$success",
    "acceptEdits": "bold $warning",
    "plan": "bold $accent",
    "dontAsk": "bold $quiet",
    "bypass": "bold reverse $error",
}
_DOES: Mapping[Mode, str] = {
    "default": "changes and commands wait for you",
    "acceptEdits": "ordinary files are changed without asking; commands still wait for you",
    "plan": "plans are made, nothing is written and nothing runs",
    "dontAsk": "what would be asked is denied",
    "bypass": "nothing is asked",
}


def mode_badge(mode: Mode) -> Part:
    """The mode for a line at the top."""
    return MODE_WORDS[mode], _STYLES[mode]


def mode_told(event: ModeChanged) -> str:
    """What a switch means, for the transcript."""
    by = "" if event.by == "start" else f" · switched by {whom(event.by)}"
    return f"{mode_words(event.mode)}{by}"


def mode_words(mode: Mode) -> str:
    """A mode and what it does."""
    return f"{MODE_WORDS[mode]}: {_DOES[mode]}"


def named_mode(name: str, now: Mode) -> str:
    """The mode that somebody means by a name, whatever its case; the next one if there is no name."""
    if not name:
        return next_mode(now)
    return next((mode for mode in MODES if mode.casefold() == name.casefold()), name)


def why_barred(decision: Decision, action: Action, mode: Mode) -> str:
    """Why a yes cannot be given in this mode, empty if it can; a no and the sending of a request always can."""
    if mode != "plan" or isinstance(decision, Reject) or isinstance(action, ToolCall):
        return ""
    return "plan mode runs nothing: Shift+Tab switches the mode"
