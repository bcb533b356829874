"""Command lines of plans and settings as actions.

Invariant: a line without shell syntax becomes an argument list and never meets a shell.
"""

import re
import shlex

from hybridcode.domain.action import ShellCommand

_SHELL_SYNTAX = re.compile(r"[|&;<>()$`\\\n*?\[\]{}~#!]")


def shell_command(line: str, *, timeout_s: float, purpose: str, env_names: tuple[str, ...]) -> ShellCommand:
    """The action for a command line as a person would type it."""
    text = line.strip()
    if not _SHELL_SYNTAX.search(text):
        try:
            argv = tuple(shlex.split(text))
        except ValueError:
            argv = ()
        if argv and "=" not in argv[0]:
            return ShellCommand(argv=argv, timeout_s=timeout_s, purpose=purpose, env_names=env_names)
    return ShellCommand(script=text, timeout_s=timeout_s, purpose=purpose, env_names=env_names)
