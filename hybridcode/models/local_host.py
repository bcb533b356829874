"""The child process that owns a GGUF: checks it, loads it, answers one request after the other.

Invariant: the file and the memory are checked before native code sees them.
"""

import asyncio
import threading
from pathlib import Path

from hybridcode.config.settings import LocalSettings
from hybridcode.domain.model import Finished, ModelRequest, Timing, Usage
from hybridcode.models.child import Emit, run
from hybridcode.models.engine import Engine, Generation
from hybridcode.models.fit import Fit, Misfit, available_memory, physical_cores, plan_fit
from hybridcode.models.framing import Load, LoadGguf, Ready
from hybridcode.models.gguf import BadGguf, GgufInfo, inspect
from hybridcode.models.llama import Llama, LlamaOptions, Runtime
from hybridcode.models.problems import Trouble


class LocalBackend:
    """One GGUF, one context, one answer at a time; further requests wait."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._turn = asyncio.Lock()

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
        loop = asyncio.get_running_loop()

        def on_text(text: str) -> None:
            loop.call_soon_threadsafe(emit, text, False)

        cancelled = threading.Event()
        async with self._turn:
            work = asyncio.create_task(
                asyncio.to_thread(engine.generate, request, on_text, is_cancelled=cancelled.is_set)
            )
            try:
                generation = await asyncio.shield(work)
            except asyncio.CancelledError:
                cancelled.set()
                generation = await work
        return _finished(generation)

    def _load(self, settings: LocalSettings) -> Ready:
        info = _checked(Path(settings.path).expanduser())
        runtime = Runtime()
        wants_gpu = runtime.has_gpu and settings.gpu_layers != 0
        fit = _fitting(info, settings, available=None if wants_gpu else available_memory())
        threads = settings.threads or max(1, physical_cores() - 1)
        options = LlamaOptions(
            path=info.path,
            n_ctx=fit.n_ctx,
            threads=threads,
            gpu_layers=settings.gpu_layers if wants_gpu else 0,
            kv_type=settings.kv_type,
        )
        llama = Llama(runtime, options)
        self._engine = Engine(llama)
        return Ready(Path(info.path).stem, n_ctx=llama.n_ctx, notes=fit.notes)


def _checked(path: Path) -> GgufInfo:
    try:
        return inspect(path)
    except BadGguf as error:
        raise Trouble("unavailable", error.message, error.hint) from error


def _fitting(info: GgufInfo, settings: LocalSettings, *, available: int | None) -> Fit:
    match plan_fit(info, n_ctx=settings.n_ctx, kv_type=settings.kv_type, available=available):
        case Misfit(message=message, hint=hint):
            raise Trouble("unavailable", message, hint)
        case fit:
            return fit


def _finished(generation: Generation) -> Finished:
    usage = Usage(
        input_tokens=generation.prompt_tokens,
        output_tokens=generation.output_tokens,
        cached_tokens=generation.reused_tokens,
    )
    return Finished(generation.finish, usage, Timing(), cost_usd=0.0)


if __name__ == "__main__":
    run(LocalBackend)
