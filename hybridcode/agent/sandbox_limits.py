"""What the sandbox kept a command from, where its output shows it: told to models beside the failure.

Invariant: says something only of a Landlock sandbox, whose limits no other one has, and only of a command that failed
for such a limit; one short sentence for each.
"""

import re
from pathlib import Path

from hybridcode.domain.action import Ran

_NOT_STARTED = (126, 127)
_NO_TERMINAL = re.compile(
    r"out of pty devices|/dev/(?:ptmx|pts)\b|\b(?:posix_openpt|openpty|forkpty|getpt)\b", re.IGNORECASE
)
_DENIED = (
    re.compile(r"(?:^|[\s'‘\"`])(?:\./)?([\w.@+-]+)['’\"`]?: Permission denied", re.MULTILINE),
    re.compile(r"Permission denied: '(?:\./)?([^'/]+)'"),
)
"""A name in the folder where the command ran, which it may not make."""
_LONGEST_NAME = 255
"""Bytes."""
TERMINAL = "The sandbox here (Landlock) has no pseudo-terminal: what needs one cannot run."
TOP_FOLDER = (
    "The sandbox here (Landlock) lets no command make new names in the workspace's own folder, as `sed -i` does there: "
    "files there are changed by edits, not by commands."
)


def kept_from(receipt: Ran, root: Path) -> str:
    """What the sandbox kept a command in the workspace `root` from; empty where it was none of that."""
    if receipt.sandbox != "landlock" or receipt.exit_code == 0 or receipt.exit_code in _NOT_STARTED:
        return ""
    found = [TERMINAL] if _NO_TERMINAL.search(receipt.tail) else []
    names = [match[1] for pattern in _DENIED for match in pattern.finditer(receipt.tail)]
    if any(_may_be(name) and not (root / name).exists() for name in names):
        found.append(TOP_FOLDER)
    return " ".join(found)


def _may_be(name: str) -> bool:
    """No file system has a longer name."""
    return len(name.encode("utf-8", "replace")) <= _LONGEST_NAME
