"""Lines that a person types, read while other things go on.

Invariant: a line that was typed before a question stood there never answers it.
"""

import asyncio
import sys
import termios
import time
from threading import Thread
from typing import TextIO

READ_S = 0.5
"""Seconds after a question in which a line cannot be an answer: nobody has read it by then."""


class Lines:
    """Reads standard input in a thread of its own, from the first question on."""

    def __init__(self, source: TextIO | None = None) -> None:
        self._source = source or sys.stdin
        self._arrived: asyncio.Queue[tuple[float, str | None]] = asyncio.Queue()
        self._thread: Thread | None = None

    async def next(self) -> str | None:
        """The next line without its end, also one typed ahead; None at the end of the input."""
        self._start()
        return (await self._arrived.get())[1]

    async def answer(self) -> str | None:
        """The next line typed from now on that comes no sooner than READ_S seconds; None at the end of the input.

        What was typed before is dropped: `dropped` tells it. A line that came too soon is given back as empty.
        """
        self._start()
        asked = time.monotonic()
        at, line = await self._arrived.get()
        return "" if line is not None and at - asked < READ_S else line

    def dropped(self) -> list[str]:
        """Take away what was typed ahead, whole lines and the one being typed; returns the whole lines."""
        lines: list[str] = []
        ends = False
        while not self._arrived.empty():
            _, line = self._arrived.get_nowait()
            ends = ends or line is None
            if line:
                lines.append(line)
        if ends:
            self._arrived.put_nowait((time.monotonic(), None))
        if self._source.isatty():
            termios.tcflush(self._source.fileno(), termios.TCIFLUSH)
        return lines

    def _start(self) -> None:
        if self._thread is None:
            loop = asyncio.get_running_loop()
            self._thread = Thread(target=self._read, args=(loop,), daemon=True, name="typed lines")
            self._thread.start()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            try:
                line = self._source.readline()
            except ValueError:  # it was closed while the thread waited
                return
            arrived = (time.monotonic(), line.rstrip("\r\n") if line else None)
            try:
                loop.call_soon_threadsafe(self._arrived.put_nowait, arrived)
            except RuntimeError:  # the loop is closed: the program has ended
                return
            if not line:
                return
