"""Generates answers with llama.cpp: prompt, reuse of what was computed before, the token loop, its ends.

Invariant: a prompt and its answer fit the context or nothing is computed; the tokens of an answer are those that plain
decoding chooses, whatever was guessed or reused on the way.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
import numpy as np

from hybridcode.domain.model import Message, ModelRequest
from hybridcode.domain.window import Finish
from hybridcode.models.decoding import TextStream
from hybridcode.models.llama import BATCH, Aborted, Llama
from hybridcode.models.llama_grammar import Grammar, grammar_of_schema
from hybridcode.models.prefix_cache import PrefixCache, Shelf, common
from hybridcode.models.problems import Trouble
from hybridcode.models.sampling import RepetitionGuard, choose, likeliest
from hybridcode.models.speculation import NO_DRAFT, Draft, Drafter, Pace
from hybridcode.models.template import CHATML, Part, render, token_runs


class Observer(Protocol):
    """A drafter that follows the model's memory with one of its own."""

    def keep(self, count: int) -> None:
        """The memory holds `count` tokens now."""
        ...

    def observe(self, tokens: Sequence[int], start: int) -> None:
        """The model has just decoded `tokens` from position `start`."""
        ...


class Generation(msgspec.Struct, frozen=True):
    """How an answer ended, in tokens of the model, and the work it took."""

    finish: Finish
    prompt_tokens: int
    reused_tokens: int
    output_tokens: int
    passes: int = 0
    """Passes over the weights for the answer: fewer than its tokens where guesses came true."""
    guessed: int = 0
    accepted: int = 0
    prompt_s: float | None = None
    """Seconds until the first token was chosen; None if it never was."""
    answer_s: float = 0.0
    """Seconds from there to the end."""

    @property
    def decode_tps(self) -> float | None:
        """Tokens a second after the first one."""
        return (self.output_tokens - 1) / self.answer_s if self.output_tokens > 1 and self.answer_s else None

    @property
    def tokens_per_pass(self) -> float | None:
        """Tokens after the first one, for each pass."""
        return (self.output_tokens - 1) / self.passes if self.output_tokens > 1 and self.passes else None


@dataclass(frozen=True)
class Speculation:
    """Who guesses, and how long its drafts may be."""

    drafter: Drafter
    pace: Pace | None = None
    """None: always as long as the drafter can."""
    observer: Observer | None = None

    def draft(self, token: int, room: int) -> Draft:
        """A guess at what follows `token`, of a length that pays."""
        most = min(self.drafter.most, room)
        if self.pace is not None and self.drafter.trust_before is not None:
            most = self.pace.length(self.drafter.trust_before, most)
        if most <= 0:
            return NO_DRAFT
        draft = self.drafter.draft(token, most)
        if self.pace is not None and self.drafter.trust_before is None:
            count = self.pace.length(draft.trust, len(draft.tokens))
            return Draft(draft.tokens[:count], draft.trust)
        return draft


@dataclass
class _Answer:
    """What there is of an answer."""

    prompt: list[int]
    request: ModelRequest
    output: list[int] = field(default_factory=list[int])
    passes: int = 0
    guessed: int = 0
    accepted: int = 0
    finish: Finish = "length"
    first_at: float | None = None
    """When its first token was chosen, by `time.perf_counter`."""

    @property
    def room(self) -> int:
        """Tokens that it may still have."""
        return self.request.max_output_tokens - len(self.output)


