"""Canonical bytes and their digests: equal values always give equal bytes.

Invariant: the canonical form is JSON with sorted keys, no blanks, UTF-8, bytes as base64.
"""

import hashlib
from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder(order="sorted")


def canonical_json(value: Any) -> bytes:
    """Encode a msgspec value (or plain JSON data) as canonical JSON bytes."""
    return _ENCODER.encode(value)


def sha256_hex(data: bytes) -> str:
    """Lower-case hexadecimal SHA-256 of `data` (64 characters)."""
    return hashlib.sha256(data).hexdigest()


def digest_of(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`."""
    return sha256_hex(canonical_json(value))
