"""`hybridcode doctor`: what works here, what does not, and the fix.

Invariant: reads only; keys are named, never printed; no network.
"""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from hybridcode.cli import console
from hybridcode.cli.workspace import settings_of, workspace_options
from hybridcode.config.settings import LocalSettings, Settings
from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.exits import ExitCode
from hybridcode.gate.sandbox import NONE, probe
from hybridcode.models.gguf import inspect
from hybridcode.models.shelf import resolved
from hybridcode.session.finding import journal_path

KEY_NAMES = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    ok: bool
    detail: str
    fix: str = ""


@click.command()
@workspace_options
def doctor(cwd: Path | None, as_json: bool) -> None:
    """Check engine, models, keys, sandbox, state folder, git."""
    workspace, loaded = settings_of(cwd)
    findings = [*_models(loaded.settings), *_machine(workspace, loaded.settings)]
    if as_json:
        console.json_data([{"what": f.what, "ok": f.ok, "detail": f.detail, "fix": f.fix} for f in findings])
    else:
        for finding in findings:
            mark = click.style("ok  ", fg="green") if finding.ok else click.style("no  ", fg="yellow")
            console.data(f"{mark} {finding.what}: {console.shown(finding.detail)}")
            if finding.fix:
                console.data(f"     {finding.fix}")
    if not all(finding.ok for finding in findings):
        console.leave(ExitCode.USAGE)


def _models(settings: Settings) -> Iterator[Finding]:
    engine = importlib.util.find_spec("llama_cpp") is not None
    fix = "" if engine else "./install.sh with a compiler, or point [models.local] base_url at a server."
    yield Finding(
        "local engine", engine or bool(settings.models.local.base_url), "llama.cpp" if engine else "missing", fix
    )
    yield _local_model(settings.models.local)
    keys = [name for name in (settings.models.frontier.api_key_env, *KEY_NAMES) if name and os.environ.get(name)]
    model = settings.models.frontier.model
    detail = f"{model or 'none'}; keys set: {', '.join(keys) or 'none'}"
    yield Finding("frontier", bool(model), detail, "" if model else "hybridcode config set models.frontier.model=NAME")


def _local_model(settings: LocalSettings) -> Finding:
    try:
        local = resolved(settings)
        if local.path:
            return Finding("local model", True, f"{local.path}: {inspect(Path(local.path).expanduser()).architecture}")
    except HybridcodeError as error:
        return Finding("local model", False, error.message, error.hint)
    if local.base_url:
        return Finding("local model", True, f"{local.name or 'first model'} at {local.base_url}")
    return Finding("local model", False, "none", "hybridcode models list shows what fits; hybridcode models pull NAME")


def _machine(workspace: Path, settings: Settings) -> Iterator[Finding]:
    sandbox = probe() if settings.approval.sandbox == "auto" else NONE
    fix = "" if sandbox.kind != "none" else "apt-get install bubblewrap; without it --yes runs only harmless commands."
    yield Finding("sandbox", sandbox.kind != "none", sandbox.kind, fix)
    folder = journal_path(workspace, settings).parent
    base = next(path for path in (folder, *folder.parents) if path.exists())
    writable = os.access(base, os.W_OK)
    yield Finding("state folder", writable, str(folder), "" if writable else f"Make {base} writable for you.")
    git = shutil.which("git")
    yield Finding("git", git is not None, git or "missing", "" if git else "apt-get install git")
