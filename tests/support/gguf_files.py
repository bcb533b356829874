"""Writes small GGUF files byte by byte: whole ones, and ones that are wrong in one place.

Invariant: independent of the reader under test and of the gguf package.
"""

import struct
from collections.abc import Mapping

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
