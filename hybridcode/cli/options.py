"""The flags of commands that open a session, as settings and as choices of this run.

Invariant: every flag that is a setting becomes a dotted key of config; the rest stands in Flags.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from hybridcode.config.keys import read_assignment
from hybridcode.config.load import Loaded, load
from hybridcode.config.paths import expanded
from hybridcode.domain.errors import ConfigError
from hybridcode.domain.plan import Plan
from hybridcode.session.plan_files import read_plan_file

Command = TypeVar("Command", bound=Callable[..., Any])

MODES = ("default", "acceptEdits", "plan", "dontAsk")


@dataclass(frozen=True)
class Flags:
    """What the command line said, beyond settings."""

    workspace: Path
    loaded: Loaded
    yes: bool
    resume: str | None
    continue_last: bool
    output_format: str
    plan_file: Path | None
    plain: bool


_SETTINGS: tuple[tuple[tuple[str, ...], str, dict[str, Any]], ...] = (
    (("-m", "--model"), "models.frontier.model", {"metavar": "NAME", "help": "Frontier model, a litellm name."}),
    (("--permission-mode",), "approval.mode", {"type": click.Choice(MODES), "help": "Who is asked for what."}),
    (("--allow",), "approval.allow", {"multiple": True, "metavar": "RULE", "help": "Allow, as 'Bash(npm test)'."}),
    (("--deny",), "approval.deny", {"multiple": True, "metavar": "RULE", "help": "Deny, as 'Edit(vendor/**)'."}),
    (("--max-cost-usd",), "limits.max_cost_usd", {"type": float, "help": "Stop before this many dollars."}),
    (("--max-steps",), "limits.max_steps", {"type": int, "help": "Most steps of a plan."}),
    (("--timeout",), "limits.timeout_s", {"type": float, "help": "Seconds for the whole run."}),
    (
        ("--test-cmd",),
        "verify.test_cmd",
        {"metavar": "CMD", "help": "Check that proves the task; naming it is consent."},
    ),
    (("--lint-cmd",), "verify.lint_cmd", {"metavar": "CMD", "help": "Check before the tests; naming it is consent."}),
    (("--theme",), "ui.theme", {"metavar": "NAME", "help": "Theme of the terminal program."}),
)


def session_options(command: Command) -> Command:
    """Add the flags of a session to a click command; the function gets them as one `flags` argument."""
    for names, key, extra in reversed(_SETTINGS):
        command = click.option(*names, _parameter(key), **extra)(command)
    for option in reversed(_CHOICES):
        command = option(command)
    return command


def _no_colour(context: click.Context, parameter: click.Parameter, is_set: bool) -> None:
    """The flag is the variable that every program knows, those that we start included."""
    del context, parameter
    if is_set:
        os.environ["NO_COLOR"] = "1"


_CHOICES: tuple[Callable[[Any], Any], ...] = (
    click.option("--local-model", metavar="PATH|URL|NAME", help="GGUF file, server URL ending in /v1, or a name."),
    click.option("-y", "--yes", is_flag=True, help="Say yes to what the policy would ask; never to what it denies."),
    click.option("--unsafe", is_flag=True, help="Switch asking off. Announced and recorded."),
    click.option("--no-sandbox", is_flag=True, help="Run commands without a sandbox."),
    click.option("--offline", is_flag=True, help="Forbid every remote call."),
    click.option("--dry-run", "--plan-only", "dry_run", is_flag=True, help="Plan only; write and run nothing."),
    click.option("-c", "--continue", "continue_last", is_flag=True, help="Go on with the last session here."),
    click.option("-r", "--resume", metavar="ID", help="Go on with a session."),
    click.option("--plan-first", is_flag=True, help="Let the frontier plan alone, also what is small and clear."),
    click.option("--reproduce", is_flag=True, help="Begin with a test that fails before the bug is fixed."),
    click.option(
        "--plan",
        "--plan-file",
        "plan_file",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Follow the plan of this file, and do its task if no PROMPT is given.",
    ),
    click.option(
        "--worktree", is_flag=True, help="Work in a git worktree outside this folder, on a branch of its own."
    ),
    click.option("--cwd", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Work in this folder."),
    click.option(
        "--config", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="One more config file."
    ),
    click.option("--profile", default="", metavar="NAME", help="frontier-only, local-only, offline, or one of yours."),
    click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any setting."),
    click.option("--trust", is_flag=True, help="Trust this repository's .hybridcode files for this run."),
    click.option(
        "--output-format",
        type=click.Choice(("text", "json", "stream-json")),
        default="text",
        help="What a headless run prints.",
    ),
    click.option("--plain", is_flag=True, help="Line by line, not a screen: for screen readers and dumb terminals."),
    click.option("--no-color", is_flag=True, expose_value=False, callback=_no_colour, help="No colours."),
)


def read_flags(given: dict[str, Any], extra: dict[str, object] | None = None) -> Flags:
    """Turn click's values into Flags; `extra` are settings of the command itself, weaker than what was typed.

    Raises:
        ConfigError: when settings do not fit.
    """
    workspace = (given["cwd"] or Path.cwd()).resolve()
    values: dict[str, object] = dict(extra or {})
    for _, key, _ in _SETTINGS:
        value = given[_parameter(key)]
        if value not in (None, ()):
            values[key] = value
    if given["local_model"]:
        values |= local_model(given["local_model"])
    if given["offline"]:
        values["egress.mode"] = "offline"
    if given["no_sandbox"]:
        values["approval.sandbox"] = "off"
    if given["plan_first"]:
        values["routing.first"] = "frontier"
    if given["reproduce"]:
        values["verify.reproduce"] = True
    if given["worktree"]:
        values["git.worktree"] = True
    if given["dry_run"]:
        values["approval.mode"] = "plan"
    if given["unsafe"]:
        values["approval.mode"] = "bypass"
    for assignment in given["assignments"]:
        key, value = read_assignment(assignment)
        values[key] = value
    loaded = load(
        workspace, flags=values, config_file=given["config"], trust_now=given["trust"], profile=given["profile"]
    )
    return Flags(
        workspace=workspace,
        loaded=loaded,
        yes=given["yes"],
        resume=given["resume"],
        continue_last=given["continue_last"],
        output_format=given["output_format"],
        plan_file=given["plan_file"],
        plain=given["plain"],
    )


def read_plan(flags: Flags) -> Plan | None:
    """The plan of `--plan`, or None.

    Raises:
        ConfigError: when it is not a plan.
    """
    if flags.plan_file is None:
        return None
    return read_plan_file(flags.plan_file).plan


def task_of_plan(flags: Flags) -> str:
    """The task that the plan of `--plan` says it is for; empty for a run that goes on with a session.

    Raises:
        ConfigError: when it is not a plan.
    """
    if flags.plan_file is None or flags.resume is not None or flags.continue_last:
        return ""
    return read_plan_file(flags.plan_file).task.strip()


def session_to_resume(flags: Flags) -> str | None:
    """The session of `-r`, the newest one for `-c`, or None for a new one.

    Raises:
        ConfigError: when there is nothing to continue.
    """
    if flags.resume is not None or not flags.continue_last:
        return flags.resume
    # Deferred: opening the journal is not needed for a new session's first paint.
    from hybridcode.session.finding import latest_session

    found = latest_session(flags.workspace, flags.loaded.settings)
    if found is None:
        raise ConfigError(f"There is no session of {flags.workspace} to continue.", "Start one with a prompt.")
    return found


def local_model(text: str) -> dict[str, object]:
    """What `--local-model` means: a GGUF file, a server, or a name at the configured server or on this machine."""
    if text.startswith(("http://", "https://")):
        return {"models.local.base_url": text, "models.local.path": ""}
    if text.endswith(".gguf") or "/" in text:
        path = expanded(text)
        if not path.is_file():
            raise ConfigError(
                f"There is no GGUF file {text}.", "Give --local-model a .gguf file or a URL ending in /v1."
            )
        return {"models.local.path": str(path.resolve()), "models.local.base_url": "", "models.local.name": ""}
    return {"models.local.name": text, "models.local.path": ""}


def _parameter(key: str) -> str:
    return key.replace(".", "__")
