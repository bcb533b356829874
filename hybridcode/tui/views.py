"""The screens that show something on request, by name: what a slash command, a key and the help call them.

Invariant: a view is imported when it is first opened, so that the first paint does not pay for it.
"""

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple, cast

from textual.screen import Screen

from hybridcode.tui.desk import Desk

Open = Callable[[Desk, str], Screen[None] | None]
"""Makes the screen; the text is what stood behind the slash command. None: it has told why there is nothing to show."""


class View(NamedTuple):
    """A screen that is opened by its name."""

    does: str
    place: str
    """`module:function` under `hybridcode.tui.screens`, an `Open`."""


VIEWS: dict[str, View] = {
    "help": View("all keys and commands", "help:open_help"),
    "context": View("what the models saw; with a question: what the index would show", "context:open_context"),
    "step": View("what a step of the plan did, used and saw", "step:open_step"),
    "cost": View("tokens, seconds and dollars by step and session", "ledger:open_ledger"),
    "inbox": View("what waits for an answer, in all sessions", "inbox:open_inbox"),
    "egress": View("what left this machine", "egress:open_egress"),
    "model": View("the two models, who plays which part, and choosing others", "model:open_model"),
    "policy": View("the rules that hold; with a command or @path: what they say of it", "policy:open_policy"),
    "doctor": View("what works here, what does not, and what to do", "doctor:open_doctor"),
    "keys": View("all actions with their keys, and other keys for them", "keys:open_keys"),
    "sessions": View("all sessions of this repository: go on, fork, export, delete", "sessions:open_sessions"),
    "history": View("what was changed, one after the other, and undoing it", "timeline:open_history"),
    "undo": View("undo the latest change, or the step named", "timeline:open_undo"),
    "rewind": View("back to before an earlier task (Esc Esc)", "rewind:open_rewind"),
    "diff": View("what this session changed so far", "diff:open_diff"),
    "config": View("all settings: value, origin, and another value", "settings:open_settings"),
    "theme": View("themes with a preview; with a name: that one for this start", "theme:open_theme"),
    "setup": View("models, trust and check, step by step; nothing is written before your y", "setup:open_setup"),
    "export": View("write this session to a Markdown or HTML file", "export:open_export"),
}
"""By name, which is the slash command too."""


def open_view(desk: Desk, name: str, argument: str = "") -> None:
    """Put a view in front, unless it is there already."""
    module, _, function = VIEWS[name].place.partition(":")
    screen = cast(Open, getattr(import_module(f"hybridcode.tui.screens.{module}"), function))(desk, argument)
    if screen is not None and not any(type(open_one) is type(screen) for open_one in desk.app.screen_stack):
        desk.app.push_screen(screen)
