"""Chunks of a streamed chat completion, in the shape that OpenAI-compatible servers and litellm share.

Invariant: a stream counts as complete only if some chunk gave a finish reason.
"""

from typing import Any

import msgspec

from hybridcode.domain.model import Finished, Timing, Usage
from hybridcode.domain.window import Finish
from hybridcode.models.child import Emit
from hybridcode.models.problems import Trouble, trouble_in_stream

_FINISH: dict[str, Finish] = {
    "length": "length",
    "max_tokens": "length",
    "content_filter": "refused",
    "refusal": "refused",
}


class Delta(msgspec.Struct, frozen=True):
    """What a chunk adds."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    """Another spelling of the same."""


class Choice(msgspec.Struct, frozen=True):
    """The only choice that is asked for."""

    delta: Delta = Delta()
    message: Delta | None = None
    """The whole answer, where it was not asked for in pieces."""
    finish_reason: str | None = None


class PromptDetails(msgspec.Struct, frozen=True):
    """What the provider had of the prompt."""

    cached_tokens: int | None = None


class TokenCounts(msgspec.Struct, frozen=True):
    """Tokens as the provider counts them."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None


class StreamChunk(msgspec.Struct, frozen=True):
    """One chunk; whatever else a server puts in is ignored."""

    choices: tuple[Choice, ...] = ()
    usage: TokenCounts | None = None
    error: Any = None
    """Some servers report a failure in the middle of the stream."""


class Completion:
    """Folds the chunks of one answer."""

    def __init__(self, emit: Emit, *, who: str) -> None:
        self._emit, self._who = emit, who
        self._reason: str | None = None
        self.usage = Usage()
        """Token counts of the last chunk that had any; zeros if the server tells none."""
        self.is_silent = True
        """True until the first chunk."""

    def take(self, chunk: StreamChunk) -> None:
        """Add one chunk. Raises: Trouble when it is an error."""
        if chunk.error is not None:
            raise trouble_in_stream(msgspec.json.encode(chunk.error).decode(), who=self._who)
        self.is_silent = False
        for choice in chunk.choices[:1]:
            said = choice.message or choice.delta
            self._emit(said.reasoning_content or said.reasoning or "", True)
            self._emit(said.content or "", False)
            self._reason = choice.finish_reason or self._reason
        if chunk.usage is not None:
            details = chunk.usage.prompt_tokens_details
            self.usage = Usage(
                input_tokens=chunk.usage.prompt_tokens or 0,
                output_tokens=chunk.usage.completion_tokens or 0,
                cached_tokens=(details.cached_tokens or 0) if details else 0,
            )

    def end(self, *, cost_usd: float | None) -> Finished:
        """The end of the answer. Raises: Trouble when the stream was cut before a finish reason."""
        if self._reason is None:
            raise Trouble("transient", f"{self._who} cut the stream before the end of the answer.")
        return Finished(_FINISH.get(self._reason, "stop"), self.usage, Timing(), cost_usd)
