"""Work that makes many values and no cycles, during which looking for cyclic garbage is a waste.

Invariant: the collector is on again after the outermost piece of work, whatever came of it, if it was on before.
"""

import contextlib
import gc
from collections.abc import Generator


@contextlib.contextmanager
def collector_rests() -> Generator[None]:
    """The collector of cyclic garbage rests meanwhile: beside many long-lived values its rounds take long."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
