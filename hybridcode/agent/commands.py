"""Command lines of plans and settings as actions.

Invariant: a plain command becomes the argument list that bash would make of it and never meets a shell; all else stays
a script as it was typed.
"""

from hybridcode.domain.action import ShellCommand
from hybridcode.gate.commands.plain import Stage, plain_pipeline


def shell_command(line: str, *, timeout_s: float, purpose: str, env_names: tuple[str, ...]) -> ShellCommand:
    """The action for a command line as a person would type it."""
    text = line.strip()
    match plain_pipeline(text):
        case (stage,) if stage == Stage(stage.argv):
            return ShellCommand(argv=stage.argv, timeout_s=timeout_s, purpose=purpose, env_names=env_names)
        case _:
            return ShellCommand(script=text, timeout_s=timeout_s, purpose=purpose, env_names=env_names)
