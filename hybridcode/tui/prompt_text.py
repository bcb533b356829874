"""A request as text to read: every message, and where an excerpt of the repository begins.

Invariant: marks stand between lines, so that the text without them is what was sent.
"""

import re
from collections.abc import Callable

from hybridcode.domain.model import Message
from hybridcode.tui.amounts import size
from hybridcode.tui.requests import Request, messages_of
from hybridcode.tui.screens.text import Line, TextScreen

_HEADING = re.compile(r"## (.+)")
_FENCE = re.compile(r"`{3,}|~{3,}")


def prompt_screen(request: Request, blob: Callable[[str], bytes]) -> TextScreen:
    """The exact text that was sent. Raises: IntegrityError: the journal lacks it."""
    lines = prompt_lines(messages_of(blob(request.asked.prompt_sha256)))
    where = f"sent to {request.host}" if request.asked.is_remote else "shown on this machine"
    return TextScreen(f"{request.asked.role}, {where}", lines)


def prompt_lines(messages: tuple[Message, ...]) -> list[Line]:
    """The messages with a mark before each, and before each section of files."""
    lines: list[Line] = []
    for message in messages:
        lines.append(Line(f"{message.role}, {size(len(message.content.encode()))}", is_mark=True))
        fence = ""
        for line in message.content.split("\n"):
            opened = _FENCE.match(line)
            if opened and not fence:
                fence = opened[0]
            elif fence and line.rstrip() == fence:
                fence = ""
            elif not fence and (heading := _HEADING.fullmatch(line)):
                lines.append(Line(heading[1], is_mark=True))
            lines.append(Line(line))
    return lines
