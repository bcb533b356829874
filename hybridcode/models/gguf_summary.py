"""What a model is and what it takes, told from its header alone.

Invariant: nothing is loaded; figures that are estimates are called so.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hybridcode.models.fit import KvType, attention_of, layers_of, need_of, recurrent_bytes
from hybridcode.models.gguf import GgufInfo, inspect
from hybridcode.models.shelf import parts_of

CONTEXTS = (4_096, 16_384, 32_768, 131_072)
"""Tokens that memory is told for, as far as the model was trained for them."""
KV_TYPES: tuple[KvType, ...] = ("f16", "q8_0", "q4_0")

_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K",
    12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
    20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
    29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4",
}  # fmt: skip
"""ggml type -> name."""
_FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS",
    21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4", 39: "NVFP4",
}  # fmt: skip
"""llama.cpp's `general.file_type` -> name."""
_TEMPLATES = (
    ("<|im_start|>", "ChatML"),
    ("<|start_header_id|>", "Llama 3"),
    ("<|channel|>", "Harmony"),
    ("<|start_of_role|>", "Granite"),
    ("<start_of_turn>", "Gemma"),
    ("<｜User｜>", "DeepSeek"),
    ("[gMASK]", "GLM"),
    ("<|START_OF_TURN_TOKEN|>", "Command R"),
    ("[INST]", "Mistral"),
    ("<|assistant|>", "Phi 3"),
)
"""What stands in a template -> what it is called."""


class Memory(msgspec.Struct, frozen=True):
    """Bytes that one context takes."""

    n_ctx: int
    kv_type: KvType
    weights: int
    kv: int
    recurrent: int
    """State of layers without attention, for one sequence."""
    compute: int
    """An estimate."""
    total: int


class Summary(msgspec.Struct, frozen=True):
    """A model's header, for people and programs; None where the file says nothing."""

    path: str
    name: str
    architecture: str
    bytes: int
    files: int
    """More than one for a split model."""
    parameters: int
    """Numbers in all tensors."""
    quantisation: str
    """The file type, or the type that most bytes have."""
    tensor_types: dict[str, float]
    """Type -> share of the numbers."""
    context_length: int | None
    layers: int | None
    attention_layers: int | None
    experts: int | None
    experts_used: int | None
    nextn_layers: int
    """Layers that draft further tokens (MTP)."""
    vocabulary: int | None
    chat_template: str
    """Its kind; `none` without one, `other` for one that is not known here."""
    licence: str | None
    memory: tuple[Memory, ...]


def summarise(path: Path) -> Summary:
    """Read the header, and those of all parts of a split model.

    Raises:
        BadGguf: when one cannot be read.
    """
    infos = [inspect(part) for part in parts_of(path)]
    info = infos[0]
    shares = _shares(infos)
    return Summary(
        path=info.path,
        name=_text(info, "general.name") or path.stem,
        architecture=info.architecture,
        bytes=sum(part.file_bytes for part in infos),
        files=len(infos),
        parameters=sum(tensor.elements for part in infos for tensor in part.tensors),
        quantisation=_quantisation(info, shares),
        tensor_types=shares,
        context_length=info.context_length,
        layers=layers_of(info) or None,
        attention_layers=attention_of(info)[0] or None,
        experts=info.number("expert_count"),
        experts_used=info.number("expert_used_count"),
        nextn_layers=info.number("nextn_predict_layers") or 0,
        vocabulary=_vocabulary(infos),
        chat_template=template_kind(_text(info, "tokenizer.chat_template")),
        licence=_text(info, "general.license"),
        memory=_memory(infos),
    )


def template_kind(template: str | None) -> str:
    """What a chat template is called, by the marks it sets."""
    if template is None:
        return "none"
    return next((name for mark, name in _TEMPLATES if mark in template), "other")


def quantisation_of(info: GgufInfo) -> str:
    """The file type, or the type of most numbers."""
    return _quantisation(info, _shares([info]))


def _shares(infos: Sequence[GgufInfo]) -> dict[str, float]:
    counted = Counter[str]()
    for tensor in (tensor for info in infos for tensor in info.tensors):
        counted[_TYPES.get(tensor.kind, f"type {tensor.kind}")] += tensor.elements
    everything = sum(counted.values()) or 1
    return {name: round(count / everything, 4) for name, count in counted.most_common()}


def _quantisation(info: GgufInfo, shares: dict[str, float]) -> str:
    file_type = info.metadata.get("general.file_type")
    named = _FILE_TYPES.get(file_type) if isinstance(file_type, int) else None
    return named or next(iter(shares), "unknown")


def _vocabulary(infos: Sequence[GgufInfo]) -> int | None:
    embeddings = (tensor for info in infos for tensor in info.tensors if tensor.name == "token_embd.weight")
    found = next(embeddings, None)
    if found is not None and len(found.shape) == 2:
        return found.shape[1]
    tokens = infos[0].metadata.get("tokenizer.ggml.tokens")
    return len(tokens) if isinstance(tokens, tuple) else infos[0].number("vocab_size")


def _memory(infos: Sequence[GgufInfo]) -> tuple[Memory, ...]:
    info, weights = infos[0], sum(part.tensor_bytes for part in infos)
    trained = info.context_length
    lengths = [length for length in CONTEXTS if trained is None or length <= trained] or [trained or CONTEXTS[0]]
    recurrent = recurrent_bytes(info)
    rows: list[Memory] = []
    for n_ctx in lengths:
        for kv_type in KV_TYPES:
            need = need_of(info, kv_type)
            kv, total = need.kv_per_token * n_ctx, weights + need.total(n_ctx)
            rows.append(Memory(n_ctx, kv_type, weights, kv, recurrent, total - weights - kv - recurrent, total))
    return tuple(rows)


def _text(info: GgufInfo, key: str) -> str | None:
    value = info.metadata.get(key)
    return value if isinstance(value, str) else None
