"""Closing a model's stream: the port promises an iterator, cancelling needs its `aclose`.

Invariant: closing twice, or closing a stream that ended, does nothing.
"""

from collections.abc import AsyncIterator
from typing import Any


async def close_stream(stream: AsyncIterator[Any]) -> None:
    """Tell the model that nobody reads on."""
    close = getattr(stream, "aclose", None)
    if close is not None:
        await close()
