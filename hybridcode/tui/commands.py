"""Slash commands of the composer.

Invariant: text that begins with a slash and one plain word is a command, known or not; anything else is a task, paths
included.
"""

import re
from typing import Literal, NamedTuple

Name = Literal["help", "review", "plan", "theme", "resume", "clear", "quit"]

_SHAPE = re.compile(r"/([a-z]+)(?:\s+(.*))?", re.DOTALL)


class Command(NamedTuple):
    """A command as typed."""

    name: Name
    argument: str = ""


class UnknownCommand(NamedTuple):
    """Something that looks like a command and is none."""

    name: str

    @property
    def complaint(self) -> str:
        """What to tell the person who typed it."""
        return f"there is no command /{self.name}; there are {', '.join(f'/{name}' for name in COMMANDS)}"


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


def parse_command(text: str) -> Command | UnknownCommand | None:
    """The command in `text`, None if it is a task."""
    found = _SHAPE.fullmatch(text.strip())
    if found is None:
        return None
    word, argument = found[1], found[2] or ""
    for name in COMMANDS:
        if name == word:
            return Command(name, argument.strip())
    return UnknownCommand(word)
