"""What several tests of models share: requests, a recorder in memory, whole answers.

Invariant: the recorder keeps everything in order, blobs before the events that name them.
"""

from collections.abc import AsyncIterator
from typing import Any

from hybridcode.domain.canonical import sha256_hex
from hybridcode.domain.events import Envelope, Event
from hybridcode.domain.model import Chunk, Finished, Message, ModelRequest, ReasoningDelta, Role, TextDelta


def request(text: str = "Say hello.", **fields: Any) -> ModelRequest:
    role: Role = fields.pop("role", "draft")
    messages = (Message("system", "Be brief."), Message("user", text))
    return ModelRequest(fields.pop("call_id", "call-1"), role, messages, fields.pop("max_output_tokens", 64), **fields)


async def whole(stream: AsyncIterator[Chunk]) -> tuple[str, str, Finished]:
    """Text, reasoning and end of an answer."""
    text, reasoning = "", ""
    async for chunk in stream:
        match chunk:
            case TextDelta(text=piece):
                text += piece
            case ReasoningDelta(text=piece):
                reasoning += piece
            case Finished():
                return text, reasoning, chunk
    raise AssertionError("the stream has no end")


class MemoryRecorder:
    """A Recorder that keeps events and blobs in memory."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.blobs: dict[str, bytes] = {}

    def record(self, event: Event) -> None:
        self.events.append(event)

    def put_blob(self, data: bytes) -> str:
        digest = sha256_hex(data)
        self.blobs[digest] = data
        return digest

    def envelopes(self) -> list[Envelope]:
        return [Envelope("s", n, "", "", "", event) for n, event in enumerate(self.events, 1)]


def only(events: list[Event], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]
