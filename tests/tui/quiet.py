"""When an app under test has nothing left to do: its event loop says so, and no clock guesses it.

Textual waits until its process computes next to nothing for 20 ms, twice for each key: that is most of what these tests
would take, and on a machine with other work it takes a process that is kept waiting for one that is done.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor
from importlib import import_module
from typing import Any

LOOK_S = 0.002
"""Seconds between two looks at threads that are at work."""
SOON_S = 0.016
"""A timer that ends within so many seconds belongs to what is going on: a frame is painted by one."""
ROUNDS = 3
"""So many rounds of the event loop in a row find nothing to do."""


async def nothing_to_do(min_sleep: float = 0.02, max_sleep: float = 1.0) -> None:
    """Wait until no callback is ready to run, no timer ends soon and no thread of the loop's is at work; later timers
    and other processes are not waited for."""
    begun = time.monotonic()
    running = asyncio.get_running_loop()
    loop = vars(running)
    ready: deque[object] = loop["_ready"]
    timers: Sequence[asyncio.TimerHandle] = loop["_scheduled"]
    idle = 0
    while (waited := time.monotonic() - begun) < max_sleep and (idle < ROUNDS or waited < min_sleep):
        await asyncio.sleep(0)
        if ready:
            idle = 0
        elif _is_at_work(loop["_default_executor"]):
            idle = 0
            await asyncio.sleep(LOOK_S)
        elif (due := _next(timers)) is not None and (left := due - running.time()) < SOON_S:
            idle = 0
            await asyncio.sleep(max(left, 0.0))
        else:
            idle += 1


def _next(timers: Sequence[asyncio.TimerHandle]) -> float | None:
    """When the first timer ends that still counts."""
    return min((timer.when() for timer in timers if not timer.cancelled()), default=None)


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
