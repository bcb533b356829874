"""Slash commands of the composer.

Invariant: text that starts with a slash and a known name is a command; anything else is a task, paths included.
"""

from typing import Literal, NamedTuple

Name = Literal["help", "review", "plan", "theme", "resume", "clear", "quit"]


class Command(NamedTuple):
    """A command as typed."""

    name: Name
    argument: str = ""


COMMANDS: dict[Name, str] = {
    "help": "all keys and commands",
    "review": "what waits for a decision",
    "plan": "the plan that waits, in full",
    "theme": "next theme, or the one named",
    "resume": "go on with the task that stopped",
    "clear": "empty the transcript on screen",
    "quit": "leave; what waits for approval is kept",
}
"""Names and what they do."""


def parse_command(text: str) -> Command | None:
    """The command in `text`, None if it is a task."""
    if not text.startswith("/"):
        return None
    word, _, argument = text[1:].partition(" ")
    for name in COMMANDS:
        if word == name:
            return Command(name, argument.strip())
    return None
