"""How fast this machine reads memory: the limit of decoding, which reads all weights for each token.

Invariant: what is read is larger than any cache and was written before, so that it comes from memory.
"""

import ctypes
import mmap
import threading
import time
from collections.abc import Callable, Sequence

BUFFER_BYTES = 512 * 1024 * 1024
"""Of each thread's share together."""
ROUNDS = 5
_FILLING = 1


def read_bandwidth(
    threads: int, *, size: int = BUFFER_BYTES, rounds: int = ROUNDS, clock: Callable[[], float] = time.perf_counter
) -> float | None:
    """Bytes a second that `threads` threads read together, the best of some rounds; None where it cannot be measured.

    Each thread looks for a byte that is not there, with the C library's memchr, which reads as fast as can be.
    """
    try:
        find = ctypes.CDLL(None).memchr
    except (AttributeError, OSError, TypeError):
        return None
    find.restype, find.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
    share = size // max(1, threads)
    memory = [mmap.mmap(-1, share) for _ in range(max(1, threads))]
    held = [(ctypes.c_char * share).from_buffer(part) for part in memory]
    for part in held:
        ctypes.memset(part, _FILLING, share)
    places = [ctypes.addressof(part) for part in held]
    reads = [lambda at=place: find(at, 0, share) for place in places]
    seconds = min(_together(reads, clock) for _ in range(rounds))
    return share * len(places) / seconds


def _together(reads: Sequence[Callable[[], object]], clock: Callable[[], float]) -> float:
    """Seconds until all of them are done."""
    threads = [threading.Thread(target=read) for read in reads]
    started = clock()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return clock() - started
