"""The command tree, and what a bare prompt means.

Invariant: rooms are imported by the command that needs them, so that small commands start fast.
"""

import sys

import click

from hybridcode.cli import console
from hybridcode.cli.lazy import Lazy
from hybridcode.version import __version__

COMMANDS = {
    "chat": "hybridcode.cli.chat:chat",
    "run": "hybridcode.cli.run:run",
    "demo": "hybridcode.cli.demo:demo",
    "init": "hybridcode.cli.init:init",
    "approvals": "hybridcode.cli.approvals:approvals",
    "sessions": "hybridcode.cli.sessions:sessions",
    "replay": "hybridcode.cli.replay:replay",
    "undo": "hybridcode.cli.undo:undo",
    "context": "hybridcode.cli.context:context",
    "apply": "hybridcode.cli.apply:apply",
    "policy": "hybridcode.cli.policy:policy",
    "audit": "hybridcode.cli.audit:audit",
    "egress": "hybridcode.cli.egress:egress",
    "cost": "hybridcode.cli.cost:cost",
    "calibrate": "hybridcode.cli.calibrate:calibrate",
    "models": "hybridcode.cli.models:models",
    "config": "hybridcode.cli.config:config",
    "trust": "hybridcode.cli.trust:trust",
    "doctor": "hybridcode.cli.doctor:doctor",
}
"""Command name -> where it is defined."""


class _Root(Lazy):
    table = COMMANDS
    unlisted = frozenset({"chat"})  # what a bare prompt stands for


@click.group(cls=_Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="hybridcode %(version)s")
def root() -> None:
    """The frontier model decides, the local model writes, and nothing happens unapproved.

    hybridcode [PROMPT] opens the terminal program (flags: hybridcode chat --help); -p PROMPT runs without it.
    """


def expand(arguments: list[str]) -> list[str]:
    """Turn `[PROMPT]`, `-c`, `-p PROMPT` and the like into a command of the tree."""
    if arguments and (arguments[0] in COMMANDS or arguments[0] in ("-h", "--help", "-V", "--version")):
        return arguments
    headless = [word for word in arguments if word in ("-p", "--print")]
    if headless:
        return ["run", *(word for word in arguments if word not in ("-p", "--print"))]
    return ["chat", *arguments]


def main() -> None:
    """Run the command line in `sys.argv` and end the process."""
    arguments = expand(sys.argv[1:])
    console.guarded(lambda: root.main(args=arguments, prog_name="hybridcode", standalone_mode=False))
