"""Slash commands of the composer.

Invariant: text that begins with a slash and one plain word is a command, known or not; anything else is a task, paths
included.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from hybridcode.tui.asking import Asking
from hybridcode.tui.desk import RUNNING, Desk
from hybridcode.tui.modes import mode_words
from hybridcode.tui.views import VIEWS, open_view
from hybridcode.tui.waiting import waiting_plan

_SHAPE = re.compile(r"/([a-z]+)(?:\s+(.*))?", re.DOTALL)


class Command(NamedTuple):
    """A command as typed."""

    name: str
    argument: str = ""


class UnknownCommand(NamedTuple):
    """Something that looks like a command and is none."""

    name: str

    @property
    def complaint(self) -> str:
        """What to tell the person who typed it."""
        return f"there is no command /{self.name}; there are {', '.join(f'/{name}' for name in COMMANDS)}"


def _review(desk: Desk, asking: Asking, argument: str) -> None:
    del desk, argument
    asking.review()


def _plan(desk: Desk, asking: Asking, argument: str) -> None:
    """The plan that waits for a yes; any other one beside the transcript."""
    del argument
    if waiting_plan(desk.state, desk.facts.mode) is None and desk.state.task is not None and desk.state.task.steps:
        desk.session.action_plan()
    else:
        asking.review()


def choose_theme(desk: Desk, name: str) -> None:
    """Show everything in a theme, or say which ones there are."""
    if name in desk.app.available_themes:
        desk.app.theme = name
        return
    ours = sorted(theme for theme in desk.app.available_themes if theme.startswith("hybridcode-"))
    desk.tell("!", f"there is no theme {name}; there are {', '.join(ours)}", "warn")


def _resume(desk: Desk, asking: Asking, argument: str) -> None:
    del asking
    if desk.conversation.is_running:
        desk.tell(*RUNNING)
    elif argument:
        desk.call(desk.switch(argument))
    elif desk.state.task is not None and desk.state.task.is_open:
        desk.call(desk.conversation.resume())
    else:
        open_view(desk, "sessions")


def _clear(desk: Desk, asking: Asking, argument: str) -> None:
    del asking, argument
    if desk.conversation.is_running:
        desk.tell(*RUNNING)
    else:
        desk.call(_begin_anew(desk))


async def _begin_anew(desk: Desk) -> None:
    """Forget the conversation: the next task opens a new session."""
    former = desk.state.session
    await desk.switch(None)
    back = f"; /resume {former} goes back to the one before" if former else ""
    desk.tell("·", f"the next task begins a new session{back}", "quiet")


def _mode(desk: Desk, asking: Asking, argument: str) -> None:
    desk.call(_switch_mode(desk, asking, argument))


async def _switch_mode(desk: Desk, asking: Asking, name: str) -> None:
    """Switch, and say so where no session is open that records and tells it."""
    await asking.switch_mode(name)
    if not desk.state.session:
        desk.tell("mode", mode_words(desk.facts.mode), "quiet")


def _quit(desk: Desk, asking: Asking, argument: str) -> None:
    del asking, argument
    desk.app.call_later(desk.app.run_action, "leave")


Act = Callable[[Desk, Asking, str], None]
"""Does what a command says; the text is its argument."""

ACTS: dict[str, tuple[str, Act]] = {
    "review": ("what waits for a decision", _review),
    "plan": ("the plan that waits, in full; else the steps of the one there is", _plan),
    "resume": ("go on with the task that stopped, or with the session named", _resume),
    "mode": ("next permission mode, or the one named", _mode),
    "clear": ("forget the conversation: the next task begins a new session", _clear),
    "quit": ("leave; what waits for approval is kept", _quit),
}

COMMANDS: dict[str, str] = {name: view.does for name, view in VIEWS.items()} | {
    name: does for name, (does, _) in ACTS.items()
}
"""Names and what they do."""


def parse_command(text: str) -> Command | UnknownCommand | None:
    """The command in `text`, None if it is a task."""
    found = _SHAPE.fullmatch(text.strip())
    if found is None:
        return None
    word, argument = found[1], found[2] or ""
    return Command(word, argument.strip()) if word in COMMANDS else UnknownCommand(word)


def run_command(command: Command, desk: Desk, asking: Asking) -> None:
    """Do what a command says."""
    if command.name in VIEWS:
        open_view(desk, command.name, command.argument)
    else:
        _, act = ACTS[command.name]
        act(desk, asking, command.argument)
