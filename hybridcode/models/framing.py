"""What this process and a model's child process say to each other, and how it is put on a pipe.

Invariant: a frame is four bytes of length (big endian) and that many bytes of JSON; each Ask is answered by any number
of Pieces and then exactly one Done or Problem with the same id, unless the child dies.
"""

import asyncio
import struct
from collections.abc import Callable
from typing import Literal, TypeVar

import msgspec

from hybridcode.config.settings import FrontierSettings, LocalSettings
from hybridcode.domain.model import Finished, ModelRequest

MAX_FRAME = 64 * 1024 * 1024
"""Bytes of the largest frame; a longer one means that the stream is not ours any more."""
LOADING = 0
"""The id that a Problem carries while a model loads; calls count from 1."""

ProblemKind = Literal["unavailable", "unauthorised", "transient", "overflow", "crashed", "invalid"]
"""`invalid`: the other side understood the request and refused it."""

_HEAD = struct.Struct(">I")
_T = TypeVar("_T")


class LoadGguf(msgspec.Struct, frozen=True, tag="load_gguf"):
    """Run a GGUF file through llama.cpp."""

    settings: LocalSettings


class LoadServer(msgspec.Struct, frozen=True, tag="load_server"):
    """Use an OpenAI-compatible server."""

    settings: LocalSettings


class LoadFrontier(msgspec.Struct, frozen=True, tag="load_frontier"):
    """Use a provider through litellm. The key itself travels in the child's environment, never in a frame."""

    settings: FrontierSettings
    api_base: str = ""
    """Where requests go, as the parent shows and records it; empty = the provider's own address."""


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Answer this request."""

    id: int
    request: ModelRequest


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Stop answering; a Done with finish `cancelled` follows unless the end is already on its way."""

    id: int


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Exit now."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The model is loaded."""

    name: str
    n_ctx: int | None = None
    notes: tuple[str, ...] = ()
    """What a person should know: a smaller context than wished for, threads, ..."""
    slots: int = 1
    """Requests that it answers at once."""


class Piece(msgspec.Struct, frozen=True, tag="piece"):
    """Some of the answer, or of the thinking before it."""

    id: int
    text: str
    reasoning: bool = False


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The end of an answer."""

    id: int
    end: Finished


class Problem(msgspec.Struct, frozen=True, tag="problem"):
    """A call, or the loading, failed."""

    id: int
    kind: ProblemKind
    message: str
    hint: str = ""
    retry_after_s: float | None = None
    """Seconds the provider asked to wait, if it did."""
    over: int | None = None
    """Tokens that a prompt has too many, if somebody counted."""


class Alive(msgspec.Struct, frozen=True, tag="alive"):
    """A sign of life, sent now and then while something is owed, whatever native code is doing."""


Load = LoadGguf | LoadServer | LoadFrontier
ToChild = Load | Ask | Cancel | Stop
ToParent = Ready | Piece | Done | Problem | Alive

_TO_CHILD: msgspec.json.Decoder[ToChild] = msgspec.json.Decoder(ToChild)
_TO_PARENT: msgspec.json.Decoder[ToParent] = msgspec.json.Decoder(ToParent)


class FrameError(Exception):
    """The bytes on a pipe are not frames of ours."""


def encode(message: ToChild | ToParent) -> bytes:
    """One message as a frame. Raises: FrameError, when it is too large or holds what JSON cannot (half a character)."""
    try:
        body = msgspec.json.encode(message)
    except (UnicodeEncodeError, OverflowError) as error:
        raise FrameError(f"a message cannot be written as JSON: {error}") from error
    if len(body) > MAX_FRAME:
        raise FrameError(f"a frame of {len(body):,} bytes is over the limit of {MAX_FRAME:,}")
    return _HEAD.pack(len(body)) + body


def decode_to_child(body: bytes) -> ToChild:
    """The message in a frame's body. Raises: FrameError."""
    return _decode(_TO_CHILD, body)


def decode_to_parent(body: bytes) -> ToParent:
    """The message in a frame's body. Raises: FrameError."""
    return _decode(_TO_PARENT, body)


async def read_body(reader: asyncio.StreamReader) -> bytes | None:
    """The next frame's body, or None at the end of the stream (also in the middle of a frame). Raises: FrameError."""
    try:
        return await reader.readexactly(_length(await reader.readexactly(_HEAD.size)))
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return None


def read_body_blocking(read: Callable[[int], bytes]) -> bytes | None:
    """Like `read_body`, with a function that returns up to n bytes and b"" at the end."""
    head = _exactly(read, _HEAD.size)
    return None if head is None else _exactly(read, _length(head))


def _length(head: bytes) -> int:
    (size,) = _HEAD.unpack(head)
    if size > MAX_FRAME:
        raise FrameError(f"a frame claims {size:,} bytes; the limit is {MAX_FRAME:,}")
    return size


def _exactly(read: Callable[[int], bytes], size: int) -> bytes | None:
    parts: list[bytes] = []
    while size:
        part = read(size)
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _decode(decoder: msgspec.json.Decoder[_T], body: bytes) -> _T:
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        raise FrameError(f"a frame does not hold a message: {error}") from error
