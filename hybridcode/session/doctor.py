"""What `hybridcode doctor` and `/doctor` look at: each check is one finding, with the fix where something is wrong.

Invariant: reads only, but for the shipped fixture that it loads; keys are named, never printed; no network.
"""

import asyncio
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from importlib.resources import as_file, files
from pathlib import Path

from hybridcode.config.paths import expanded
from hybridcode.config.settings import FrontierSettings, LocalSettings, Settings
from hybridcode.domain.errors import HybridcodeError
from hybridcode.domain.model import Message, ModelRequest
from hybridcode.gate.sandbox import NONE, probe
from hybridcode.models.addresses import host_of
from hybridcode.models.fit import Misfit, available_memory, physical_cores, plan_fit
from hybridcode.models.frontier import provider_of
from hybridcode.models.gguf import GgufInfo, inspect
from hybridcode.models.gguf_summary import quantisation_of
from hybridcode.models.local import LlamaCppModel
from hybridcode.models.shelf import resolved
from hybridcode.session.amounts import size
from hybridcode.session.finding import journal_path

KEY_NAMES = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY")
LEAST_COLUMNS = 60
"""Of a terminal that the screens are made for."""
LEAST_FREE_BYTES = 100 * 1024 * 1024
"""On the disk of the state folder."""
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    ok: bool
    detail: str
    fix: str = ""


