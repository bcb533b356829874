import asyncio
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridcode.config.settings import LocalSettings
from hybridcode.domain.model import Finished, Timing, Usage
from hybridcode.models.framing import (
    MAX_FRAME,
    Ask,
    Cancel,
    Done,
    FrameError,
    LoadServer,
    Piece,
    Problem,
    Ready,
    Stop,
    ToChild,
    ToParent,
    decode_to_child,
    decode_to_parent,
    encode,
    read_body,
    read_body_blocking,
)
from tests.support.requests_to_models import request

TO_CHILD: list[ToChild] = [LoadServer(LocalSettings(name="m")), Ask(3, request("ä\n\0")), Cancel(3), Stop()]
TO_PARENT: list[ToParent] = [
    Ready("m", 2048, ("note",)),
    Piece(3, "text ✓", True),
    Done(3, Finished("stop", Usage(1, 2, 3, 4, 5), Timing(1.0, 0.5, 9.0), None)),
    Problem(3, "transient", "later", "", 7.5),
]


def reader_of(data: bytes, size: int) -> Callable[[int], bytes]:
    left = bytearray(data)

    def read(wanted: int) -> bytes:
        part = bytes(left[: min(wanted, size)])
        del left[: len(part)]
        return part

    return read


@given(st.integers(1, 9))
def test_messages_survive_pipes_that_split_anywhere(size: int) -> None:
    read = reader_of(b"".join(map(encode, TO_CHILD)), size)
    assert [decode_to_child(read_body_blocking(read) or b"") for _ in TO_CHILD] == TO_CHILD
    assert read_body_blocking(read) is None


async def test_the_parent_reads_what_the_child_wrote() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"".join(map(encode, TO_PARENT)))
    reader.feed_eof()
    assert [decode_to_parent(await read_body(reader) or b"") for _ in TO_PARENT] == TO_PARENT
    assert await read_body(reader) is None


@pytest.mark.parametrize("cut", [1, 3, 4, 10])
async def test_a_frame_cut_short_is_the_end(cut: int) -> None:
    data = encode(Piece(1, "some text"))[:cut]
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    assert await read_body(reader) is None
    assert read_body_blocking(reader_of(data, 100)) is None


async def test_a_length_that_cannot_be_ours_is_an_error() -> None:
    head = struct.pack(">I", MAX_FRAME + 1)
    reader = asyncio.StreamReader()
    reader.feed_data(head)
    with pytest.raises(FrameError, match="claims"):
        await read_body(reader)
    with pytest.raises(FrameError, match="claims"):
        read_body_blocking(reader_of(head, 4))


def test_a_print_into_the_pipe_is_an_error_and_no_crash() -> None:
    with pytest.raises(FrameError):
        read_body_blocking(reader_of(b"Downloading model...\n", 100))


@given(st.binary(max_size=60))
def test_any_body_is_a_message_or_a_frame_error(body: bytes) -> None:
    for decode in (decode_to_child, decode_to_parent):
        try:
            decode(body)
        except FrameError:
            continue
