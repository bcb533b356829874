"""Generates answers with llama.cpp: prompt, reuse of what the memory holds, the token loop, its ends.

Invariant: a prompt and its answer fit the context or nothing is computed; `_past` is exactly what the memory holds.
"""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from hybridcode.domain.model import Message, ModelRequest
from hybridcode.domain.window import Finish
from hybridcode.models.decoding import TextStream
from hybridcode.models.llama import BATCH, Aborted, Llama
from hybridcode.models.problems import Trouble
from hybridcode.models.sampling import MAX_REPEATS, choose, is_degenerate
from hybridcode.models.template import CHATML, render, token_runs


class Generation(msgspec.Struct, frozen=True):
    """How an answer ended, in tokens of the model."""

    finish: Finish
    prompt_tokens: int
    reused_tokens: int
    output_tokens: int


class Engine:
    """One model that answers one request at a time."""

    def __init__(self, llama: Llama) -> None:
        self._llama = llama
        self._template = _template_of(llama)
        self._past: list[int] = []

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """The tokens of a chat, up to where the answer begins."""
        llama = self._llama
        bos = llama.bos
        parts = render(self._template, messages, bos=llama.text_of(bos), eos=llama.text_of(llama.eos))
        tokens: list[int] = []
        for run in token_runs(parts, llama.specials):
            tokens.extend(llama.tokens(run) if isinstance(run, str) else (run,))
        return tokens if bos is None or tokens[:1] == [bos] else [bos, *tokens]

    def generate(
        self, request: ModelRequest, on_text: Callable[[str], None], *, is_cancelled: Callable[[], bool]
    ) -> Generation:
        """Answer a request; `on_text` gets the text as it comes, `is_cancelled` is asked often.

        Raises:
            Trouble: `overflow` with the numbers when prompt and answer do not fit, `crashed` when llama.cpp fails.
        """
        self._llama.should_abort = is_cancelled
        prompt = self.prompt(request.messages)
        _check_room(len(prompt), request.max_output_tokens, self._llama.n_ctx)
        output: list[int] = []
        reused = self._reusable(prompt)
        try:
            self._feed(prompt[reused:])
            finish = self._answer(request, output, on_text)
        except Aborted:
            self._forget()
            finish = "cancelled"
        except Trouble:
            self._forget()
            raise
        return Generation(finish, len(prompt), reused, len(output))

    def _reusable(self, prompt: list[int]) -> int:
        """Cut the memory down to what it shares with the prompt; at least one token is left to decode."""
        shared = 0
        for held, wanted in zip(self._past, prompt[:-1], strict=False):
            if held != wanted:
                break
            shared += 1
        if shared < len(self._past) and not self._llama.keep(shared):
            self._forget()
            return 0
        del self._past[shared:]
        return shared

    def _feed(self, tokens: Sequence[int]) -> None:
        for start in range(0, len(tokens), BATCH):
            if self._llama.should_abort():
                raise Aborted
            part = tokens[start : start + BATCH]
            self._llama.decode(part, len(self._past))
            self._past.extend(part)

    def _answer(self, request: ModelRequest, output: list[int], on_text: Callable[[str], None]) -> Finish:
        generator = np.random.default_rng(abs(request.seed))
        text = TextStream(request.stop)
        finish: Finish = "length"
        while len(output) < request.max_output_tokens:
            token = choose(self._llama.logits(), request.temperature, generator)
            if self._llama.is_end(token):
                finish = "stop"
                break
            output.append(token)
            on_text(text.feed(self._llama.piece(token)))
            if text.is_stopped:
                finish = "stop"
                break
            if len(output) >= MAX_REPEATS and is_degenerate(output):
                break
            if len(output) < request.max_output_tokens:
                self._feed((token,))
        on_text(text.close())
        return finish

    def _forget(self) -> None:
        self._llama.clear()
        self._past.clear()


def _template_of(llama: Llama) -> str:
    if llama.template is not None:
        return llama.template
    if "<|im_start|>" in llama.specials:
        return CHATML
    raise Trouble(
        "unavailable",
        "The GGUF has no chat template, and the model does not know ChatML.",
        "Use an instruction-tuned model (its name often ends in -Instruct or -it).",
    )


def _check_room(prompt: int, answer: int, n_ctx: int) -> None:
    if not prompt:
        raise Trouble("invalid", "The prompt is empty.")
    if prompt + answer > n_ctx:
        raise Trouble(
            "overflow",
            f"The prompt has {prompt:,} tokens and the answer may have {answer:,}; the context holds {n_ctx:,}.",
            "Lower [context] step_tokens or [models.local] max_output_tokens, or raise n_ctx.",
        )
