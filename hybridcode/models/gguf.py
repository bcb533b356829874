"""What a GGUF file says of itself, and whether it is whole, before any native code sees it.

Invariant: whatever is in the file, reading it ends with a GgufInfo or a BadGguf that has the reason.
Format: the GGUF specification of the ggml project, versions 2 and 3, little endian.
"""

import math
import os
import stat
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

from hybridcode.domain.errors import ModelUnavailable

BadReason = Literal["missing", "not_a_file", "unreadable", "empty", "not_gguf", "version", "truncated", "corrupt"]

MAX_STRING = 16 * 1024 * 1024
"""Bytes of the longest string that is believed."""
MAX_TENSORS = 100_000
MAX_KEYS = 10_000
_SHORT = 4_096
"""Bytes of a string that is read rather than sought past."""
MAX_HEADER = 256 * 1024 * 1024
"""Bytes of the longest header that is read."""
MAX_ELEMENTS = 4_000_000
"""Elements of the longest array that is believed; vocabularies have up to 260,000."""
_KEPT_ARRAY = 4_096
"""Elements of the longest array that is kept; longer ones (the vocabulary) are only passed over."""

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_BLOCKS: dict[int, tuple[int, int]] = {
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    9: (32, 36),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    15: (256, 292),
    16: (256, 66),
    17: (256, 74),
    18: (256, 98),
    19: (256, 50),
    20: (32, 18),
    21: (256, 110),
    22: (256, 82),
    23: (256, 136),
    24: (1, 1),
    25: (1, 2),
    26: (1, 4),
    27: (1, 8),
    28: (1, 8),
    29: (256, 56),
    30: (1, 2),
    34: (256, 54),
    35: (256, 66),
    39: (32, 17),
}
"""ggml type -> (values in a block, bytes of a block)."""

Value = int | float | bool | str | tuple["Value", ...]


class Tensor(msgspec.Struct, frozen=True):
    """One tensor, as the header describes it."""

    name: str
    shape: tuple[int, ...]
    kind: int
    """Its ggml type."""

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int | None:
        """What it takes; None for a type newer than this table."""
        values, size = _BLOCKS.get(self.kind, (0, 0))
        return self.elements // values * size if values else None


class GgufInfo(msgspec.Struct, frozen=True):
    """A file that can be loaded, as far as its header tells."""

    path: str
    file_bytes: int
    metadata: Mapping[str, Value]
    """Keys and values; arrays longer than 4,096 elements are left out."""
    tensor_bytes: int
    """Bytes of all tensors of this file."""
    tensors: tuple[Tensor, ...] = ()
    """All tensors of this file, in its order."""

    @property
    def architecture(self) -> str:
        """As `llama` or `qwen2`."""
        return str(self.metadata.get("general.architecture", ""))

    def number(self, key: str) -> int | None:
        """A whole number under `<architecture>.<key>`; the largest one where it differs from layer to layer."""
        match self.metadata.get(f"{self.architecture}.{key}"):
            case int(value):
                return value
            case tuple(values):
                return max((value for value in values if isinstance(value, int)), default=None)
            case _:
                return None

    @property
    def context_length(self) -> int | None:
        """Tokens the model was trained for."""
        return self.number("context_length")


_HINTS: dict[BadReason, str] = {
    "missing": "Correct [models.local] path, or get a model: `hybridcode models pull`.",
    "not_a_file": "Name the GGUF file itself.",
    "unreadable": "Check the file's permissions, and the disk it is on.",
    "empty": "The download did not start; get the file again.",
    "not_gguf": "llama.cpp needs a GGUF file; other formats have to be converted.",
    "version": "Get a newer conversion of the model, or a newer hybridcode.",
    "truncated": "The download was cut off; get the file again.",
    "corrupt": "The file is damaged; get it again and compare its SHA-256.",
}


class BadGguf(ModelUnavailable):
    """A file that cannot be loaded: why, and what to do."""

    def __init__(self, reason: BadReason, message: str) -> None:
        super().__init__(message, _HINTS[reason])
        self.reason: BadReason = reason


class _Unusable(Exception):
    def __init__(self, reason: BadReason, what: str) -> None:
        super().__init__(what)
        self.reason: BadReason = reason
        self.what = what


