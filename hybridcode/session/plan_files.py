"""Plans as files that a person keeps, edits and follows again: TOML, or the same as JSON.

Invariant: a plan that is saved and read again unchanged is the same plan; nothing that is there already is overwritten.
"""

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from hybridcode.agent.scheduler import find_cycle
from hybridcode.domain.errors import ConfigError, PlanInvalid
from hybridcode.domain.plan import Plan, Step

_HEAD = """# A plan of hybridcode. `hybridcode run --plan FILE` follows it, as it is or edited.
# Each step has an `id`, a `goal` and a `kind` (edit, create, delete, command); `touches` and `reads` name places as
# path, path#symbol or path#L3-9; `needs` names steps by id; `check` is a command line that proves the step.

"""
_TASK_KEY = "task"
_SLUG_CHARS = 40


@dataclass(frozen=True)
class PlanFile:
    """What a file of a plan says."""

    plan: Plan
    task: str
    """The task that it was made for; empty where the file does not say."""


def plan_to_toml(plan: Plan, *, task: str = "") -> str:
    """The plan as a person edits it."""
    import tomlkit  # here, so that the first paint does not wait for it

    told = {_TASK_KEY: task} if task else {}
    return tomlkit.dumps({**told, **msgspec.to_builtins(plan)})


def plan_from_toml(text: str) -> Plan:
    """An edited plan.

    Raises:
        PlanInvalid: when it is not a plan; the message names the line or the field.
    """
    try:
        return _checked(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise _unusable(error) from error


def read_plan_file(path: Path) -> PlanFile:
    """The plan of a file, TOML or JSON.

    Raises:
        ConfigError: it cannot be read or is no plan; the message names the line or the field.
    """
    try:
        text = path.read_text(encoding="utf-8")
        found: Any = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
        task = str(found.pop(_TASK_KEY, ""))
        return PlanFile(_checked(found), task)
    except (OSError, ValueError) as error:  # TOML's, JSON's and UTF-8's errors are ValueErrors
        raise ConfigError(f"{path} is not a plan: {error}", "A plan is TOML or JSON with a list of steps.") from error
    except PlanInvalid as error:
        raise ConfigError(f"{path} is not a plan: {error.message}", error.hint) from error


def save_plan(path: Path, plan: Plan, *, task: str) -> None:
    """Write a plan to a new file, as JSON where its name ends in .json.

    Raises:
        ConfigError: something is there already, or it cannot be written.
    """
    if path.suffix == ".json":
        text = json.dumps({_TASK_KEY: task, **msgspec.to_builtins(plan)}, indent=2, ensure_ascii=False) + "\n"
    else:
        text = _HEAD + plan_to_toml(plan, task=task)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ConfigError(f"{path} is there already; nothing was written.", "Choose another name.") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}.", "Choose another place.") from error


def save_in(folder: Path, plan: Plan, *, task: str) -> Path:
    """Write a plan to a file of a name of its own in a folder of plans, and say which.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be made: {error.strerror or error}.", "Make it writable.") from error
    name = "-".join(re.findall(r"[a-z0-9]+", task.lower()))[:_SLUG_CHARS].strip("-") or "plan"
    paths = (folder / f"{name}{'' if number == 1 else f'-{number}'}.toml" for number in count(1))
    path = next(path for path in paths if not path.exists())
    save_plan(path, plan, task=task)
    return path


def _checked(found: object) -> Plan:
    """Raises: PlanInvalid."""
    try:
        plan = msgspec.convert(found, Plan)
    except msgspec.ValidationError as error:
        raise _unusable(error) from error
    _require_ids([step.id for step in plan.steps], plan.steps)
    if cycle := find_cycle(plan):
        raise PlanInvalid(f"Steps {', '.join(cycle)} wait for each other.", "Take one of their `needs` away.")
    return plan


def _unusable(error: Exception) -> PlanInvalid:
    return PlanInvalid(f"The plan cannot be used: {error}", "Correct it.")


def _require_ids(ids: Sequence[str], steps: Sequence[Step]) -> None:
    if not ids:
        raise PlanInvalid("The plan has no steps.", "Keep one step at least.")
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise PlanInvalid(f"Two steps have the id {twice[0]}.", "Give each step an id of its own.")
    for step in steps:
        if unknown := sorted(set(step.needs) - set(ids)):
            raise PlanInvalid(f"Step {step.id} needs {unknown[0]}, which is not a step.", "Correct its `needs`.")
        if step.kind == "command" and not (step.command or "").strip():
            raise PlanInvalid(f"Step {step.id} is a command without a command line.", "Give it a `command`.")