def findings(workspace: Path, settings: Settings, environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """All checks, in the order in which things are needed."""
    local = settings.models.local
    yield _engine(local)
    yield from _local(local)
    yield _threads(local)
    has_local = bool(local.path or local.name or local.base_url or local.pool)
    yield _frontier(settings.models.frontier, environ, needed=not has_local)
    for name, further in settings.models.named_frontier.items():
        yield _frontier(further, environ, needed=False, name=name)
    yield _sandbox(settings)
    yield _terminal(environ)
    yield _state(journal_path(workspace, settings).parent)
    git = shutil.which("git")
    yield Finding("git", git is not None, git or "missing", "" if git else "apt-get install git")


def _engine(local: LocalSettings) -> Finding:
    """Really loads the shipped fixture in a child process and lets it write a token."""
    fix = "./install.sh with a C++ compiler; or run a server and set [models.local] base_url."
    if importlib.util.find_spec("llama_cpp") is None:
        return Finding(
            "local engine", bool(local.base_url), "llama.cpp is not installed", "" if local.base_url else fix
        )
    version = f"llama-cpp-python {metadata.version('llama-cpp-python')}"
    try:
        with as_file(files("hybridcode") / "assets" / "tiny.gguf") as path:
            asyncio.run(_one_token(path))
    except (HybridcodeError, TimeoutError) as error:
        words = error.message if isinstance(error, HybridcodeError) else f"no answer in {_PATIENCE_S:g} s"
        return Finding("local engine", False, f"{version}: {words}", fix)
    return Finding("local engine", True, f"{version} loads and writes")


async def _one_token(path: Path) -> None:
    model = LlamaCppModel(LocalSettings(path=str(path), n_ctx=512))
    try:
        async with asyncio.timeout(_PATIENCE_S):
            async for _ in model.stream(ModelRequest("doctor", "draft", (Message("user", "x"),), 1)):
                pass
    finally:
        await model.close()


def _local(settings: LocalSettings) -> Iterator[Finding]:
    try:
        local = resolved(settings)
        info = inspect(expanded(local.path)) if local.path else None
        servers = tuple(filter(None, (local.base_url, *local.pool)))
        for url in servers:
            host_of(url, setting="[models.local] base_url or pool")
    except HybridcodeError as error:
        yield Finding("local model", False, error.message, error.hint)
        return
    if info is not None:
        detail = f"{local.path}: {info.architecture} {quantisation_of(info)}, {size(info.file_bytes)}"
        yield Finding("local model", True, detail)
        yield _memory(info, local)
    elif servers:
        yield Finding("local model", True, f"{local.name or 'first model'} at {', '.join(servers)} (not asked)")
    else:
        fix = "hybridcode models list shows what fits; hybridcode models pull NAME gets it."
        yield Finding("local model", False, "none; a frontier model would have to write, too", fix)


def _memory(info: GgufInfo, local: LocalSettings) -> Finding:
    free = available_memory()
    fit = plan_fit(info, n_ctx=local.n_ctx, kv_type=local.kv_type, available=free)
    if isinstance(fit, Misfit):
        return Finding("memory", False, fit.message, fit.hint)
    needed = fit.weights_bytes + fit.kv_bytes + fit.compute_bytes
    detail = f"{size(needed)} of {size(free)} free, for {fit.n_ctx:,} tokens with a {fit.kv_type} KV cache"
    return Finding("memory", True, "; ".join((detail, *fit.notes)))


def _threads(local: LocalSettings) -> Finding:
    cores = physical_cores()
    threads = local.threads or max(1, cores - 1)
    detail = f"{threads} of {cores} physical cores"
    if threads > cores:
        fix = f"[models.local] threads = {max(1, cores - 1)}: more threads than cores make llama.cpp many times slower."
        return Finding("threads", False, detail, fix)
    return Finding("threads", True, detail)


def _frontier(
    frontier: FrontierSettings, environ: Mapping[str, str], *, needed: bool, name: str = "frontier"
) -> Finding:
    known = sorted({name for name in (frontier.api_key_env, *KEY_NAMES) if name and environ.get(name)})
    if not frontier.model:
        keys = f"keys set: {', '.join(known)}" if known else "no key is set"
        fix = "hybridcode config set models.frontier.model=NAME, or work with the local model alone."
        return Finding("frontier", not needed, f"none, {keys}", fix)
    key = frontier.api_key_env or f"{provider_of(frontier.model).upper()}_API_KEY"
    if environ.get(key) or (frontier.api_base and not frontier.api_key_env):
        return Finding(name, True, f"{frontier.model}, key in {key}" if environ.get(key) else frontier.model)
    return Finding(name, False, f"{frontier.model}: {key} holds no key", f"export {key}=..., then try again.")


def _sandbox(settings: Settings) -> Finding:
    sandbox = probe() if settings.approval.sandbox == "auto" else NONE
    if settings.approval.sandbox == "off":
        return Finding("sandbox", False, "none: switched off", 'Take --no-sandbox or `sandbox = "off"` away.')
    detail = "; ".join((sandbox.kind, *sandbox.missing))
    if sandbox.kind in ("bwrap", "seatbelt"):
        return Finding("sandbox", True, detail)
    if sandbox.kind == "landlock":
        gaps = "does not keep commands from: " + ", ".join(sandbox.unenforced)
        return Finding("sandbox", True, f"{detail}; {gaps}; makes nothing new directly in the workspace's folder")
    return Finding(
        "sandbox", False, detail, "apt-get install bubblewrap; without it --yes runs only harmless commands."
    )


def _terminal(environ: Mapping[str, str]) -> Finding:
    out = sys.__stdout__  # the screens put something else into sys.stdout
    kind, encoding = environ.get("TERM", ""), (out and out.encoding) or "unknown"
    if out is None or not out.isatty():
        return Finding("terminal", True, "none: `hybridcode run` works, the screens need one")
    columns, rows = shutil.get_terminal_size()
    colours = "no colours" if "NO_COLOR" in environ else environ.get("COLORTERM", "16 or 256 colours")
    detail = f"{kind or 'unknown'}, {columns}x{rows}, {encoding}, {colours}"
    if kind in ("", "dumb"):
        return Finding("terminal", False, detail, "Set TERM, as xterm-256color, or use `hybridcode run`.")
    if "utf" not in encoding.lower():
        return Finding("terminal", False, detail, "export LANG=C.UTF-8")
    if columns < LEAST_COLUMNS:
        return Finding("terminal", False, detail, f"Make it {LEAST_COLUMNS} columns wide at least.")
    return Finding("terminal", True, detail)


def _state(folder: Path) -> Finding:
    base = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(base, os.W_OK):
        return Finding("state folder", False, str(folder), f"Make {base} writable for you.")
    free = shutil.disk_usage(base).free
    if free < LEAST_FREE_BYTES:
        return Finding(
            "state folder", False, f"{folder}: {size(free)} free", "Free some space: sessions are kept there."
        )
    return Finding("state folder", True, f"{folder}, {size(free)} free")
