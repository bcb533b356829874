"""The child process that owns a GGUF: checks it, loads it, answers one request after the other.

Invariant: the file and the memory are checked before native code sees them.
"""

import asyncio
import sys
import threading
from pathlib import Path
from typing import Literal

from hybridcode.config.paths import cache_dir
from hybridcode.config.settings import LocalSettings
from hybridcode.domain.model import Finished, ModelRequest, Timing, Usage
from hybridcode.models.child import Emit, run
from hybridcode.models.engine import Engine, Generation, Speculation
from hybridcode.models.fit import MARGIN_BYTES, Fit, Misfit, available_memory, plan_fit, recurrent_bytes, usable_threads
from hybridcode.models.framing import Load, LoadGguf, Ready
from hybridcode.models.gguf import BadGguf, GgufInfo, inspect
from hybridcode.models.kv_files import KvFiles
from hybridcode.models.llama import Llama, LlamaOptions
from hybridcode.models.llama_library import NextTokens, Runtime
from hybridcode.models.llama_mtp import MTP_DRAFT, NextTokenDrafter
from hybridcode.models.problems import Trouble
from hybridcode.models.speculation import MOST_DRAFTED, Pace, PromptLookup

Manner = Literal["off", "lookup", "mtp"]

_MB = 1024 * 1024
_ROLLBACK: dict[Manner, int] = {"off": 0, "lookup": 4, "mtp": MTP_DRAFT}
_CPU_SLOPE, _GPU_SLOPE = 0.7, 0.1
"""What a further token costs in a pass, as a share of a pass over one, until it is measured."""


