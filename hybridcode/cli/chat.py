"""The bare `hybridcode [PROMPT]`: the terminal program.

Invariant: nothing heavy is imported before the first paint; model processes start after it.
"""

import gc
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from hybridcode.cli import console
from hybridcode.cli.options import Flags, read_flags, read_plan, session_options, session_to_resume, task_of_plan
from hybridcode.domain.errors import ConfigError
from hybridcode.domain.exits import ExitCode

if TYPE_CHECKING:
    from hybridcode.tui.live import MakeModels


DEMO_PREFIX = "hybridcode-demo-"
"""What the name of a demo's folder begins with."""


@click.command()
@click.argument("prompt", required=False)
@session_options
def chat(prompt: str | None, **given: Any) -> None:
    """Open the terminal program, with PROMPT as its first task."""
    flags = read_flags(given)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError("This is not a terminal.", "Without a screen: hybridcode run PROMPT [--yes].")
    require_models(flags)
    open_chat(flags, prompt=prompt)


def require_models(flags: Flags) -> None:
    """Raise ConfigError where a demo is to be gone on with like other sessions: its models are its own."""
    models = flags.loaded.settings.models
    is_demo = flags.workspace.name.startswith(DEMO_PREFIX) and (flags.continue_last or flags.resume is not None)
    if is_demo and not (models.frontier.model or models.local.path or models.local.name or models.local.base_url):
        raise ConfigError(
            f"{flags.workspace} is a demo's folder, and no model is set up here.",
            f"Go on with it: hybridcode demo --keep-going {flags.workspace}",
        )


def open_chat(
    flags: Flags,
    *,
    prompt: str | None,
    make_models: "MakeModels | None" = None,
    frontier_name: str | None = None,
    go_on: str = "",
) -> None:
    """Run the terminal program until a person leaves it. `go_on` is the command that takes the session up again.

    A terminal that says that it is dumb gets the plain program.
    """
    # Deferred: textual costs 0.3 s, which headless commands must not pay, and each program what it alone needs.
    if flags.plain or os.environ.get("TERM") == "dumb":
        from hybridcode.cli.plain import talk_plainly as run
    else:
        gc.disable()  # until the first paint: nothing that is made before it is garbage
        from hybridcode.tui.start import run_app as run
    left = run(
        flags.workspace,
        flags.loaded,
        make_models=make_models,
        frontier_name=frontier_name,
        prompt=prompt or task_of_plan(flags) or None,
        resume=session_to_resume(flags),
        plan=read_plan(flags),
    )
    if left.signal == "SIGHUP":
        console.leave(ExitCode.TERMINATED)
    if left.waiting:
        console.say(left.waiting, colour="yellow")
    if left.session is not None and (words := worktree_words(flags, left.session)):
        console.say(words)
    if left.session is not None:
        console.say(f"go on: {go_on or f'hybridcode --cwd {flags.workspace} -r {left.session}'}", dim=True)
    console.leave(ExitCode.TERMINATED if left.signal else ExitCode.DONE)


def worktree_words(flags: Flags, session: str) -> str:
    """Where the work of a session with a git worktree is; empty for one without."""
    # Deferred: the journal is read after the program has ended, and not at all before its first paint.
    from hybridcode.session.finding import open_existing
    from hybridcode.session.telling import worktree_left
    from hybridcode.session.worktrees import left_behind

    journal = open_existing(flags.workspace, flags.loaded.settings)
    if journal is None:
        return ""
    try:
        left = left_behind(journal, session)
    finally:
        journal.close()
    return worktree_left(left) if left is not None else ""
