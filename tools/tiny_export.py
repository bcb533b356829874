"""Writes the trained network as a GGUF file that llama.cpp loads as `qwen2`.

Invariant: the file holds the tokenizer and the ChatML template, so that nothing beside it is needed to run it.
"""

import json
from pathlib import Path
from typing import Literal

import gguf
from tokenizers import Tokenizer
from torch import Tensor

from tools.tiny_net import CHAT_TEMPLATE, IM_END, SPECIAL, Net

FileType = Literal["f32", "f16", "q8_0"]
_QUANTS = {
    "f32": (gguf.GGMLQuantizationType.F32, gguf.LlamaFileType.ALL_F32),
    "f16": (gguf.GGMLQuantizationType.F16, gguf.LlamaFileType.MOSTLY_F16),
    "q8_0": (gguf.GGMLQuantizationType.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
}


def export(net: Net, tokenizer: Tokenizer, path: Path, file_type: FileType) -> None:
    """Write `path` anew; norms and biases stay f32."""
    writer = gguf.GGUFWriter(str(path), "qwen2")
    _add_shape(writer, net, file_type)
    _add_tokenizer(writer, tokenizer)
    for name, tensor in _tensors(net).items():
        quant = _QUANTS[file_type][0]
        data = tensor.detach().float().numpy()
        if data.ndim == 1 or file_type == "f32":
            writer.add_tensor(name, data)
        else:
            writer.add_tensor(name, gguf.quants.quantize(data, quant), raw_dtype=quant)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_shape(writer: gguf.GGUFWriter, net: Net, file_type: FileType) -> None:
    shape = net.shape
    writer.add_name("hybridcode-tiny")
    writer.add_license("Apache-2.0")
    writer.add_description("A test fixture trained on generated edits; not a coding model.")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_file_type(_QUANTS[file_type][1])


def _add_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    vocabulary = tokenizer.get_vocab()
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    kinds = [gguf.TokenType.CONTROL if token in SPECIAL else gguf.TokenType.NORMAL for token in tokens]
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(IM_END)
    writer.add_pad_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _tensors(net: Net) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {"token_embd.weight": net.embedding.weight, "output_norm.weight": net.norm.scale}
    for index, block in enumerate(net.stack):
        parts = {"attn_norm": block.attention_norm.scale, "ffn_norm": block.inner_norm.scale}
        parts |= {f"attn_{name}": getattr(block, name).weight for name in "qkv"}
        parts |= {"attn_output": block.out.weight, "ffn_gate": block.gate.weight}
        parts |= {"ffn_up": block.up.weight, "ffn_down": block.down.weight}
        tensors |= {f"blk.{index}.{name}.weight": tensor for name, tensor in parts.items()}
        tensors |= {f"blk.{index}.attn_{name}.bias": getattr(block, name).bias for name in "qkv"}
    return tensors