class LocalBackend:
    """One GGUF, one context, one answer at a time; further requests wait."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._turn = asyncio.Lock()
        self._keeps = False
        """Computed prompts are kept on disk."""

    async def load(self, load: Load) -> Ready:
        """Check the file and the memory, then load."""
        if not isinstance(load, LoadGguf):
            raise Trouble("invalid", f"A GGUF cannot be loaded with {type(load).__name__}.")
        return await asyncio.to_thread(self._load, load.settings)

    async def answer(self, request: ModelRequest, emit: Emit) -> Finished:
        """Generate in a thread; being cancelled stops the native code through its abort callback."""
        engine = self._engine
        if engine is None:
            raise Trouble("invalid", "The model is not loaded.")

        def on_text(text: str) -> None:
            emit(text, False)

        cancelled = threading.Event()
        async with self._turn:
            work = asyncio.create_task(
                asyncio.to_thread(engine.generate, request, on_text, is_cancelled=cancelled.is_set)
            )
            try:
                generation = await asyncio.shield(work)
            except asyncio.CancelledError:
                cancelled.set()
                engine.stop()
                generation = await work
            if self._keeps:
                await _to_its_end(asyncio.create_task(asyncio.to_thread(engine.store)))
        return _finished(generation)

    def _load(self, settings: LocalSettings) -> Ready:
        info = _checked(Path(settings.path).expanduser())
        runtime = Runtime()
        uses_gpu = runtime.has_gpu and settings.gpu_layers != 0
        manner = _manner(info, settings, runtime.next_tokens, uses_gpu=uses_gpu)
        rollback = _ROLLBACK[manner] if recurrent_bytes(info) else 0
        vram = runtime.free_vram() if uses_gpu and settings.gpu_layers < 0 else None
        fit = _fitting(info, settings, vram=vram, rollback=rollback)
        options = LlamaOptions(
            path=info.path,
            n_ctx=fit.n_ctx,
            threads=usable_threads(settings.threads),
            gpu_layers=(settings.gpu_layers if fit.gpu_layers is None else fit.gpu_layers) if uses_gpu else 0,
            kv_type=fit.kv_type,
            rollback=rollback,
            with_next_layer=manner == "mtp",
        )
        left = _left_by(fit)
        llama = Llama(runtime, options)
        if llama.is_recurrent and not rollback:
            manner = "off"  # guesses could not be taken back
        self._engine = Engine(
            llama,
            cache_bytes=min(settings.cache_mb * _MB, left),
            shelf=_shelf(info, settings, options, runtime.library.__version__),
            speculation=_speculation(llama, manner, runtime.next_tokens, is_free=settings.speculation != "auto"),
        )
        self._keeps = settings.disk_cache_mb > 0
        return Ready(Path(info.path).stem, n_ctx=llama.n_ctx, notes=fit.notes)


async def _to_its_end(work: asyncio.Task[None]) -> None:
    """Native code is at work: a cancellation waits for it."""
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        await work


def _left_by(fit: Fit) -> int:
    """Bytes of memory that will be free beside a model as it was fitted; asked before it is loaded."""
    available = available_memory()
    if available is None:
        return sys.maxsize
    return max(0, available - MARGIN_BYTES - fit.weights_bytes - fit.kv_bytes - fit.compute_bytes)


def _manner(info: GgufInfo, settings: LocalSettings, functions: NextTokens | None, *, uses_gpu: bool) -> Manner:
    """Who guesses: the model's own layer where the file has one and this build can use it, else the prompt.

    On a processor a recurrent model is left alone: checking guesses costs as much as they save, and each token that can
    be taken back costs a state.
    """
    wanted = settings.speculation
    has_layer = bool(info.number("nextn_predict_layers")) and functions is not None
    if wanted == "auto":
        if has_layer:
            return "mtp"
        return "off" if recurrent_bytes(info) and not uses_gpu else "lookup"
    if wanted == "mtp" and not has_layer:
        raise Trouble(
            "unavailable",
            f"{info.path} carries no layer that predicts further tokens (MTP), or this llama.cpp cannot use it.",
            "Set [models.local] speculation = 'auto'.",
        )
    return wanted


def _speculation(llama: Llama, manner: Manner, functions: NextTokens | None, *, is_free: bool) -> Speculation | None:
    """`is_free`: drafts are as long as can be, whatever they cost."""
    slope = _GPU_SLOPE if llama.options.gpu_layers else _CPU_SLOPE
    match manner:
        case "off":
            return None
        case "lookup":
            lookup = PromptLookup(MOST_DRAFTED if not llama.options.rollback else llama.options.rollback)
            return Speculation(lookup, None if is_free else Pace(kinds=lookup.kinds, slope=slope))
        case "mtp":
            assert functions is not None
            layer = NextTokenDrafter(llama, functions)
            return Speculation(layer, None if is_free else Pace(kinds=layer.kinds, slope=slope), observer=layer)


def _shelf(info: GgufInfo, settings: LocalSettings, options: LlamaOptions, version: str) -> KvFiles | None:
    if settings.disk_cache_mb <= 0:
        return None
    status = Path(info.path).stat()
    key: dict[str, str | int] = {
        "path": str(Path(info.path).resolve()),
        "bytes": status.st_size,
        "changed": status.st_mtime_ns,
        "library": version,
        "kv": options.kv_type,
        "threads": options.threads,
        "gpu_layers": options.gpu_layers,
        "rollback": options.rollback,
        "next_layer": options.with_next_layer,
    }
    return KvFiles(cache_dir() / "kv", key=key, most_bytes=settings.disk_cache_mb * _MB, most_tokens=options.n_ctx)


def _checked(path: Path) -> GgufInfo:
    try:
        return inspect(path)
    except BadGguf as error:
        raise Trouble("unavailable", error.message, error.hint) from error


def _fitting(info: GgufInfo, settings: LocalSettings, *, vram: int | None, rollback: int) -> Fit:
    available = available_memory()
    fit = plan_fit(
        info, n_ctx=settings.n_ctx, kv_type=settings.kv_type, available=available, vram=vram, rollback=rollback
    )
    if isinstance(fit, Misfit):
        raise Trouble("unavailable", fit.message, fit.hint)
    return fit


def _finished(generation: Generation) -> Finished:
    usage = Usage(
        input_tokens=generation.prompt_tokens,
        output_tokens=generation.output_tokens,
        cached_tokens=generation.reused_tokens,
    )
    timing = Timing(
        first_token_s=generation.prompt_s,
        decode_tps=generation.decode_tps,
        tokens_per_call=generation.tokens_per_pass,
    )
    return Finished(generation.finish, usage, timing, cost_usd=0.0)


if __name__ == "__main__":
    run(LocalBackend)