class Engine:
    """One model that answers one request at a time."""

    def __init__(
        self, llama: Llama, *, cache_bytes: int = 0, shelf: Shelf | None = None, speculation: Speculation | None = None
    ) -> None:
        self._llama = llama
        self._template = _template_of(llama)
        self._cache = PrefixCache(llama, most_bytes=cache_bytes, shelf=shelf)
        self.speculation = speculation
        self._is_cancelled: Callable[[], bool] = bool

    def stop(self) -> None:
        """End the present answer in the middle of a pass, once `is_cancelled` says so too. From any thread."""
        self._llama.stop()

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """The tokens of a chat, up to where the answer begins."""
        return self._tokens(self._parts(messages))

    def generate(
        self, request: ModelRequest, on_text: Callable[[str], None], *, is_cancelled: Callable[[], bool]
    ) -> Generation:
        """Answer a request; `on_text` gets the text as it comes, `is_cancelled` is asked between passes.

        Raises:
            Trouble: `overflow` with the numbers when prompt and answer do not fit, `invalid` when a grammar cannot be
                used, `crashed` when llama.cpp fails.
        """
        started = time.perf_counter()
        self._llama.go_on()
        self._is_cancelled = is_cancelled
        parts = self._parts(request.messages)
        answer = _Answer(self._tokens(parts), request)
        _check_room(len(answer.prompt), request.max_output_tokens, self._llama.n_ctx)
        grammar = self._grammar(request)
        reused = 0
        try:
            reused = self._begin(answer.prompt)
            self._feed(answer.prompt[reused:], marks=self._marks(parts, answer.prompt, request))
            self._run(answer, on_text, grammar)
        except Aborted:
            self._forget()
            answer.finish = "cancelled"
        except Trouble:
            self._forget()
            raise
        finally:
            if grammar is not None:
                grammar.close()
        first, ended = answer.first_at, time.perf_counter()
        return Generation(
            answer.finish,
            len(answer.prompt),
            reused,
            len(answer.output),
            answer.passes,
            answer.guessed,
            answer.accepted,
            prompt_s=None if first is None else first - started,
            answer_s=0.0 if first is None else ended - first,
        )

    def store(self) -> None:
        """Keep what was computed for a later process."""
        self._cache.store()

    def _parts(self, messages: Sequence[Message]) -> list[Part]:
        llama = self._llama
        return render(self._template, messages, bos=llama.text_of(llama.bos), eos=llama.text_of(llama.eos))

    def _tokens(self, parts: Sequence[Part]) -> list[int]:
        tokens: list[int] = []
        for run in token_runs(parts, self._llama.specials):
            tokens.extend(self._llama.tokens(run) if isinstance(run, str) else (run,))
        bos = self._llama.bos
        return tokens if bos is None or tokens[:1] == [bos] else [bos, *tokens]

    def _marks(self, parts: Sequence[Part], prompt: Sequence[int], request: ModelRequest) -> list[int]:
        """Where other prompts are likely to part from this one: after each message, and where the request says."""
        if not self._llama.is_recurrent:
            return []
        contents = [number for number, part in enumerate(parts) if part.is_content]
        heads = [parts[: number + 1] for number in contents]
        if contents:
            last = contents[-1]
            heads += [[*parts[:last], Part(parts[last].text[:cut], True)] for cut in request.breaks]
        places = {common(self._tokens(head), prompt) for head in heads}
        return sorted(place for place in places if 0 < place < len(prompt))

    def _grammar(self, request: ModelRequest) -> Grammar | None:
        if request.grammar:
            return Grammar(self._llama, request.grammar)
        return None if request.schema is None else Grammar(self._llama, grammar_of_schema(request.schema))

    def _begin(self, prompt: Sequence[int]) -> int:
        reused = self._cache.begin(prompt)
        if self.speculation is not None:
            self.speculation.drafter.begin(prompt)
            if self.speculation.observer is not None:
                self.speculation.observer.keep(reused)
        return reused

    def _feed(self, tokens: Sequence[int], *, marks: Sequence[int] = ()) -> None:
        """Decode part of the prompt; after some numbers of tokens the memory is marked."""
        start, end = len(self._cache.past), len(self._cache.past) + len(tokens)
        while start < end:
            if self._is_cancelled():
                raise Aborted
            stop = min((place for place in marks if start < place <= start + BATCH), default=min(start + BATCH, end))
            self._decode(tokens[len(tokens) - (end - start) : len(tokens) - (end - stop)])
            start = stop
            if start in marks:
                self._cache.mark()

    def _decode(self, tokens: Sequence[int], *, rows: int = 1) -> None:
        start = len(self._cache.past)
        self._llama.decode(tokens, start, rows=rows)
        self._cache.extend(tokens)
        if self.speculation is not None and self.speculation.observer is not None:
            self.speculation.observer.observe(tokens, start)

    def _run(self, answer: _Answer, on_text: Callable[[str], None], grammar: Grammar | None) -> None:
        request = answer.request
        generator = np.random.default_rng(abs(request.seed))
        guard, text = RepetitionGuard(answer.prompt), TextStream(request.stop)
        may_guess = grammar is None and request.temperature <= 0
        tokens = [self._choose(request, generator, grammar)]
        answer.first_at = time.perf_counter()
        while self._take(answer, tokens, text, guard, on_text):
            if self._is_cancelled():
                raise Aborted
            answer.passes += 1
            if may_guess and self.speculation is not None:
                tokens = self._guess(self.speculation, answer, tokens)
            else:
                self._decode(tokens)
                tokens = [self._choose(request, generator, grammar)]
        on_text(text.close())

    def _take(
        self,
        answer: _Answer,
        tokens: Sequence[int],
        text: TextStream,
        guard: RepetitionGuard,
        on_text: Callable[[str], None],
    ) -> bool:
        """Add tokens to the answer; False where it ends."""
        for token in tokens:
            if self._llama.is_end(token) and not answer.request.ignore_end:
                answer.finish = "stop"
                return False
            answer.output.append(token)
            on_text(text.feed(self._llama.piece(token)))
            if text.is_stopped:
                answer.finish = "stop"
                return False
            if not answer.room or (guard.is_degenerate(answer.output) and not answer.request.ignore_end):
                return False
        return True

    def _choose(self, request: ModelRequest, generator: np.random.Generator, grammar: Grammar | None) -> int:
        """The next token by the last row of logits; the whole vocabulary is checked only if the best one may not be."""
        logits = self._llama.logits()
        token = choose(logits, request.temperature, generator)
        if grammar is None:
            return token
        if not grammar.allows(token):
            token = choose(grammar.allowed(logits), request.temperature, generator)
        if not self._llama.is_end(token):
            grammar.accept(token)
        return token

    def _guess(self, speculation: Speculation, answer: _Answer, tokens: Sequence[int]) -> list[int]:
        """Decode the last of `tokens` (the others are in the memory) together with a draft of what follows.

        Returns the guesses that came true and the token after them.
        """
        drafter, pace, started = speculation.drafter, speculation.pace, time.perf_counter()
        drafter.extend(tokens[:-1])
        draft = speculation.draft(tokens[-1], answer.room - 1)
        drafter.extend(tokens[-1:])
        start, size = len(self._cache.past), 1 + len(draft.tokens)
        self._decode([tokens[-1], *draft.tokens], rows=size)
        chosen = [likeliest(self._llama.logits(row)) for row in range(size)]
        accepted = common(draft.tokens, chosen)
        if accepted < len(draft.tokens):
            self._cut(start + 1 + accepted)
        answer.guessed += len(draft.tokens)
        answer.accepted += accepted
        if pace is not None:
            pace.record(size, time.perf_counter() - started, trust=draft.trust, accepted=accepted)
        return chosen[: accepted + 1]

    def _cut(self, count: int) -> None:
        """Take wrong guesses back; a memory that cannot do that is filled anew, and there are no more guesses."""
        kept = self._cache.past[:count]
        if not self._cache.cut(count):
            self.speculation = None
            self._forget()
            self._feed(kept)
        if self.speculation is not None and self.speculation.observer is not None:
            self.speculation.observer.keep(count)

    def _forget(self) -> None:
        self._cache.forget()


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
            over=prompt + answer - n_ctx,
        )
