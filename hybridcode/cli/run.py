"""`hybridcode run`: one task without a screen.

Invariant: without --yes nothing that needs a person happens; the run stops there, saved.
"""

import sys
from typing import Any

import click

from hybridcode.cli import console
from hybridcode.cli.headless import options_of, run_headless
from hybridcode.cli.options import read_flags, session_options
from hybridcode.domain.errors import ConfigError


@click.command()
@click.argument("prompt", required=False)
@session_options
def run(prompt: str | None, **given: Any) -> None:
    """Do PROMPT (or what stands on stdin with -) without a screen.

    With -c or -r the session goes on: with PROMPT as its next task, without one where it stopped.
    Stops at the first approval with exit code 4, or says yes to what the policy would ask with --yes.
    """
    flags = read_flags(given)
    text = sys.stdin.read() if prompt == "-" else prompt
    options = options_of(flags)
    if not (text or "").strip() and options.resume is None:
        raise ConfigError("There is no prompt.", "Give one as the argument, or - to read it from stdin.")
    console.leave(run_headless(options, text or None, output_format=flags.output_format))
