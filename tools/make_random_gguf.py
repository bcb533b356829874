"""Writes a GGUF with random weights that llama.cpp loads: for tests of loading, memory, speed and failures.

Run from the repository's root: `python -m tools.make_random_gguf OUT.gguf --preset tiny`. Needs numpy and gguf; the type
q4_k_m needs llama-cpp-python as well, whose quantizer makes it.
Invariant: equal arguments give an equal file; the tokenizer covers every byte and the chat template is ChatML.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import gguf
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHAT_TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
QUANTS = {name: gguf.GGMLQuantizationType[name.upper()] for name in ("f32", "f16", "q8_0", "q4_0")}
MIXES = {"q4_k_m": 15}
"""Mixtures that llama.cpp's quantizer makes -> its number for them (LLAMA_FTYPE)."""


@dataclass(frozen=True)
class Preset:
    """Sizes of a network. `state` is the width of a recurrent head; 0 = attention in every layer. `drafts` adds a layer
    that predicts the token after the next one (MTP)."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    inner: int
    vocab: int
    head_width: int = 0
    state: int = 0
    groups: int = 0
    value_heads: int = 0
    drafts: bool = False

    @property
    def head(self) -> int:
        return self.head_width or self.width // self.heads

    @property
    def architecture(self) -> str:
        return "qwen35" if self.state else "qwen2"

    def attends(self, layer: int) -> bool:
        """Hybrids attend in every fourth layer and are recurrent in the others; the layer that drafts attends."""
        return not self.state or (layer + 1) % 4 == 0 or layer >= self.layers


PRESETS = {
    "tiny": Preset(layers=2, width=64, heads=4, kv_heads=2, inner=128, vocab=320),
    "mid": Preset(layers=12, width=512, heads=8, kv_heads=2, inner=1408, vocab=32_768),
    "half": Preset(layers=24, width=896, heads=14, kv_heads=2, inner=4864, vocab=151_936),
    "hybrid": Preset(
        layers=4, width=64, heads=2, kv_heads=1, inner=128, vocab=320, head_width=32, state=32, groups=2, value_heads=4
    ),
    "half-hybrid": Preset(
        layers=24, width=1024, heads=8, kv_heads=2, inner=3584, vocab=151_936, head_width=256, state=128, groups=16,
        value_heads=16,
    ),
}  # fmt: skip

Sizes = tuple[int, ...]


def tensors(preset: Preset) -> Iterator[tuple[str, Sizes, float | None]]:
    """Name, sizes and constant value (None = random) of every tensor."""
    yield "token_embd.weight", (preset.vocab, preset.width), None
    yield "output_norm.weight", (preset.width,), 1.0
    for layer in range(preset.layers + preset.drafts):
        part = _attention(preset) if preset.attends(layer) else _recurrence(preset)
        for name, sizes, value in (*part, *_inner(preset)):
            yield f"blk.{layer}.{name}", sizes, value
    if preset.drafts:
        yield f"blk.{preset.layers}.nextn.eh_proj.weight", (preset.width, 2 * preset.width), None
        for name in ("enorm", "hnorm", "shared_head_norm"):
            yield f"blk.{preset.layers}.nextn.{name}.weight", (preset.width,), 1.0


def _attention(preset: Preset) -> Iterator[tuple[str, Sizes, float | None]]:
    queries, keys = preset.head * preset.heads, preset.head * preset.kv_heads
    yield "attn_q.weight", (queries * (2 if preset.state else 1), preset.width), None
    yield "attn_k.weight", (keys, preset.width), None
    yield "attn_v.weight", (keys, preset.width), None
    yield "attn_output.weight", (preset.width, queries), None
    if preset.state:
        yield "attn_q_norm.weight", (preset.head,), 1.0
        yield "attn_k_norm.weight", (preset.head,), 1.0
        return
    yield "attn_q.bias", (queries,), 0.0
    yield "attn_k.bias", (keys,), 0.0
    yield "attn_v.bias", (keys,), 0.0


def _recurrence(preset: Preset) -> Iterator[tuple[str, Sizes, float | None]]:
    keys, values = preset.state * preset.groups, preset.state * preset.value_heads
    yield "attn_qkv.weight", (keys * 2 + values, preset.width), None
    yield "attn_gate.weight", (values, preset.width), None
    yield "ssm_conv1d.weight", (keys * 2 + values, 4), None
    yield "ssm_dt.bias", (preset.value_heads,), 0.5
    yield "ssm_a", (preset.value_heads,), -0.5
    yield "ssm_beta.weight", (preset.value_heads, preset.width), None
    yield "ssm_alpha.weight", (preset.value_heads, preset.width), None
    yield "ssm_norm.weight", (preset.state,), 1.0
    yield "ssm_out.weight", (preset.width, values), None


def _inner(preset: Preset) -> Iterator[tuple[str, Sizes, float | None]]:
    yield "attn_norm.weight", (preset.width,), 1.0
    yield ("post_attention_norm.weight" if preset.state else "ffn_norm.weight"), (preset.width,), 1.0
    yield "ffn_gate.weight", (preset.inner, preset.width), None
    yield "ffn_up.weight", (preset.inner, preset.width), None
    yield "ffn_down.weight", (preset.width, preset.inner), None


def write(
    path: Path,
    preset: Preset,
    *,
    quant: str = "f16",
    context: int = 32_768,
    seed: int = 0,
    fixed: Mapping[str, "NDArray[np.float32]"] | None = None,
) -> int:
    """Write the file; return the number of weights. `fixed` gives tensors that are not random, also further ones."""
    fixed = fixed or {}
    if quant in MIXES:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            whole = Path(folder) / "f16.gguf"
            count = write(whole, preset, context=context, seed=seed, fixed=fixed)
            quantize(whole, path, MIXES[quant])
        return count
    writer = gguf.GGUFWriter(str(path), preset.architecture)
    _add_shape(writer, preset, context)
    _add_tokenizer(writer, preset.vocab)
    rng, count = np.random.default_rng(seed), 0
    known = list(tensors(preset))
    further = [(name, data.shape, None) for name, data in fixed.items() if name not in {tensor[0] for tensor in known}]
    for name, sizes, value in [*known, *further]:
        count += int(np.prod(sizes))
        if name in fixed:
            writer.add_tensor(name, fixed[name])
            continue
        if value is not None:
            writer.add_tensor(name, np.full(sizes, value, np.float32))
            continue
        data = rng.standard_normal(sizes, dtype=np.float32) / np.float32(np.sqrt(sizes[-1]))
        # The convolution's rows are shorter than a quantisation block.
        kind = QUANTS["f32" if name.endswith("conv1d.weight") else quant]
        if kind == gguf.GGMLQuantizationType.F32:
            writer.add_tensor(name, data)
        else:
            writer.add_tensor(name, gguf.quants.quantize(data, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return count


def quantize(source: Path, target: Path, mixture: int) -> None:
    """Let llama.cpp quantize a file. Raises: OSError."""
    llama = import_module("llama_cpp")
    parameters = llama.llama_model_quantize_default_params()
    parameters.ftype = mixture
    if llama.llama_model_quantize(str(source).encode(), str(target).encode(), parameters):
        raise OSError(f"llama.cpp cannot quantize {source}")


def _add_shape(writer: gguf.GGUFWriter, preset: Preset, context: int) -> None:
    writer.add_name("random")
    writer.add_context_length(context)
    writer.add_embedding_length(preset.width)
    writer.add_block_count(preset.layers + preset.drafts)
    writer.add_feed_forward_length(preset.inner)
    writer.add_head_count(preset.heads)
    writer.add_head_count_kv(preset.kv_heads)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    writer.add_key_length(preset.head)
    writer.add_value_length(preset.head)
    if not preset.state:
        return
    writer.add_rope_dimension_count(preset.head // 4 * 2)
    writer.add_rope_dimension_sections([preset.head // 8, preset.head // 16, preset.head // 16, 0])
    writer.add_ssm_conv_kernel(4)
    writer.add_ssm_state_size(preset.state)
    writer.add_ssm_group_count(preset.groups)
    writer.add_ssm_time_step_rank(preset.value_heads)
    writer.add_ssm_inner_size(preset.state * preset.value_heads)
    writer.add_uint32("qwen35.full_attention_interval", 4)
    if preset.drafts:
        writer.add_uint32("qwen35.nextn_predict_layers", 1)


def _add_tokenizer(writer: gguf.GGUFWriter, vocab: int) -> None:
    merges = [(a, b) for a in "etaoinsr" for b in "etaoinsr"][: min(61, vocab - 259)]
    known = [*SPECIAL, *byte_alphabet(), *(a + b for a, b in merges)]
    unused = [f"<unused{number}>" for number in range(vocab - len(known))]
    kinds = [gguf.TokenType.CONTROL] * len(SPECIAL) + [gguf.TokenType.NORMAL] * (len(known) - len(SPECIAL))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*known, *unused])
    writer.add_token_types([*kinds, *([gguf.TokenType.UNUSED] * len(unused))])
    writer.add_token_merges([f"{a} {b}" for a, b in merges])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def byte_alphabet() -> list[str]:
    """The 256 printable stand-ins for bytes in GPT-2's tokenizer."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]


def main(argv: list[str]) -> int:
    """Read the command line and write the file."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_random_gguf", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--preset", choices=PRESETS, default="tiny")
    parser.add_argument("--type", choices=(*QUANTS, *MIXES), default="f16")
    parser.add_argument("--mtp", action="store_true", help="a layer that drafts the next token; hybrids only")
    parser.add_argument("--context", type=int, default=32_768)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    preset = replace(PRESETS[args.preset], drafts=args.mtp)
    if preset.drafts and not preset.state:
        parser.error("--mtp needs a hybrid preset")
    count = write(args.out, preset, quant=args.type, context=args.context, seed=args.seed)
    print(f"{args.out}: {count:,} weights, {args.type}, {args.out.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
