"""Measures a model as it is used: prompt and decode speed, time to the first token, what memory it takes.

Invariant: everything goes the way of a draft, through the model's own port; a figure that cannot be measured is None.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from hybridcode.config.settings import LocalSettings
from hybridcode.domain.model import Finished, Message, ModelRequest
from hybridcode.domain.ports import Model
from hybridcode.models.bandwidth import read_bandwidth
from hybridcode.models.fit import kv_bytes_per_token, usable_threads
from hybridcode.models.gguf import GgufInfo, inspect

PROMPT_TOKENS = 2_400
"""Of the prompt, where the context is long enough."""
ANSWER_TOKENS = 96
RUNS = 3
"""Answers whose speed is measured; the fastest counts, since other work on a machine only ever slows down."""
_SYSTEM = "You rewrite code exactly as asked, and copy everything else."
_FEWEST_TOKENS = 64

Say = Callable[[str], None]


class BenchResult(msgspec.Struct, frozen=True):
    """What was measured. Rates in tokens a second."""

    model: str
    n_ctx: int | None
    threads: int
    load_s: float
    """Start of the process and loading."""
    prompt_tokens: int
    prompt_tps: float | None
    decode_tps: float | None
    """As configured, guesses included."""
    limit_share: float | None
    """Share of what reading all weights and the KV cache for each pass allows on this machine; None on a GPU."""
    bandwidth_gbs: float | None
    """Gigabytes a second that as many threads read."""
    bytes_per_pass: int | None
    ttft_cold_ms: float | None
    """Time to the first token of a prompt that is new."""
    ttft_warm_ms: float | None
    """The same when only the end of the prompt is new."""
    reused_tokens: int
    """Of that second prompt."""
    tokens_per_call: float | None
    """Output tokens for each pass over the weights."""
    kv_bytes_per_token: int | None
    peak_rss_mb: float | None
    """Of the model's process."""


async def measure(model: Model, settings: LocalSettings, *, say: Say) -> BenchResult:
    """Ask a model that was just made some long questions. `say` hears what is going on.

    Raises: ModelError.
    """
    say("loading")
    started = time.monotonic()
    first, _ = await _answer(model, "Say yes.", tokens=2)
    load_s = time.monotonic() - started
    n_ctx = model.info.n_ctx or settings.n_ctx
    text = _code(min(PROMPT_TOKENS, (n_ctx - ANSWER_TOKENS) * 3 // 4), first.usage.input_tokens)
    say("a new prompt")
    cold, cold_s = await _answer(model, text + _task("one"), tokens=2)
    say("the same prompt with another end")
    warm, warm_s = await _answer(model, text + _task("two"), tokens=2)
    runs: list[Finished] = []
    for number in range(RUNS):
        say(f"answer {number + 1} of {RUNS}")
        runs.append((await _answer(model, text + _task("two"), tokens=ANSWER_TOKENS))[0])
    best = max(runs, key=lambda run: run.timing.decode_tps or 0.0)
    say("memory bandwidth")
    threads = usable_threads(settings.threads)
    info = await asyncio.to_thread(_header, settings)
    return _result(
        model, settings, info, threads=threads, load_s=load_s, cold=(cold, cold_s), warm=(warm, warm_s), best=best
    )


def _header(settings: LocalSettings) -> GgufInfo | None:
    return inspect(Path(settings.path).expanduser()) if settings.path else None


def _result(
    model: Model,
    settings: LocalSettings,
    info: GgufInfo | None,
    *,
    threads: int,
    load_s: float,
    cold: tuple[Finished, float],
    warm: tuple[Finished, float],
    best: Finished,
) -> BenchResult:
    bandwidth = read_bandwidth(threads) if info is not None else None
    passed = None
    if info is not None:
        passed = weights_per_pass(info) + kv_bytes_per_token(info, settings.kv_type) * best.usage.input_tokens
    tps, per_call = best.timing.decode_tps, best.timing.tokens_per_call
    share = tps / (per_call or 1.0) * passed / bandwidth if tps and passed and bandwidth else None
    fresh = cold[0].usage.input_tokens - cold[0].usage.cached_tokens
    cold_s = cold[0].timing.first_token_s or cold[1]
    return BenchResult(
        model=model.info.name,
        n_ctx=model.info.n_ctx,
        threads=threads,
        load_s=round(load_s, 3),
        prompt_tokens=cold[0].usage.input_tokens,
        prompt_tps=_rounded(fresh / cold_s if cold_s else None),
        decode_tps=_rounded(tps),
        limit_share=_rounded(share, 3),
        bandwidth_gbs=_rounded(bandwidth / 1e9 if bandwidth else None),
        bytes_per_pass=passed,
        ttft_cold_ms=_rounded(cold_s * 1000),
        ttft_warm_ms=_rounded((warm[0].timing.first_token_s or warm[1]) * 1000),
        reused_tokens=warm[0].usage.cached_tokens,
        tokens_per_call=_rounded(per_call),
        kv_bytes_per_token=kv_bytes_per_token(info, settings.kv_type) if info is not None else None,
        peak_rss_mb=_peak_mb(getattr(model, "pid", None)),
    )


def weights_per_pass(info: GgufInfo) -> int:
    """Bytes of weights that one token needs: of the experts those that are used, of the embeddings none unless they are
    the output layer too; layers that only guess further tokens are left out."""
    names = {tensor.name for tensor in info.tensors}
    used, all_of_them = info.number("expert_used_count") or 1, info.number("expert_count") or 1
    layers = (info.number("block_count") or 0) - (info.number("nextn_predict_layers") or 0)
    total = 0
    for tensor in info.tensors:
        parts = tensor.name.split(".")
        guesses = parts[0] == "blk" and parts[1].isdigit() and int(parts[1]) >= layers
        if guesses or (tensor.name == "token_embd.weight" and "output.weight" in names):
            continue
        size = tensor.bytes or 0
        total += size * used // all_of_them if "_exps" in tensor.name else size
    return total


async def _answer(model: Model, text: str, *, tokens: int) -> tuple[Finished, float]:
    """The end of an answer of exactly `tokens` tokens, where the model can be told so, and the seconds until its first
    piece."""
    messages = (Message("system", _SYSTEM), Message("user", text))
    request = ModelRequest("bench", "draft", messages, tokens, ignore_end=True)
    started, first = time.monotonic(), None
    async for chunk in model.stream(request):
        first = first or time.monotonic() - started
        if isinstance(chunk, Finished):
            return chunk, first
    raise AssertionError("a stream ends with Finished")


def _code(wanted: int, tokens_of_first: int) -> str:
    """Code of about `wanted` tokens, by the tokens that the first short prompt had."""
    asked = len(_SYSTEM) + len("Say yes.")
    chars = max(_FEWEST_TOKENS, wanted) * max(1, asked // max(1, tokens_of_first))
    lines: list[str] = []
    while chars > 0:
        number = len(lines)
        lines.append(f"def price_{number}(items):\n    return sum(item.price * {number} for item in items)\n")
        chars -= len(lines[-1])
    return "\n".join(lines)


def _task(word: str) -> str:
    return f"\n\nWrite the last function again with `items` renamed to `{word}`."


def _peak_mb(pid: int | None) -> float | None:
    """The most memory that a process held, as Linux tells it."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return round(int(found[0]) / 1024, 1) if found else None


def _rounded(value: float | None, digits: int = 2) -> float | None:
    return None if value is None else round(value, digits)
