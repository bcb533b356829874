"""The terminal that is written to, which may be gone at any time.

Invariant: a terminal that is gone takes every write and raises nothing. Textual writes in a thread behind a bounded
queue; a thread that died of an error would leave whoever writes next waiting for good.
"""

import os
import sys
from contextlib import suppress
from typing import TextIO, cast

from textual.driver import Driver


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


def lasting(driver: type[Driver]) -> type[Driver]:
    """The driver of this platform, writing to a terminal that may go away."""
    if sys.platform == "win32":
        return driver
    from textual.drivers.linux_driver import LinuxDriver  # here, because other platforms have not got what it imports

    if driver is not LinuxDriver:
        return driver

    class LastingDriver(LinuxDriver):
        """Textual's driver, of which only what it writes can be lost."""

        def start_application_mode(self) -> None:
            """Take the terminal. One that is gone is not taken again: the system wakes whom it hung up on."""
            if not isinstance(self._file, LastingOutput):
                self._file = cast(TextIO, LastingOutput(self._file))
            if os.isatty(self.fileno) == self.input_tty:
                super().start_application_mode()

    return LastingDriver
