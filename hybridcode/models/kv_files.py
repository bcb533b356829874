"""Computed prompts on disk, for the next process with the same model.

Invariant: a file is used only if its digest is right and it was written by the same library for the same model with the
same parameters; the files of all models together stay under the limit; nobody but their owner can read them.
"""

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from hybridcode.models.prefix_cache import Kept, common

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAGIC = b"hybridcode kv 1\n"
_DIGEST_BYTES = 32
_LENGTH_BYTES = 8
_TOKEN_BYTES = 4
_MOST_HEADER = 64 * 1024 * 1024
_SUFFIX = ".kv"
_UNFINISHED = ".part"
_ABANDONED_S = 600.0
"""An unfinished file this old is one of a process that was killed."""


class _Header(msgspec.Struct, frozen=True):
    key: str
    tokens: bytes
    state_bytes: int
    marks: tuple[tuple[int, int], ...]
    """Place and size of each, in the order in which they follow the state."""


class KvFiles:
    """A folder of states. `key` names everything that a state depends on beside its tokens."""

    def __init__(self, folder: Path, *, key: Mapping[str, str | int], most_bytes: int, most_tokens: int) -> None:
        self._folder, self._most_bytes, self._most_tokens = folder, most_bytes, most_tokens
        self._key = hashlib.sha256(msgspec.json.encode(sorted(key.items()))).hexdigest()

    def best(self, prompt: "NDArray[np.int32]") -> Kept | None:
        """The state that begins most like `prompt`; None if there is none, or it is damaged."""
        found: tuple[int, Path] | None = None
        for path in self._files():
            header = _header_of(path)
            if header is not None and header.key == self._key:
                tokens = np.frombuffer(header.tokens, dtype=np.int32)
                size = common(tokens, prompt)
                if size and len(tokens) <= self._most_tokens and (found is None or size > found[0]):
                    found = size, path
        if found is None:
            return None
        kept = _read(found[1])
        if kept is None:
            found[1].unlink(missing_ok=True)
        else:
            with contextlib.suppress(OSError):
                os.utime(found[1])
        return kept

    def put(self, kept: Kept) -> None:
        """Write a state in place of shorter ones that it begins with; the least recently used files make room.

        A disk that is full or cannot be written is no failure: the state is just not there next time.
        """
        if kept.nbytes > self._most_bytes:
            return
        marks = sorted(kept.marks.items())
        sizes = tuple((place, mark.nbytes) for place, mark in marks)
        header = msgspec.msgpack.encode(_Header(self._key, kept.tokens.tobytes(), kept.state.nbytes, sizes))
        name = hashlib.sha256(self._key.encode() + kept.tokens.tobytes()).hexdigest()[:32] + _SUFFIX
        if (self._folder / name).exists():
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._make_room(kept)
            _write(self._folder / name, header, [kept.state, *(mark for _, mark in marks)])

    def _files(self) -> list[Path]:
        with contextlib.suppress(OSError):
            return sorted(path for path in self._folder.iterdir() if path.suffix == _SUFFIX)
        return []

    def _make_room(self, kept: Kept) -> None:
        for path in self._folder.glob(f"*{_UNFINISHED}"):
            if time.time() - path.stat().st_mtime > _ABANDONED_S:
                path.unlink(missing_ok=True)
        ages: list[tuple[float, int, Path]] = []
        for path in self._files():
            header = _header_of(path)
            if header is None or (header.key == self._key and _is_beginning(header, kept)):
                path.unlink(missing_ok=True)
            else:
                status = path.stat()
                ages.append((status.st_mtime, status.st_size, path))
        held = sum(size for _, size, _ in ages)
        for _, size, path in sorted(ages):
            if held + kept.nbytes <= self._most_bytes:
                break
            path.unlink(missing_ok=True)
            held -= size


def _is_beginning(header: _Header, kept: Kept) -> bool:
    tokens = np.frombuffer(header.tokens, dtype=np.int32)
    return common(tokens, kept.tokens) == len(tokens)


def _write(path: Path, header: bytes, parts: "list[NDArray[np.uint8]]") -> None:
    digest = hashlib.sha256(header)
    for part in parts:
        digest.update(part.data)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=_UNFINISHED)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_MAGIC + digest.digest() + len(header).to_bytes(_LENGTH_BYTES, "little") + header)
            for part in parts:
                file.write(part.data)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _header_of(path: Path) -> _Header | None:
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC or len(file.read(_DIGEST_BYTES)) != _DIGEST_BYTES:
                return None
            size = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            header = None if size > _MOST_HEADER else msgspec.msgpack.decode(file.read(size), type=_Header)
            return header if header is not None and len(header.tokens) % _TOKEN_BYTES == 0 else None
    except (OSError, msgspec.MsgspecError):
        return None


def _read(path: Path) -> Kept | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    at = len(_MAGIC)
    digest, at = data[at : at + _DIGEST_BYTES], at + _DIGEST_BYTES
    size, at = int.from_bytes(data[at : at + _LENGTH_BYTES], "little"), at + _LENGTH_BYTES
    if hashlib.sha256(memoryview(data)[at:]).digest() != digest:
        return None
    header = msgspec.msgpack.decode(data[at : at + size], type=_Header)
    whole, at = np.frombuffer(data, dtype=np.uint8), at + size
    state, at = whole[at : at + header.state_bytes].copy(), at + header.state_bytes
    marks: dict[int, NDArray[np.uint8]] = {}
    for place, length in header.marks:
        marks[place], at = whole[at : at + length].copy(), at + length
    return Kept(np.frombuffer(header.tokens, dtype=np.int32), state, marks)
