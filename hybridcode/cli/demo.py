"""`hybridcode demo`: the shipped example, with a real local model and a scripted frontier, in a scratch folder.

Invariant: the only things that are not real are the plan and the verdict, and the screen says so.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import click

from hybridcode.cli import console
from hybridcode.cli.chat import DEMO_PREFIX, open_chat
from hybridcode.cli.headless import options_of, run_headless
from hybridcode.cli.options import Flags, read_flags, session_options
from hybridcode.config.settings import Settings
from hybridcode.domain.errors import ConfigError, ModelUnavailable, RepoError
from hybridcode.domain.model import ModelInfo, ModelRequest
from hybridcode.models.local import LlamaCppModel
from hybridcode.models.scripted import ScriptedModel
from hybridcode.session.models import Models

SCRIPT = "demo script"
"""Name of the scripted frontier."""
_ASSETS = files("hybridcode") / "assets"
_GIT = (
    ("init", "-q", "-b", "main"),
    ("add", "-A"),
    ("commit", "-q", "-m", "The shop as it is"),
)
_PLAIN = (
    *("-c", "user.name=hybridcode demo", "-c", "user.email=demo@localhost"),
    *("-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null"),
)
"""Nothing of the user's own git settings takes part."""


@click.command()
@click.option("--keep-going", "resume_dir", is_flag=False, flag_value="latest", metavar="[DIR]", help="Resume a demo.")
@click.option("--hold", is_flag=True, help="Without a screen: stop at the first approval instead of saying yes.")
@session_options
def demo(resume_dir: str | None, hold: bool, **given: Any) -> None:
    """Run the shipped example: a scripted plan, drafts by a real (tiny) model on real llama.cpp, real checks.

    On a terminal it opens the screen; without one, or with --yes or --output-format json, it runs headless. Nobody
    could answer there, and it all happens in a scratch folder: it says yes to what would be asked, unless --hold.
    """
    folder = find_folder(resume_dir) if resume_dir else make_folder()
    flags = read_flags(given | {"cwd": folder, "continue_last": bool(resume_dir)}, settings_of_demo())
    console.say(f"demo in {folder}", bold=True)
    console.say("The frontier part is a script. The local model is a 0.76 M parameter fixture on real llama.cpp.")
    console.say(f"If interrupted: hybridcode demo --keep-going {folder}", dim=True)
    text = (_ASSETS / "demo" / "task.txt").read_text(encoding="utf-8").strip()
    prompt = None if resume_dir else text
    if wants_screen(flags):
        open_chat(
            flags,
            make_models=demo_models,
            frontier_name=SCRIPT,
            prompt=prompt,
            go_on=f"hybridcode demo --keep-going {folder}",
        )
        return
    flags = replace(flags, yes=not hold)
    if flags.yes:
        console.say("No screen: the demo answers its own questions with yes, in this scratch folder only.")
    options = replace(options_of(flags), make_models=demo_models)
    code = run_headless(options, prompt, output_format=flags.output_format)
    if flags.output_format == "text":
        console.say(f"look: git -C {folder} diff", dim=True)
        console.say(f"undo: hybridcode undo --cwd {folder}", dim=True)
    console.leave(code)


def wants_screen(flags: Flags) -> bool:
    """True on a terminal, unless the flags ask for a headless run."""
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    return is_terminal and not flags.yes and flags.output_format == "text"


def settings_of_demo() -> dict[str, object]:
    """Settings of the demo: the shipped model, and the sample's tests as a named check."""
    with as_file(_ASSETS / "tiny.gguf") as path:
        model = str(path)
    return {
        "models.local.path": model,
        "models.local.profile": "tiny",
        "models.local.n_ctx": 2048,
        "models.local.max_output_tokens": 512,
        "routing.local_tries": 1,
        "models.frontier.model": "",
        "routing.frontier_hints": 0,
        "routing.frontier_tries": 0,
        "limits.max_pending": 1,
        "limits.max_repairs": 0,
        "verify.test_cmd": "python3 -m unittest -q",
        "approval.allow": ("Bash(python3 -m unittest -q tests.test_pricing)",),
    }


def demo_models(settings: Settings) -> Models:
    """The scripted frontier and the shipped GGUF."""
    script = ScriptedModel(ModelInfo(name=SCRIPT, backend="frontier", is_scripted=True), scripted_answer)
    return Models(frontier=script, local=LlamaCppModel(settings.models.local))


def scripted_answer(request: ModelRequest) -> str:
    """The plan for the demo's task, and the verdict on it.

    Raises:
        ModelUnavailable: for any other task.
    """
    task = (_ASSETS / "demo" / "task.txt").read_text(encoding="utf-8").strip()
    if task not in request.messages[-1].content:
        raise ModelUnavailable("The demo holds one task and no model for others.", "Set one up: see README.md.")
    if request.role == "judge":
        return "good The tests pass and the discount is in place."
    return (_ASSETS / "demo" / "plan.json").read_text(encoding="utf-8")


def make_folder() -> Path:
    """Copy the sample repository to a new scratch folder and commit it there.

    Raises:
        RepoError: when git is missing or fails.
    """
    folder = Path(tempfile.mkdtemp(prefix=DEMO_PREFIX)).resolve()
    with as_file(_ASSETS / "demo" / "repo") as sample:
        shutil.copytree(sample, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    for arguments in _GIT:
        try:
            subprocess.run(
                ("git", *_PLAIN, *arguments), cwd=folder, check=True, capture_output=True, text=True, timeout=60
            )
        except FileNotFoundError as error:
            shutil.rmtree(folder)
            raise RepoError("git is not installed.", "Install it: apt-get install git.") from error
        except subprocess.SubprocessError as error:
            shutil.rmtree(folder)
            said = str(error.stderr or "") if isinstance(error, subprocess.CalledProcessError) else "it took too long"
            raise RepoError(f"git {arguments[0]} failed in {folder}: {said.strip()}") from error
    return folder


def find_folder(text: str) -> Path:
    """The folder of an earlier demo: the one named, or the newest.

    Raises:
        ConfigError: when there is none.
    """
    if text != "latest":
        folder = Path(text).resolve()
    else:
        found = [path for path in Path(tempfile.gettempdir()).glob(f"{DEMO_PREFIX}*") if path.is_dir()]
        if not found:
            raise ConfigError("There is no demo to resume.", "Start one: hybridcode demo.")
        folder = max(found, key=lambda path: path.stat().st_mtime_ns).resolve()
    if not folder.name.startswith(DEMO_PREFIX) or not folder.is_dir():
        raise ConfigError(f"{folder} is not a demo's folder.", f"Give a folder whose name starts with {DEMO_PREFIX}.")
    return folder
