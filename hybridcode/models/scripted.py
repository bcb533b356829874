"""A model whose answers were written beforehand: for the demo, for replays by hand and for tests.

Invariant: it never makes anything up: a request without an answer is an error, and so are answers left over.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

import msgspec

from hybridcode.domain.errors import ModelError, ModelUnavailable
from hybridcode.domain.model import Chunk, Finished, ModelInfo, ModelRequest, TextDelta, Timing, Usage
from hybridcode.domain.window import Finish

PIECE_CHARS = 24
"""Characters of one piece of a streamed answer."""
BYTES_PER_TOKEN = 4


class ScriptedAnswer(msgspec.Struct, frozen=True):
    """One answer, and how it ends."""

    text: str
    finish: Finish = "stop"


Script = Mapping[str, Sequence[str | ScriptedAnswer]]
"""`role` or `role:step` -> its answers in order; the narrower key goes first."""
Rule = Callable[[ModelRequest], str | ScriptedAnswer]


class ScriptedModel:
    """Answers from a script or by a rule."""

    def __init__(self, info: ModelInfo, answers: Script | Rule, *, piece_s: float = 0.0) -> None:
        self._info = msgspec.structs.replace(info, is_scripted=True)
        self._rule = answers if callable(answers) else None
        script: Script = {} if callable(answers) else answers
        self._left = {key: deque(texts) for key, texts in script.items()}
        self._piece_s = piece_s
        self.requests: list[ModelRequest] = []
        """What was asked, in order."""

    @property
    def info(self) -> ModelInfo:
        """What the script stands for."""
        return self._info

    def route(self) -> "ScriptedModel":
        """Itself."""
        return self

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        """Answer in pieces of 24 characters.

        Raises:
            ModelUnavailable: when the script has no answer for this request.
        """
        self.requests.append(request)
        answer = self._answer(request)
        for start in range(0, len(answer.text), PIECE_CHARS):
            await asyncio.sleep(self._piece_s)
            yield TextDelta(answer.text[start : start + PIECE_CHARS])
        size = len(answer.text.encode())
        usage = Usage(
            input_tokens=-(-request.prompt_bytes // BYTES_PER_TOKEN),
            output_tokens=-(-size // BYTES_PER_TOKEN),
            input_bytes=request.prompt_bytes,
            output_bytes=size,
        )
        yield Finished(answer.finish, usage, Timing(), cost_usd=0.0)

    async def close(self) -> None:
        """Nothing to give back."""

    def expect_used_up(self) -> None:
        """Raise ModelError when answers are left over."""
        left = {key: len(texts) for key, texts in self._left.items() if texts}
        if left:
            raise ModelError(f"The script of {self._info.name} has answers left over: {left}", "Correct the script.")

    def _answer(self, request: ModelRequest) -> ScriptedAnswer:
        if self._rule is not None:
            return _as_answer(self._rule(request))
        for key in (f"{request.role}:{request.step}", request.role):
            if texts := self._left.get(key):
                return _as_answer(texts.popleft())
        where = f" of step {request.step}" if request.step else ""
        raise ModelUnavailable(
            f"The script of {self._info.name} has no answer for {request.role}{where}.", "Add one to the script."
        )


def _as_answer(answer: str | ScriptedAnswer) -> ScriptedAnswer:
    return answer if isinstance(answer, ScriptedAnswer) else ScriptedAnswer(answer)
