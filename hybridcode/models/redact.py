"""Replaces secrets in messages before they are journalled and sent.

Invariant: what `domain.secrets` knows as a secret leaves no message unchanged.
"""

from collections.abc import Sequence

from hybridcode.domain.model import Message
from hybridcode.domain.secrets import redact


def redact_messages(messages: Sequence[Message]) -> tuple[tuple[Message, ...], int]:
    """All messages redacted, and the number of replacements."""
    redacted = [redact(message.content) for message in messages]
    pairs = zip(messages, redacted, strict=True)
    return tuple(Message(message.role, text) for message, (text, _) in pairs), sum(count for _, count in redacted)
