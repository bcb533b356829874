"""A model that gives again what a recorded session's model answered, found by the digest of the prompt.

Invariant: an answer is given only to exactly the bytes that were sent then; a failed call fails again in the same way.
"""

from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from typing import Self

import msgspec

from hybridcode.domain import errors
from hybridcode.domain.canonical import canonical_json, sha256_hex
from hybridcode.domain.errors import ModelError, ModelUnavailable
from hybridcode.domain.events import Envelope, ModelAnswered, ModelAsked
from hybridcode.domain.model import Backend, Chunk, Finished, ModelInfo, ModelRequest, TextDelta
from hybridcode.models.problems import RetryLater, TryElsewhere


class RecordedCall(msgspec.Struct, frozen=True):
    """What came back of one try."""

    text: str
    end: Finished
    error: str = ""
    """`<class of ModelError>: <message>` of a failed try."""


class RecordedModel:
    """Answers from a recording."""

    def __init__(self, info: ModelInfo, calls: Mapping[str, Sequence[RecordedCall]]) -> None:
        self._info = msgspec.structs.replace(info, is_scripted=True)
        self._left = {digest: deque(answers) for digest, answers in calls.items()}

    @classmethod
    def of(cls, envelopes: Iterable[Envelope], get_blob: Callable[[str], bytes], *, backend: Backend) -> Self:
        """The recording of one backend's calls in a session.

        Raises:
            ModelUnavailable: when the session never asked that backend.
        """
        asked: dict[str, ModelAsked] = {}
        calls: defaultdict[str, list[RecordedCall]] = defaultdict(list)
        info: ModelInfo | None = None
        for envelope in envelopes:
            match envelope.event:
                case ModelAsked(backend=kind) as event if kind == backend:
                    asked[event.call_id] = event
                    info = ModelInfo(event.model, event.backend, event.host)
                case ModelAnswered() as event if event.call_id in asked:
                    calls[asked[event.call_id].prompt_sha256].append(_recorded(event, get_blob))
                case _:
                    pass
        if info is None:
            raise ModelUnavailable(f"The session holds no call of the {backend} model.", "Choose another session.")
        return cls(info, calls)

    @property
    def info(self) -> ModelInfo:
        """The recorded model, marked as scripted and never remote."""
        return self._info

    def route(self) -> "RecordedModel":
        """Itself."""
        return self

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        """Give the next recorded answer to this prompt.

        Raises:
            ModelUnavailable: when this prompt was not asked (so often) in the recording.
            ModelError: as the recorded call failed.
        """
        digest = sha256_hex(canonical_json(request.messages))
        answers = self._left.get(digest)
        if not answers:
            raise ModelUnavailable(
                f"The recording has no answer left for this {request.role} prompt ({digest[:12]}).",
                "The window or the prompt texts differ from the recorded ones.",
            )
        call = answers.popleft()
        if call.text:
            yield TextDelta(call.text)
        if call.error:
            raise _error(call.error)
        yield call.end

    async def close(self) -> None:
        """Nothing to give back."""


def _recorded(event: ModelAnswered, get_blob: Callable[[str], bytes]) -> RecordedCall:
    text = get_blob(event.answer_sha256).decode("utf-8", "replace")
    return RecordedCall(text, Finished(event.finish, event.usage, event.timing, event.cost_usd), event.error)


def _error(recorded: str) -> ModelError:
    name, _, message = recorded.partition(": ")
    if name == "TryElsewhere":
        return TryElsewhere(message, place=message.partition(": ")[0])
    if name == "RetryLater":
        return RetryLater(message)
    kind = getattr(errors, name, None)
    return kind(message) if isinstance(kind, type) and issubclass(kind, ModelError) else ModelError(recorded)
