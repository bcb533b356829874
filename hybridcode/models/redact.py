"""Takes secrets, and what a remote model must not see, out of a request before it is journalled and sent.

Invariant: a request without either is returned unchanged; marks of places in it move with the text.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from hybridcode.domain.model import Message, ModelRequest
from hybridcode.domain.secrets import Redactor
from hybridcode.models.withhold import Withheld


@dataclass(frozen=True)
class Cleaned:
    """A request as it may be journalled and sent."""

    request: ModelRequest
    kinds: Mapping[str, int] = field(default_factory=dict[str, int])
    """Kind of secret -> how many were replaced."""
    withheld: int = 0
    """Pieces of denied files that were replaced."""


def clean_request(request: ModelRequest, redactor: Redactor | None, withheld: Withheld | None = None) -> Cleaned:
    """The request without secrets (None: nobody asked for that), and without pieces of denied files."""
    kinds, pieces = Counter[str](), 0
    messages, breaks = list[Message](), request.breaks
    for message in request.messages:
        text = message.content
        if redactor is not None:
            redacted = redactor.redact(text)
            text = redacted.text
            kinds.update(redacted.kinds)
            breaks = tuple(map(redacted.moved, request.breaks))
        if withheld is not None:
            text, count = withheld.take_out(text)
            pieces += count
        messages.append(Message(message.role, text))
    files = tuple(map(redactor.clean, request.files)) if redactor is not None else request.files
    if not kinds and not pieces and files == request.files:
        return Cleaned(request)
    last = len(messages[-1].content) if messages else 0
    cleaned = msgspec.structs.replace(
        request,
        messages=tuple(messages),
        files=files,
        breaks=tuple(place for place in breaks if place <= last) if not pieces else (),
    )
    return Cleaned(cleaned, dict(sorted(kinds.items())), pieces)
