"""Requests to models, what they stream back, and what it cost.

Invariant: a stream is zero or more deltas and then exactly one Finished, or it raises a ModelError.
"""

from typing import Literal

import msgspec

from hybridcode.domain.window import Finish

Role = Literal["plan", "revise", "draft", "hint", "judge", "commit_message"]
Backend = Literal["frontier", "local"]


class Message(msgspec.Struct, frozen=True):
    """One chat message."""

    role: Literal["system", "user", "assistant"]
    content: str


class ModelRequest(msgspec.Struct, frozen=True):
    """One stateless call. Everything the model will know is in `messages`."""

    call_id: str
    role: Role
    messages: tuple[Message, ...]
    max_output_tokens: int
    temperature: float = 0.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    schema: bytes | None = None
    """JSON schema the answer should follow, where the provider can do that."""
    grammar: str = ""
    """GBNF that the answer has to follow, for models that llama.cpp runs here; others take no notice."""
    breaks: tuple[int, ...] = ()
    """Characters of the last message up to which other requests are likely to say the same."""
    ignore_end: bool = False
    """For measurements: the answer goes on to its limit, whatever the model wants."""
    step: str | None = None
    files: tuple[str, ...] = ()
    """What of the repository is in the messages, as Region strings: for the egress record."""

    @property
    def prompt_bytes(self) -> int:
        """UTF-8 size of all message contents."""
        return sum(len(message.content.encode()) for message in self.messages)


class ModelInfo(msgspec.Struct, frozen=True):
    """What is known of a model before it is asked."""

    name: str
    backend: Backend
    host: str | None = None
    """`host:port` that requests go to; None when the model runs in a process of ours on this machine."""
    via: str = ""
    """`host:port` of a proxy that requests go through, as the user's environment names it."""
    is_remote: bool = False
    """True when requests leave this machine for the frontier provider (loopback is not)."""
    is_scripted: bool = False
    """True for models whose answers were written beforehand: counted apart and said on screen."""
    n_ctx: int | None = None
    """Tokens of prompt and answer together, if known."""
    capacity: int = 1
    """Requests that it answers at once; more than that wait for each other."""
    profile: Literal["full", "tiny"] = "full"
    """`tiny`: the frozen small prompt of the shipped fixture."""
    table: str = ""
    """NAME of its [models.NAME]; empty for the two models that always have one, named as their backend is."""


class Usage(msgspec.Struct, frozen=True):
    """Tokens as the model's own tokenizer counts them, and bytes, which do not depend on one."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """Part of input_tokens that the provider or the KV cache already had."""
    input_bytes: int = 0
    output_bytes: int = 0


class Timing(msgspec.Struct, frozen=True):
    """Seconds of one call."""

    total_s: float = 0.0
    first_token_s: float | None = None
    decode_tps: float | None = None
    """Output tokens per second after the first one."""
    tokens_per_call: float | None = None
    """Output tokens for each pass over the weights: above 1 where guesses came true. None where nobody says."""


class TextDelta(msgspec.Struct, frozen=True, tag="text"):
    """A piece of the answer."""

    text: str


class ReasoningDelta(msgspec.Struct, frozen=True, tag="reasoning"):
    """A piece of the model's thinking: shown folded, never parsed."""

    text: str


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """The end of a stream."""

    finish: Finish
    usage: Usage
    timing: Timing
    cost_usd: float | None = None
    """None = cost unknown (never 0 for a priced model)."""


Chunk = TextDelta | ReasoningDelta | Finished


class Reply(msgspec.Struct, frozen=True):
    """A whole answer."""

    text: str
    finish: Finish
    usage: Usage
    timing: Timing
    cost_usd: float | None
    model: str
