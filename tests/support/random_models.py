"""Models with random weights for tests on real llama.cpp, and an engine over one in this process.

Invariant: the same preset gives the same file; made once per test run.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from hybridcode.domain.model import Message, ModelRequest
from hybridcode.models.engine import Engine, Generation, Speculation
from hybridcode.models.llama import Llama, LlamaOptions
from hybridcode.models.llama_library import Runtime
from hybridcode.models.llama_mtp import NextTokenDrafter
from hybridcode.models.prefix_cache import Shelf
from hybridcode.models.speculation import PromptLookup
from tools.make_random_gguf import PRESETS, write


@cache
def runtime() -> Runtime:
    """The library, loaded when the first test needs it."""
    return Runtime()


def random_gguf(folder: Path, preset: str, *, drafts: bool = False) -> Path:
    path = folder / f"{preset}{'-mtp' if drafts else ''}.gguf"
    if not path.exists():
        write(path, replace(PRESETS[preset], drafts=drafts), quant="f32")
    return path


def next_in_line(path: Path, *, by_hidden: bool) -> Path:
    """A hybrid whose layers do nothing, so that after token n comes token n + 1. Its layer for further tokens copies
    the token's embedding, or (`by_hidden`) the hidden row that it is paired with."""
    preset = replace(PRESETS["hybrid"], drafts=True)
    width, vocab = preset.width, preset.vocab
    embedding = np.random.default_rng(0).standard_normal((vocab, width), dtype=np.float32)
    fixed = {"token_embd.weight": embedding, "output.weight": np.roll(embedding, 1, axis=0)}
    for layer in range(preset.layers + 1):
        attends = preset.attends(layer)
        name = "attn_output" if attends else "ssm_out"
        inner = preset.head * preset.heads if attends else preset.state * preset.value_heads
        fixed[f"blk.{layer}.{name}.weight"] = np.zeros((width, inner), dtype=np.float32)
        fixed[f"blk.{layer}.ffn_down.weight"] = np.zeros((width, preset.inner), dtype=np.float32)
    one, none = np.eye(width, dtype=np.float32), np.zeros((width, width), dtype=np.float32)
    fixed[f"blk.{preset.layers}.nextn.eh_proj.weight"] = np.hstack((none, one) if by_hidden else (one, none))
    write(path, preset, quant="f32", fixed=fixed)
    return path


def load(path: Path, *, rollback: int = 0, with_next_layer: bool = False, n_ctx: int = 4_096) -> Llama:
    options = LlamaOptions(str(path), n_ctx, 1, 0, rollback=rollback, with_next_layer=with_next_layer)
    return Llama(runtime(), options)


def engine(
    path: Path, manner: str = "off", *, rollback: int = 0, cache_bytes: int = 1 << 28, shelf: Shelf | None = None
) -> Engine:
    llama = load(path, rollback=rollback, with_next_layer=manner == "mtp")
    speculation: Speculation | None = None
    if manner == "lookup":
        speculation = Speculation(PromptLookup(rollback or 16))
    elif manner == "mtp":
        functions = runtime().next_tokens
        assert functions is not None
        layer = NextTokenDrafter(llama, functions)
        speculation = Speculation(layer, observer=layer)
    return Engine(llama, cache_bytes=cache_bytes, shelf=shelf, speculation=speculation)


def chat(user: str, *, system: str = "Be brief.", limit: int = 40, **fields: Any) -> ModelRequest:
    messages = (Message("system", system), Message("user", user))
    return ModelRequest("c", "draft", messages, limit, **fields)


def answer(engine: Engine, request: ModelRequest, *, is_cancelled: Callable[[], bool] = bool) -> tuple[str, Generation]:
    pieces: list[str] = []
    end = engine.generate(request, pieces.append, is_cancelled=is_cancelled)
    return "".join(pieces), end
