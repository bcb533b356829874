"""When an app under test has nothing left to do: its event loop says so, and no clock guesses it.

Textual waits until its process computes next to nothing for 20 ms, twice for each key: that is most of what these tests
would take, and on a machine with other work it takes a process that is kept waiting for one that is done.
"""

import asyncio
import time
from collections import deque
from importlib import import_module

LOOK_S = 0.002
"""Seconds between two looks."""
LOOKS = 2
"""So many in a row find nothing to do."""


async def nothing_to_do(min_sleep: float = 0.02, max_sleep: float = 1.0) -> None:
    """Wait until no callback is ready to run; timers, threads and other processes are not waited for."""
    begun = time.monotonic()
    ready: deque[object] = vars(asyncio.get_running_loop())["_ready"]
    idle = 0
    while (waited := time.monotonic() - begun) < max_sleep and (idle < LOOKS or waited < min_sleep):
        await asyncio.sleep(LOOK_S)
        idle = 0 if ready else idle + 1


def watch_event_loops() -> None:
    """Let Textual's pilots wait like that."""
    for module in ("textual.app", "textual.pilot"):
        vars(import_module(module))["wait_for_idle"] = nothing_to_do
