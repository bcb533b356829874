"""What a model's child process writes to stderr: the last lines of it.

Invariant: a bounded part is kept, however much is written; reading ends with the child, whoever else holds its pipe.
"""

import asyncio
import os
import sys
from collections import deque

LINES = 40
"""Lines that are kept."""
LINE_CHARS = 400
"""Characters of one line that are kept."""
TAIL = 5
"""Lines that an error shows."""


class LastWords:
    """Reads a pipe of our own: with asyncio's, waiting for a process would mean waiting for all who inherited it."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=LINES)
        self._reader: asyncio.StreamReader | None = None
        self._transport: asyncio.ReadTransport | None = None
        self.their_end: int = asyncio.subprocess.PIPE
        """What the child gets as stderr: a descriptor, or asyncio's pipe where it takes no other (Windows)."""

    @classmethod
    async def open(cls) -> "LastWords":
        """Make the pipe. Raises: OSError."""
        words = cls()
        if sys.platform != "win32":
            ours, words.their_end = os.pipe()
            words._reader = reader = asyncio.StreamReader()
            words._transport, _ = await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours, "rb", buffering=0)
            )
        return words

    @property
    def tail(self) -> str:
        """The last lines; empty if nothing was said."""
        return "\n".join(list(self._lines)[-TAIL:])

    def started(self, process: asyncio.subprocess.Process) -> None:
        """The child has its end now: close ours of it."""
        self._reader = self._reader or process.stderr
        self._drop_their_end()

    def close(self) -> None:
        """Give the pipe back; may be called twice."""
        self._drop_their_end()
        if self._transport is not None:
            self._transport.close()

    def _drop_their_end(self) -> None:
        if self.their_end >= 0:
            os.close(self.their_end)
        self.their_end = asyncio.subprocess.PIPE

    async def read(self) -> None:
        """Take in what is written, until all who could write are gone or this is cancelled."""
        assert self._reader is not None
        rest = b""
        while data := await self._reader.read(65_536):
            *lines, rest = (rest + data).split(b"\n")
            self._lines.extend(_line(line) for line in lines[-LINES:] if line.strip())
            rest = rest[-LINE_CHARS * 4 :]
        if rest.strip():
            self._lines.append(_line(rest))


def _line(data: bytes) -> str:
    return data.decode("utf-8", "replace").rstrip()[:LINE_CHARS]
