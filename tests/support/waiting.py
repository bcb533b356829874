"""Ways to wait for something that a session does by itself."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from hybridcode.session.session import Session

Kind = TypeVar("Kind")


def happened(session: Session, kind: type[Kind]) -> list[Kind]:
    """The events of one kind so far."""
    return [envelope.event for envelope in session.state.envelopes if isinstance(envelope.event, kind)]


async def until(claim: Callable[[], bool], within: float = 10.0) -> None:
    """Wait until it holds."""
    for _ in range(int(within / 0.02)):
        if claim():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to be")
