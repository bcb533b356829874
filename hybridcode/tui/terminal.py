"""The terminal that is written to, which may be gone at any time, and read from, which a standstill may delay.

Invariant: a terminal that is gone takes every write and raises nothing. Textual writes in a thread behind a bounded
queue; a thread that died of an error would leave whoever writes next waiting for good. A key that was read after the
reader stood still bears the earliest time at which it can have been typed.
"""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO, cast

from textual.driver import Driver
from textual.events import Key
from textual.message import Message

STANDSTILL_S = 0.25
"""Seconds between two beats of the reader, which waits 0.1 s at most, from which it counts as having stood still."""
CATCHING_UP_S = 0.25
"""Seconds after a standstill in which keys are read that may have been typed in it."""


class LastingOutput:
    """A text file of which only writing can be lost, never the writer."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write, or drop what nobody can read any more. Returns the number of characters taken."""
        with suppress(OSError, ValueError):
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand over what was written, if anybody takes it."""
        with suppress(OSError, ValueError):
            self._file.flush()

    def fileno(self) -> int:
        """The descriptor behind it."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """True for a terminal that is there."""
        return not self._file.closed and self._file.isatty()


class Beats(threading.Event):
    """The event that ends the reader, which asks for it before each of its waits."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._last = clock()
        self._still_since, self._doubted_until = self._last, self._last

    def is_set(self) -> bool:
        """Whether to end; who asks is running now."""
        now = self._clock()
        if now - self._last > STANDSTILL_S:
            self._still_since, self._doubted_until = self._last, now + CATCHING_UP_S
        self._last = now
        return super().is_set()

    @property
    def doubt_s(self) -> float:
        """Seconds by which what is read now may have been typed earlier, 0 unless the reader stood still."""
        now = self._clock()
        if now - self._last > STANDSTILL_S:
            return now - self._last
        return now - self._still_since if now < self._doubted_until else 0.0


def lasting(driver: type[Driver]) -> type[Driver]:
    """The driver of this platform, writing to a terminal that may go away."""
    if sys.platform == "win32":
        return driver
    from textual.drivers.linux_driver import LinuxDriver  # here, because other platforms have not got what it imports

    if driver is not LinuxDriver:
        return driver

    beats = Beats()

    class LastingDriver(LinuxDriver):
        """Textual's driver, of which only what it writes can be lost and whose keys are never younger than they say."""

        def process_message(self, message: Message) -> None:
            """Hand on what was read, a key with the earliest time at which it can have been typed."""
            if isinstance(message, Key):
                message.time -= beats.doubt_s
            super().process_message(message)

        def start_application_mode(self) -> None:
            """Take the terminal, also from this driver itself, which a signal woke without having been sent to sleep.

            One that is gone is not taken again: the system wakes whom it hung up on.
            """
            if not isinstance(self._file, LastingOutput):
                self._file = cast(TextIO, LastingOutput(self._file))
            if os.isatty(self.fileno) == self.input_tty:
                self._end_threads()
                self.exit_event = beats
                super().start_application_mode()

        def _sigcont_application(self, *_: object) -> None:
            """The system lets it run again. What has to wait for a thread waits for the loop, never in the signal."""
            if self._must_signal_resume:
                self.resume_application_mode()
            else:
                with suppress(RuntimeError):
                    asyncio.get_running_loop().call_soon_threadsafe(self.start_application_mode)

        def _end_threads(self) -> None:
            """Two readers would tear each other's keys apart."""
            if self._key_thread is not None and self._key_thread.is_alive():
                self.exit_event.set()
                self._key_thread.join()
                self.exit_event.clear()
            if self._writer_thread is not None and self._writer_thread.is_alive():
                self._writer_thread.stop()

    return LastingDriver
