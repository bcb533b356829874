"""A process that builds segments: batches of files on standard input, segments on standard output.

Invariant: nothing is imported from the folder it is started in; it ends when its input does.
"""

import signal
import struct
import sys
from typing import IO, TypeVar

import msgspec

from hybridcode.context.segments import Source, build_segment

_LENGTH = struct.Struct("<Q")
Message = TypeVar("Message")


def send(stream: IO[bytes], message: object) -> None:
    """Write one message with its length in front. Raises OSError if nobody reads."""
    data = msgspec.msgpack.encode(message)
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: IO[bytes], type: type[Message]) -> Message | None:
    """Read one message; None if the stream ends before its end."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length)
    return msgspec.msgpack.decode(data, type=type) if len(data) == length else None


def main() -> None:
    """Answer batches until there are no more. Ctrl+C goes to all processes of a terminal; the parent decides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while (batch := receive(sys.stdin.buffer, list[Source])) is not None:
        send(sys.stdout.buffer, build_segment(batch))


if __name__ == "__main__":
    main()
