"""When an app under test has nothing left to do: its event loop says so, and no clock guesses it.

Textual waits until its process computes next to nothing for 20 ms, twice for each key: that is most of what these tests
would take, and on a machine with other work it takes a process that is kept waiting for one that is done.
"""

import asyncio
import time
from collections import deque
from concurrent.futures import Executor
from importlib import import_module
from typing import Any

LOOK_S = 0.002
"""Seconds between two looks."""
LOOKS = 8
"""So many in a row find nothing to do."""


async def nothing_to_do(min_sleep: float = 0.02, max_sleep: float = 1.0) -> None:
    """Wait until no callback is ready to run and no thread of the loop's is at work; timers and other processes are not
    waited for."""
    begun = time.monotonic()
    loop = vars(asyncio.get_running_loop())
    ready: deque[object] = loop["_ready"]
    idle = 0
    while (waited := time.monotonic() - begun) < max_sleep and (idle < LOOKS or waited < min_sleep):
        await asyncio.sleep(LOOK_S)
        idle = 0 if ready or _is_at_work(loop["_default_executor"]) else idle + 1


def _is_at_work(threads: Executor | None) -> bool:
    """A thread has something to do, or will have."""
    if threads is None:
        return False
    pool: dict[str, Any] = vars(threads)
    semaphore: object = pool["_idle_semaphore"]
    return bool(pool["_work_queue"].qsize()) or vars(semaphore)["_value"] < len(pool["_threads"])


def watch_event_loops() -> None:
    """Let Textual's pilots wait like that."""
    for module in ("textual.app", "textual.pilot"):
        vars(import_module(module))["wait_for_idle"] = nothing_to_do
