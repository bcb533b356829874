"""`hybridcode run`: one task without a screen.

Invariant: without --yes nothing that needs a person happens; the run stops there, saved.
"""

import sys
from pathlib import Path
from typing import Any

import click

from hybridcode.cli import console
from hybridcode.cli.headless import options_of, print_failure, run_headless
from hybridcode.cli.options import read_flags, session_options, task_of_plan
from hybridcode.domain.errors import ConfigError, HybridcodeError


@click.command()
@click.argument("prompt", required=False)
@click.option(
    "--save-plan",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the plan to this new file, as TOML or (.json) JSON: --plan follows it.",
)
@session_options
def run(prompt: str | None, save_plan: Path | None, **given: Any) -> None:
    """Do PROMPT (or what stands on stdin with -) without a screen.

    With --plan-only nothing is written and nothing runs; --save-plan FILE keeps the plan, and --plan FILE follows it
    later, edited or not.
    With -c or -r the session goes on: with PROMPT as its next task, without one where it stopped.
    Stops at the first approval with exit code 4, or says yes to what the policy would ask with --yes.
    """
    try:
        flags = read_flags(given)
        if save_plan is not None and save_plan.exists():
            raise ConfigError(f"{save_plan} is there already.", "Choose another name for the plan.")
        text = (sys.stdin.read() if prompt == "-" else prompt or "").strip()
        options, text = options_of(flags), text or task_of_plan(flags)
        if not text and (options.resume is None or prompt is not None):
            raise ConfigError("There is no prompt.", "Give one as the argument, or - to read it from stdin.")
        check_utf8(text)
        code = run_headless(options, text or None, output_format=flags.output_format, plan_file=save_plan)
    except HybridcodeError as error:
        print_failure(error, given["output_format"])
        raise
    console.leave(code)


def check_utf8(text: str) -> None:
    """Raise ConfigError for text that came in as something else than UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ConfigError("The prompt is not UTF-8.", "Convert it first.") from error
