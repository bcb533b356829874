"""The bare `hybridcode [PROMPT]`: the terminal program.

Invariant: nothing heavy is imported before the first paint; model processes start after it.
"""

import sys
from collections.abc import Callable
from typing import Any

import click

from hybridcode.cli import console
from hybridcode.cli.headless import read_plan
from hybridcode.cli.options import Flags, read_flags, session_options
from hybridcode.config.settings import Settings
from hybridcode.domain.errors import ConfigError
from hybridcode.domain.exits import ExitCode
from hybridcode.session.finding import latest_session
from hybridcode.session.models import Models, build_models


@click.command()
@click.argument("prompt", required=False)
@session_options
def chat(prompt: str | None, **given: Any) -> None:
    """Open the terminal program, with PROMPT as its first task."""
    flags = read_flags(given)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError("This is not a terminal.", "Without a screen: hybridcode run PROMPT [--yes].")
    resume = flags.resume
    if flags.continue_last and resume is None:
        resume = latest_session(flags.workspace, flags.loaded.settings)
    open_chat(flags, make_models=build_models, prompt=prompt, resume=resume)


def open_chat(
    flags: Flags, *, make_models: Callable[[Settings], Models], prompt: str | None, resume: str | None
) -> None:
    """Run the terminal program until a person leaves it."""
    # Deferred: textual costs 0.3 s, which headless commands must not pay.
    from hybridcode.tui.start import run_app

    left = run_app(
        flags.workspace, flags.loaded, make_models=make_models, prompt=prompt, resume=resume, plan=read_plan(flags)
    )
    if left.waiting:
        console.say(left.waiting, colour="yellow")
    if left.session is not None:
        console.say(f"go on: hybridcode --cwd {flags.workspace} -r {left.session}", dim=True)
    console.leave(ExitCode.DONE)
