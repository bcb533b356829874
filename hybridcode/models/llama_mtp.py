"""Drafts by the model's own layer for the token after the next one (MTP), in a context beside the main one.

Invariant: what this layer computes becomes a draft and nothing else; a memory that does not fit the main one is cut or
cleared, never used with a gap.
Source: the pairing of hidden rows and tokens is that of llama.cpp's speculative decoding (type draft-mtp), for models
with one such layer (the Qwen3.5 family and its like).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hybridcode.models.llama import ABORTED, BATCH, Aborted, Llama, Rows
from hybridcode.models.llama_library import MTP_CONTEXT, NextTokens
from hybridcode.models.prefix_cache import common
from hybridcode.models.problems import Trouble
from hybridcode.models.speculation import NO_DRAFT, Draft

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNKNOWN = -1
MTP_DRAFT = 3
"""Tokens that are guessed at most: later guesses seldom come true."""


class NextTokenDrafter:
    """A Drafter that reads the main context's hidden rows.

    Raises (when made): Trouble where llama.cpp cannot make the second context.
    """

    most = MTP_DRAFT
    kinds = 2
    trust_before: int | None = 1

    def __init__(self, llama: Llama, functions: NextTokens) -> None:
        self._llama, self._functions = llama, functions
        self._library = llama.runtime.library
        parameters = llama.context_parameters()
        parameters.ctx_type, parameters.n_rs_seq, parameters.ctx_other = MTP_CONTEXT, 0, llama.context
        parameters.n_outputs_max = 1
        self._context = self._library.llama_init_from_model(llama.model, parameters)
        if not self._context:
            raise llama.runtime.not_loaded("llama.cpp cannot make a context for the next-token layer")
        self._memory = self._library.llama_get_memory(self._context)
        self._width = self._library.llama_model_n_embd_out(llama.model)
        functions.llama_set_embeddings_nextn(llama.context, True, False)
        functions.llama_set_embeddings_nextn(self._context, True, True)
        self._batch = self._library.llama_batch_init(BATCH, self._width, 1)
        self._tokens = (self._library.llama_token * BATCH)()
        self._batch.token = self._tokens
        self._rows = Rows(self._batch, BATCH)
        self._hidden = np.ctypeslib.as_array(self._batch.embd, shape=(BATCH * self._width,)).reshape(BATCH, self._width)
        self.held: list[int] = []
        """Tokens that the layer's memory holds; UNKNOWN for those that it never saw."""
        self._seen: NDArray[np.float32] = np.zeros((1, self._width), dtype=np.float32)
        """Hidden rows of the main context's last batch."""
        self._start = 0
        """Position of the first of them."""

    def begin(self, prompt: Sequence[int]) -> None:
        """Forget what is of another conversation; the prompt itself comes through `observe`."""
        same = common(self.held, prompt)
        if same < len(self.held):
            self.keep(same)
        self._seen = self._seen[: max(0, same - self._start)]

    def extend(self, tokens: Sequence[int]) -> None:
        """Nothing to do: the answer comes through `observe`."""

    def keep(self, count: int) -> None:
        """The main context holds `count` tokens now."""
        if count < len(self.held):
            self._library.llama_memory_seq_rm(self._memory, 0, count, -1)
            del self.held[count:]
        elif count > len(self.held):
            self._library.llama_memory_clear(self._memory, True)
            self.held = [UNKNOWN] * count

    def observe(self, tokens: Sequence[int], start: int) -> None:
        """The main context has just decoded `tokens` from position `start`: let the layer do the same.

        Raises: Aborted, Trouble.
        """
        self.keep(start)
        before = self._row_before(start)
        pointer = self._functions.llama_get_embeddings_nextn(self._llama.context)
        self._seen = np.ctypeslib.as_array(pointer, shape=(len(tokens), self._width)).copy()
        self._start = start
        count = len(tokens)
        self._hidden[0] = before
        self._hidden[1:count] = self._seen[:-1]
        self._decode(tokens, start, rows=0)

    def draft(self, token: int, most: int) -> Draft:
        """Guess what follows `token`, which comes next."""
        guessed: list[int] = []
        position = len(self.held)
        row = self._row_before(position)
        try:
            while len(guessed) < min(most, self.most):
                self._hidden[0] = row
                self._decode((guessed[-1] if guessed else token,), position + len(guessed), rows=1)
                logits = self._library.llama_get_logits_ith(self._context, 0)
                guessed.append(int(np.ctypeslib.as_array(logits, shape=(self._llama.vocab_size,)).argmax()))
                hidden = self._functions.llama_get_embeddings_nextn_ith(self._context, 0)
                row = np.ctypeslib.as_array(hidden, shape=(self._width,)).copy()
        finally:
            self.keep(position)
        return Draft(guessed, 1) if guessed else NO_DRAFT

    def _row_before(self, position: int) -> "NDArray[np.float32]":
        """The hidden row of the token before `position`; zeros where it is not known, which spoils a guess at most."""
        row = position - 1 - self._start
        return self._seen[row] if 0 <= row < len(self._seen) else np.zeros(self._width, dtype=np.float32)

    def _decode(self, tokens: Sequence[int], start: int, *, rows: int) -> None:
        self._rows.fill(self._batch, tokens, start, rows=rows)
        code = self._library.llama_decode(self._context, self._batch)
        if code:
            self._library.llama_memory_clear(self._memory, True)
            self.held = []
            if code == ABORTED:
                raise Aborted
            raise Trouble("crashed", f"The next-token layer failed with {code} at position {start:,}.")
        self.held[start:] = tokens