def inspect(path: Path) -> GgufInfo:
    """Read the header of a GGUF file and compare its tensors' end with the file's size.

    Raises:
        BadGguf: with the reason, when llama.cpp could not load it either.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a device may do something, opening a pipe may wait for ever
            raise _Unusable("not_a_file", "this is a folder, a pipe or a device")
        with open(path, "rb", opener=_open_at_once) as file:
            return _Reader(file, os.fstat(file.fileno()).st_size).read(path)
    except _Unusable as error:
        raise BadGguf(error.reason, f"{path}: {error.what}") from error
    except FileNotFoundError as error:
        raise BadGguf("missing", f"There is no file {path}.") from error
    except OSError as error:
        raise BadGguf("unreadable", f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # a path that no file can have
        raise BadGguf("missing", f"There is no file {str(path)!r}: {error}.") from error


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


class _Reader:
    """Walks through the header once."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self._tensors: list[Tensor] = []

    def read(self, path: Path) -> GgufInfo:
        if not self._size:
            raise _Unusable("empty", "the file is empty")
        self._check_magic()
        tensors, keys = self._number("Q"), self._number("Q")
        if tensors > MAX_TENSORS or keys > MAX_KEYS:
            raise _Unusable("corrupt", f"the header claims {tensors:,} tensors and {keys:,} keys")
        metadata = dict(filter(None, (self._entry() for _ in range(keys))))
        end = max((self._tensor_end() for _ in range(tensors)), default=0)
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment < 1:
            raise _Unusable("corrupt", f"the alignment is {alignment!r}")
        wanted = math.ceil(self._file.tell() / alignment) * alignment + end
        if wanted > self._size:
            raise _Unusable("truncated", f"the file has {self._size:,} bytes, its tensors need {wanted:,}")
        return GgufInfo(str(path), self._size, metadata, end, tuple(self._tensors))

    def _check_magic(self) -> None:
        magic = self._file.read(4)
        if magic != b"GGUF":
            raise _Unusable("not_gguf", f"the file does not begin with GGUF but with {magic!r}")
        version = self._number("I")
        if version not in (2, 3):
            raise _Unusable("version", f"GGUF version {version} is not supported (2 and 3 are)")

    def _entry(self) -> tuple[str, Value] | None:
        key, kind = self._string(), self._number("I")
        value = self._array(key) if kind == _ARRAY else self._value(kind, key)
        return None if value is None else (key, value)

    def _value(self, kind: int, key: str) -> Value:
        if kind == _STRING:
            return self._string()
        code = _SCALARS.get(kind)
        if code is None:
            raise _Unusable("corrupt", f"the key {key!r} has the unknown type {kind}")
        (value,) = struct.unpack(f"<{code}", self._bytes(struct.calcsize(code)))
        return value

    def _array(self, key: str) -> tuple[Value, ...] | None:
        kind, count = self._number("I"), self._number("Q")
        if kind == _ARRAY or (kind != _STRING and kind not in _SCALARS):
            raise _Unusable("corrupt", f"the key {key!r} is an array of the unknown type {kind}")
        if count > min(self._size, MAX_ELEMENTS):
            raise _Unusable("corrupt", f"the key {key!r} claims {count:,} elements")
        if count <= _KEPT_ARRAY:
            return tuple(self._value(kind, key) for _ in range(count))
        if kind == _STRING:
            self._skip_strings(count)
        else:
            self._skip(count * struct.calcsize(_SCALARS[kind]))
        return None

    def _tensor_end(self) -> int:
        """The end of one tensor, in bytes from the start of the tensor data."""
        name, axes = self._string(), self._number("I")
        if not 1 <= axes <= 4:
            raise _Unusable("corrupt", f"the tensor {name!r} has {axes} axes")
        shape = [self._number("Q") for _ in range(axes)]
        kind, offset = self._number("I"), self._number("Q")
        self._tensors.append(Tensor(name, tuple(shape), kind))
        if kind not in _BLOCKS:  # a type newer than this table: at least its start must be there
            return offset
        values, size = _BLOCKS[kind]
        return offset + math.prod(shape) // values * size

    def _string(self) -> str:
        size = self._number("Q")
        if size > MAX_STRING:
            raise _Unusable("corrupt", f"a string claims {size:,} bytes")
        return self._bytes(size).decode("utf-8", "replace")

    def _number(self, code: Literal["I", "Q"]) -> int:
        (value,) = struct.unpack(f"<{code}", self._bytes(struct.calcsize(code)))
        return value

    def _bytes(self, size: int) -> bytes:
        if self._file.tell() + size > MAX_HEADER:
            raise _Unusable("corrupt", f"its header is longer than {MAX_HEADER:,} bytes")
        data = self._file.read(size)
        if len(data) < size:
            raise _Unusable("truncated", f"the file ends inside its header, after {self._size:,} bytes")
        return data

    def _skip_strings(self, count: int) -> None:
        """Pass over a vocabulary: reading hundreds of thousands of short strings is faster than seeking past each."""
        for _ in range(count):
            size = int.from_bytes(self._bytes(8), "little")
            if size <= _SHORT:
                self._bytes(size)
            else:
                self._skip(size)

    def _skip(self, size: int) -> None:
        if self._file.tell() + size > self._size:
            raise _Unusable("truncated", f"the file ends inside its header, after {self._size:,} bytes")
        self._file.seek(size, 1)
