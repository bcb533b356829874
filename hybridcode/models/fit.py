"""Whether a model fits into memory, before it is loaded.

Invariant: a context is shrunk at most to MIN_CTX; below that the answer is no, with the numbers. What a fit says it
takes is never more than there is.
"""

import os
from pathlib import Path
from typing import Literal

import msgspec

from hybridcode.models.gguf import GgufInfo

KvType = Literal["f16", "q8_0", "q4_0"]

MIN_CTX = 2_048
"""Tokens of the smallest context that is still worth loading."""
MOST_CTX = 1_048_576
"""Tokens of the largest context that is made, whatever a file or a setting claims."""
COMFORTABLE_CTX = 8_192
"""Tokens below which the KV cache is quantised before the context gets shorter still."""
MARGIN_BYTES = 192 * 1024 * 1024
"""Left free for the library itself and everything else."""

_SMALLER: KvType = "q8_0"
FLASH_PASS, PLAIN_PASS = 512, 128
"""Tokens of one pass over the weights with flash attention, and without: there the scratch space grows with their
number times the context."""
_FLOAT, _MASK = 4, 2
"""Bytes of an activation, and of an entry of the attention's mask."""
_KV_BYTES: dict[KvType, float] = {"f16": 2.0, "q8_0": 1.0625, "q4_0": 0.5625}
_PROC = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


class Fit(msgspec.Struct, frozen=True):
    """The context that can be had."""

    n_ctx: int
    weights_bytes: int
    kv_bytes: int
    """Of the whole context."""
    kv_type: KvType = "f16"
    compute_bytes: int = 0
    """Scratch space of a pass, and the states of recurrent layers."""
    gpu_layers: int | None = None
    """Layers that the GPU takes, where that was worked out; None = as configured."""
    notes: tuple[str, ...] = ()


class Misfit(msgspec.Struct, frozen=True):
    """Too large, with the numbers."""

    message: str
    hint: str


class Need(msgspec.Struct, frozen=True):
    """What a model needs beside its weights."""

    kv_per_token: int
    fixed: int
    """Bytes that do not depend on the context."""
    per_token: int
    """Scratch bytes for each token of the context."""

    def tokens_in(self, room: int) -> int:
        """How long a context fits into `room` bytes."""
        return max(0, room - self.fixed) // max(1, self.kv_per_token + self.per_token)

    def total(self, n_ctx: int) -> int:
        """Bytes for a context of that length."""
        return self.fixed + n_ctx * (self.kv_per_token + self.per_token)


def plan_fit(
    model: GgufInfo, *, n_ctx: int, kv_type: KvType, available: int | None, vram: int | None = None, rollback: int = 0
) -> Fit | Misfit:
    """Choose context, KV type and layers on the GPU for what memory there is.

    A context that does not fit is shortened, to COMFORTABLE_CTX at most; then the KV cache is quantised (q8_0, with
    flash attention); then the context is shortened to MIN_CTX; then the answer is no.

    Args:
        available: bytes of memory; None: unknown, nothing is refused.
        vram: bytes of GPU memory that layers may be put into; None: no GPU is used.
        rollback: tokens that a recurrent memory has to be able to take back.
    """
    if n_ctx < 1:
        return Misfit(f"n_ctx is {n_ctx:,}; a context has at least one token.", "Set [models.local] n_ctx, as 16384.")
    notes: list[str] = []
    if n_ctx > MOST_CTX:
        notes.append(f"n_ctx {n_ctx:,} is lowered to {MOST_CTX:,} tokens, the most that is used")
        n_ctx = MOST_CTX
    if (trained := model.context_length) is not None and n_ctx > trained:
        notes.append(f"n_ctx {n_ctx:,} is more than the model's own {trained:,} tokens; {trained:,} are used")
        n_ctx = trained
    if available is not None and vram is not None:
        available += vram
    tried: list[KvType] = [kv_type] if kv_type != "f16" else [kv_type, _SMALLER]
    found: Fit | None = None
    for kind in tried:
        fit = _fitted(
            model,
            need_of(model, kind, rollback=rollback, on_gpu=vram is not None),
            kind,
            n_ctx=n_ctx,
            available=available,
        )
        if fit is not None and (found is None or fit.n_ctx > found.n_ctx):
            found = fit
        if found is not None and found.n_ctx >= min(n_ctx, COMFORTABLE_CTX):
            break
    if found is None or available is None:
        return _refused(model, tried[-1], n_ctx, available or 0, rollback) if found is None else _noted(found, notes)
    if found.n_ctx < n_ctx:
        notes.append(f"n_ctx lowered from {n_ctx:,} to {found.n_ctx:,} tokens: {_gib(available)} of memory are free")
    if found.kv_type != kv_type:
        notes.append(f"the KV cache is {found.kv_type} instead of {kv_type}, to save memory")
    if vram is not None:
        found = _split(model, found, vram, notes)
    return _noted(found, notes)


def uses_flash_attention(kv_type: KvType, *, on_gpu: bool) -> bool:
    """A quantised cache needs it, and a GPU gains by it; a processor decodes up to twice as fast without."""
    return kv_type != "f16" or on_gpu


def need_of(model: GgufInfo, kv_type: KvType, *, rollback: int = 0, on_gpu: bool = False) -> Need:
    """What a model needs beside its weights, by its shape."""
    flash = uses_flash_attention(kv_type, on_gpu=on_gpu)
    tokens = FLASH_PASS if flash else PLAIN_PASS
    width, inner = model.number("embedding_length") or 0, model.number("feed_forward_length") or 0
    experts = (model.number("expert_used_count") or 0) * (model.number("expert_feed_forward_length") or 0)
    scratch = tokens * _FLOAT * (2 * max(inner, experts) + 8 * width)
    states = recurrent_bytes(model) * (1 + rollback)
    heads = model.number("attention.head_count") or 1
    each = tokens * (_MASK if flash else _FLOAT * (heads + 1))
    return Need(kv_bytes_per_token(model, kv_type), scratch + states, each)


