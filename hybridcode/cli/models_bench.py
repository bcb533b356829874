"""`hybridcode models bench`: how fast a model is here, and how far from what this machine allows.

Invariant: figures on stdout, progress on stderr; the model is stopped at the end, whatever happens.
"""

import asyncio
from importlib.resources import as_file, files
from pathlib import Path

import click
import msgspec

from hybridcode.cli import console
from hybridcode.cli.workspace import settings_of, workspace_options
from hybridcode.config.settings import LocalSettings
from hybridcode.domain.ports import Model
from hybridcode.models.bench import BenchResult, measure
from hybridcode.models.local import LlamaCppModel
from hybridcode.models.openai_compatible import ServerModel
from hybridcode.models.shelf import resolved
from hybridcode.session.amounts import size


@click.command()
@click.argument("model", metavar="[PATH|NAME]", default="")
@workspace_options
def bench(model: str, cwd: Path | None, as_json: bool) -> None:
    """Measure MODEL, else the configured local model, else the shipped fixture."""
    settings = settings_of(cwd)[1].settings.models.local
    if model:
        named = {"path": model} if "/" in model or Path(model).is_file() else {"path": "", "name": model}
        settings = msgspec.structs.replace(settings, base_url="", **named)
    with as_file(files("hybridcode") / "assets" / "tiny.gguf") as shipped:
        local = resolved(settings)
        if not local.path and not local.base_url and local.pool:
            local = msgspec.structs.replace(local, base_url=local.pool[0])
        if not local.path and not local.base_url:
            local = msgspec.structs.replace(local, path=str(shipped))
            console.say("no local model is configured: this is the shipped fixture, which is no coding model")
        result = asyncio.run(_measured(local))
    if as_json:
        console.json_data(result)
    else:
        for line in lines_of(result):
            console.data(console.shown(line))


async def _measured(local: LocalSettings) -> BenchResult:
    local = msgspec.structs.replace(local, disk_cache_mb=0)  # a prompt of the last bench would not be new
    model: Model = LlamaCppModel(local) if local.path else ServerModel(local)
    try:
        return await measure(model, local, say=lambda text: console.say(f"{text} ...", dim=True))
    finally:
        await model.close()


def lines_of(result: BenchResult) -> list[str]:
    """The figures for people, each with its unit."""
    limit = "no figure for this machine"
    if result.limit_share is not None and result.bandwidth_gbs is not None:
        allowed = f"what {result.bandwidth_gbs:.1f} GB/s allow ({size(result.bytes_per_pass)} a pass)"
        limit = f"{result.limit_share:.0%} of {allowed}"
    calls = "not told" if result.tokens_per_call is None else f"{result.tokens_per_call:.2f}"
    per_token = "unknown" if result.kv_bytes_per_token is None else size(result.kv_bytes_per_token)
    memory = "unknown" if result.peak_rss_mb is None else f"{result.peak_rss_mb:,.0f} MB"
    return [
        f"model:            {result.model}, context {_or_unknown(result.n_ctx)} tokens, {result.threads} threads",
        f"start and load:   {result.load_s:.2f} s",
        f"prompt:           {_or_unknown(result.prompt_tps)} tokens/s ({result.prompt_tokens:,} tokens)",
        f"decode:           {_or_unknown(result.decode_tps)} tokens/s, {calls} tokens a pass",
        f"limit:            {limit}",
        f"first token:      {_or_unknown(result.ttft_cold_ms)} ms new, {_or_unknown(result.ttft_warm_ms)} ms with "
        f"{result.reused_tokens:,} tokens of the prompt kept",
        f"KV cache:         {per_token} a token",
        f"peak memory:      {memory}",
    ]


def _or_unknown(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,}"
