"""Whether a model fits into memory, before it is loaded.

Invariant: a context is shrunk at most to MIN_CTX; below that the answer is no, with the numbers.
"""

import os
from pathlib import Path
from typing import Literal

import msgspec

from hybridcode.models.gguf import GgufInfo

KvType = Literal["f16", "q8_0", "q4_0"]

MIN_CTX = 2_048
"""Tokens of the smallest context that is still worth loading."""
MARGIN_BYTES = 256 * 1024 * 1024
"""Left free for compute buffers and everything else."""

_KV_BYTES: dict[KvType, float] = {"f16": 2.0, "q8_0": 1.0625, "q4_0": 0.5625}
_PROC = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


class Fit(msgspec.Struct, frozen=True):
    """The context that can be had."""

    n_ctx: int
    weights_bytes: int
    kv_bytes: int
    notes: tuple[str, ...] = ()


class Misfit(msgspec.Struct, frozen=True):
    """Too large, with the numbers."""

    message: str
    hint: str


def plan_fit(model: GgufInfo, *, n_ctx: int, kv_type: KvType, available: int | None) -> Fit | Misfit:
    """Choose the context for `available` bytes of memory (None: unknown, nothing is refused)."""
    notes: list[str] = []
    trained = model.context_length
    if trained is not None and n_ctx > trained:
        notes.append(f"n_ctx {n_ctx:,} is more than the model's own {trained:,} tokens; {trained:,} are used")
        n_ctx = trained
    per_token = kv_bytes_per_token(model, kv_type)
    weights = model.tensor_bytes
    if available is None:
        return Fit(n_ctx, weights, per_token * n_ctx, tuple(notes))
    room = available - MARGIN_BYTES - weights
    fits = n_ctx if not per_token else min(n_ctx, max(0, room) // per_token)
    if room < 0 or fits < min(n_ctx, MIN_CTX):
        return Misfit(
            f"The model needs {_gib(weights)} for its weights and {_gib(per_token * min(n_ctx, MIN_CTX))} for "
            f"{min(n_ctx, MIN_CTX):,} tokens; {_gib(available)} of memory are free.",
            "Choose a smaller model or quantisation, set kv_type = 'q8_0', or use a server: [models.local] base_url.",
        )
    if fits < n_ctx:
        fits -= fits % 256
        notes.append(f"n_ctx lowered from {n_ctx:,} to {fits:,} tokens: {_gib(available)} of memory are free")
    return Fit(fits, weights, per_token * fits, tuple(notes))


def kv_bytes_per_token(model: GgufInfo, kv_type: KvType) -> int:
    """Bytes of KV cache for one token: layers with attention x KV heads x (key + value length) x bytes of a value."""
    layers = model.number("block_count") or 0
    heads = model.number("attention.head_count") or 1
    kv_heads = model.number("attention.head_count_kv") or heads
    usual = (model.number("embedding_length") or 0) // heads
    key = model.number("attention.key_length") or usual
    value = model.number("attention.value_length") or usual
    interval = model.number("full_attention_interval") or 1
    return int(layers // max(1, interval) * kv_heads * (key + value) * _KV_BYTES[kv_type])


def available_memory() -> int | None:
    """Bytes that can be used without swapping, within the container's limit; None where nobody says."""
    limits = [limit for limit in (_system_memory(), _cgroup_room()) if limit is not None]
    return min(limits, default=None)


def physical_cores() -> int:
    """Cores of this process, hyper-threads counted once; at least 1."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    siblings = {_siblings(cpu) for cpu in usable}
    return max(1, len(siblings))


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