def _fitted(model: GgufInfo, need: Need, kind: KvType, *, n_ctx: int, available: int | None) -> Fit | None:
    """With this KV type; None if not even MIN_CTX tokens fit."""
    fits = n_ctx
    if available is not None:
        fits = min(n_ctx, need.tokens_in(available - MARGIN_BYTES - model.tensor_bytes))
        if fits < min(n_ctx, MIN_CTX) or available < MARGIN_BYTES + model.tensor_bytes + need.fixed:
            return None
        fits -= fits % 256 if fits < n_ctx else 0
    kv = need.kv_per_token * fits
    return Fit(fits, model.tensor_bytes, kv, kind, need.total(fits) - kv)


def _split(model: GgufInfo, fit: Fit, vram: int, notes: list[str]) -> Fit:
    """As many layers on the GPU as its memory takes."""
    layers = (model.number("block_count") or 0) + 1
    room = vram - MARGIN_BYTES - fit.compute_bytes
    if fit.weights_bytes + fit.kv_bytes <= room:
        return fit
    count = max(0, room * layers // max(1, fit.weights_bytes + fit.kv_bytes))
    notes.append(f"{count} of {layers} layers are on the GPU: {_gib(vram)} of its memory are free")
    return msgspec.structs.replace(fit, gpu_layers=count)


def _noted(fit: Fit, notes: list[str]) -> Fit:
    return msgspec.structs.replace(fit, notes=tuple(notes))


def _refused(model: GgufInfo, kind: KvType, n_ctx: int, available: int, rollback: int) -> Misfit:
    shortest = min(n_ctx, MIN_CTX)
    need = need_of(model, kind, rollback=rollback).total(shortest)
    return Misfit(
        f"The model needs {_gib(model.tensor_bytes)} for its weights and {_gib(need)} for {shortest:,} tokens with a "
        f"{kind} KV cache; {_gib(available)} of memory are free, of which {_gib(MARGIN_BYTES)} are left alone.",
        "Choose a smaller model or quantisation, or use a server: [models.local] base_url.",
    )


def layers_of(model: GgufInfo) -> int:
    """Layers that every token passes; those that only guess further tokens (MTP) are not counted."""
    return max(0, (model.number("block_count") or 0) - (model.number("nextn_predict_layers") or 0))


def attention_of(model: GgufInfo) -> tuple[int, int]:
    """How many layers attend, and how many KV heads they have together."""
    layers, heads = layers_of(model), model.number("attention.head_count") or 1
    each = model.metadata.get(f"{model.architecture}.attention.head_count_kv")
    if isinstance(each, tuple):
        counts = [count for count in each[:layers] if isinstance(count, int) and count > 0]
        return len(counts), sum(counts)
    attending = layers // max(1, model.number("full_attention_interval") or 1)
    return attending, attending * (model.number("attention.head_count_kv") or heads)


def recurrent_bytes(model: GgufInfo) -> int:
    """Bytes of one state of the recurrent layers; 0 for models that only attend.

    Source: llama.cpp keeps, for each such layer, (convolution - 1) x (inner + 2 x groups x state) and state x inner
    floats.
    """
    inner, state = model.number("ssm.inner_size") or 0, model.number("ssm.state_size") or 0
    if not inner:
        return 0
    width = inner + 2 * (model.number("ssm.group_count") or 0) * state
    floats = ((model.number("ssm.conv_kernel") or 1) - 1) * width + state * inner
    return (layers_of(model) - attention_of(model)[0]) * floats * _FLOAT


def kv_bytes_per_token(model: GgufInfo, kv_type: KvType) -> int:
    """Bytes of KV cache for one token: KV heads of all layers that attend x (key + value length) x bytes of a value."""
    usual = (model.number("embedding_length") or 0) // (model.number("attention.head_count") or 1)
    key = model.number("attention.key_length") or usual
    value = model.number("attention.value_length") or usual
    return int(attention_of(model)[1] * (key + value) * _KV_BYTES[kv_type])


def available_memory() -> int | None:
    """Bytes that can be used without swapping, within the container's limit; None where nobody says."""
    limits = [limit for limit in (_system_memory(), _cgroup_room()) if limit is not None]
    return min(limits, default=None)


def physical_cores() -> int:
    """Cores of this process, hyper-threads counted once; at least 1."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    siblings = {_siblings(cpu) for cpu in usable}
    return max(1, len(siblings))


def usable_threads(wanted: int) -> int:
    """Threads to compute with: as many as are wanted, but never more than processors; 0 = physical cores but one."""
    if wanted < 1:
        return max(1, physical_cores() - 1)
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(wanted, processors)


def _siblings(cpu: int) -> str:
    try:
        return Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text()
    except OSError:
        return str(cpu)


def _system_memory() -> int | None:
    try:
        lines = _PROC.read_text().splitlines()
    except OSError:
        return _three_quarters_of_all()
    found = [line.split() for line in lines if line.startswith("MemAvailable:")]
    return int(found[0][1]) * 1024 if found else None


def _three_quarters_of_all() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 3 // 4
    except (AttributeError, ValueError, OSError):
        return None


def _cgroup_room() -> int | None:
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
        stat = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    cached = int(stat.get("file", 0))
    return max(0, int(limit) - used + cached) if limit.isdecimal() else None


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**27 else f"{size / 2**20:.1f} MiB"
