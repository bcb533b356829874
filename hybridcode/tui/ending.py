"""The end that nobody typed: a signal, or a terminal that is gone.

Invariant: the session is closed first and the screen given back afterwards; a terminal that is gone can block neither.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable

from hybridcode.domain.exits import ExitCode

GRACE_S = 10.0
"""Seconds after which the process ends whatever still holds it."""
_SIGNALS = ("SIGTERM", "SIGHUP")


class Ending:
    """Ends the program on a signal."""

    def __init__(self, close: Callable[[str], Awaitable[None]], leave: Callable[[], object]) -> None:
        self._close, self._leave = close, leave
        self.by = ""
        """The signal that ends the program; empty while none does."""
        self._work: asyncio.Task[None] | None = None

    def obey(self) -> None:
        """Listen to the signals that there are here."""
        loop = asyncio.get_running_loop()
        for name in _SIGNALS:
            if hasattr(signal, name) and hasattr(loop, "add_signal_handler"):
                loop.add_signal_handler(getattr(signal, name), self._begin, name)

    def _begin(self, name: str) -> None:
        if self.by:
            return
        self.by = name
        last_resort = threading.Timer(GRACE_S, os._exit, (int(ExitCode.TERMINATED),))
        last_resort.daemon = True
        last_resort.start()
        if name == "SIGHUP":
            _write_nowhere()
        self._work = asyncio.get_running_loop().create_task(self._end())

    async def _end(self) -> None:
        try:
            await self._close("SIGTERM")
        finally:
            self._leave()


def _write_nowhere() -> None:
    """Nobody reads the terminal any more: what is painted until the end must fail nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
