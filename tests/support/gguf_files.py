"""Writes small GGUF files byte by byte: whole ones, and ones that are wrong in one place.

Invariant: independent of the reader under test and of the gguf package.
"""

import struct
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path

Scalar = int | str | float | bool
Metadata = Mapping[str, Scalar | tuple[Scalar, ...]]


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def value(of: Scalar | tuple[Scalar, ...]) -> bytes:
    match of:
        case bool():
            return struct.pack("<I?", 7, of)
        case int():
            return struct.pack("<II", 4, of)
        case float():
            return struct.pack("<If", 6, of)
        case str():
            return struct.pack("<I", 8) + text(of)
        case _:
            items = [value(item) for item in of]
            kind = items[0][:4] if items else struct.pack("<I", 4)
            return struct.pack("<I", 9) + kind + struct.pack("<Q", len(items)) + b"".join(item[4:] for item in items)


def gguf(
    metadata: Metadata,
    *,
    tensors: Mapping[str, tuple[tuple[int, ...], int, int]] | None = None,
    data: bytes = b"",
    version: int = 3,
    magic: bytes = b"GGUF",
) -> bytes:
    """A file; `tensors` maps names to (shape, ggml type, offset)."""
    tensors = tensors or {}
    head = magic + struct.pack("<IQQ", version, len(tensors), len(metadata))
    head += b"".join(text(key) + value(of) for key, of in metadata.items())
    for name, (shape, kind, offset) in tensors.items():
        head += text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        head += struct.pack("<IQ", kind, offset)
    return head + b"\0" * (-len(head) % 32) + data


QWEN: Metadata = {
    "general.architecture": "qwen2",
    "qwen2.context_length": 4096,
    "qwen2.block_count": 24,
    "qwen2.embedding_length": 896,
    "qwen2.attention.head_count": 14,
    "qwen2.attention.head_count_kv": 2,
    "tokenizer.ggml.tokens": ("a", "b"),
}


def tiny_file() -> Path:
    """The shipped model."""
    with as_file(files("hybridcode") / "assets" / "tiny.gguf") as path:
        return path


def with_template(data: bytes, template: str) -> bytes:
    """The same model with another chat template, filled up with blanks so that its tensors keep their alignment."""
    at = data.index(_TEMPLATE) + len(_TEMPLATE)
    (size,) = struct.unpack_from("<Q", data, at)
    new = template.encode()
    new += b" " * ((size - len(new)) % 32)
    return data[:at] + struct.pack("<Q", len(new)) + new + data[at + 8 + size :]


def without_template(data: bytes) -> bytes:
    """The same model whose chat template goes by a name that nobody looks for."""
    return data.replace(b"tokenizer.chat_template", b"tokenizer.nobodys_names")


def with_number(data: bytes, key: str, number: int) -> bytes:
    """The same model with another value of a 32-bit key."""
    head = text(key) + struct.pack("<I", 4)
    at = data.index(head) + len(head)
    return data[:at] + struct.pack("<I", number) + data[at + 4 :]


def endless(data: bytes) -> bytes:
    """The shipped model without its tokens that end an answer: it goes on up to the limit."""
    data = data.replace(b"<|im_end|>", b"<|im_enx|>").replace(b"<|endoftext|>", b"<|endofxext|>")
    return with_number(data, "tokenizer.ggml.eos_token_id", 767)


def with_weights(data: bytes, *, byte: int, share: float = 1.0, size: int | None = None) -> bytes:
    """The same model with one byte all over its weights, or over `size` bytes at a share of them."""
    at = (len(data) - int(_WEIGHTS_SHARE * len(data) * share)) // 4 * 4
    count = len(data) - at if size is None else size
    return data[:at] + bytes([byte]) * count + data[at + count :]


def with_flipped_bit(data: bytes, bit: int) -> bytes:
    """The same file with one bit the other way round."""
    return data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]


_TEMPLATE = text("tokenizer.chat_template") + struct.pack("<I", 8)
_WEIGHTS_SHARE = 0.98
"""Of the shipped model: the rest is its header."""
