"""One model of llama.cpp with one context and one sequence, as typed calls.

Invariant: nothing reaches native code that it would answer with an abort: batches fit, rows exist, states are those
that it wrote itself. Not thread-safe.
"""

import ctypes
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import msgspec
import numpy as np

from hybridcode.models.fit import FLASH_PASS, PLAIN_PASS, KvType, uses_flash_attention
from hybridcode.models.llama_library import PARTIAL, Handle, Runtime
from hybridcode.models.problems import Trouble

if TYPE_CHECKING:
    from numpy.typing import NDArray

BATCH = 512
"""Tokens that are decoded at once; fixed, because the batch size changes the last bits of the logits."""
MOST_ROWS = 17
"""Tokens of one batch that can have logits: one and the longest draft. Buffers grow with it times the vocabulary."""
ABORTED = 2
"""What decoding returns when the abort callback said so."""
_GGML_TYPES: dict[KvType, int] = {"f16": 1, "q8_0": 8, "q4_0": 2}
_SPECIAL_ATTRIBUTES = (1 << 0) | (1 << 3)
"""Unknown and control tokens: the ones that llama.cpp leaves alone in ordinary text."""
_PIECE_BYTES = 64
_RUNNING, _STOPPED = b"\0\0", b"\1\0"


class LlamaOptions(msgspec.Struct, frozen=True):
    """How to load a model."""

    path: str
    n_ctx: int
    threads: int
    gpu_layers: int
    kv_type: KvType = "f16"
    rollback: int = 0
    """Tokens that a recurrent memory can take back: each costs one more state."""
    with_next_layer: bool = False
    """Load the layer that predicts the token after the next one."""


class Aborted(Exception):
    """Decoding was stopped by the abort callback; the memory has to be cleared."""


class Llama:
    """A loaded model."""

    def __init__(self, runtime: Runtime, options: LlamaOptions) -> None:
        self.runtime, self.options = runtime, options
        self._library = library = runtime.library
        self._flag = ctypes.create_string_buffer(2)
        """Asked after every operation of a pass, so natively: its length is 0, or 1 when decoding has to stop."""
        self._on_abort = runtime.native_flag(self._flag)
        parameters = library.llama_model_default_params()
        parameters.n_gpu_layers = options.gpu_layers
        parameters.load_mtp = options.with_next_layer
        self.model = library.llama_model_load_from_file(options.path.encode(), parameters)
        if not self.model:
            raise runtime.not_loaded(f"llama.cpp cannot load {options.path}")
        self.vocab = library.llama_model_get_vocab(self.model)
        self.vocab_size = library.llama_vocab_n_tokens(self.vocab)
        self.context = library.llama_init_from_model(self.model, self.context_parameters())
        if not self.context:
            raise runtime.not_loaded(f"llama.cpp cannot make a context of {options.n_ctx:,} tokens")
        self._memory = library.llama_get_memory(self.context)
        self._batch = library.llama_batch_init(BATCH, 0, 1)
        self._rows = Rows(self._batch, BATCH)
        self._views: dict[int, NDArray[np.float32]] = {}
        self._pieces: dict[int, bytes] = {}
        self._ends: dict[int, bool] = {}
        self.specials = self._read_specials()
        """Text -> id of every control token."""
        self.is_recurrent = library.llama_model_is_recurrent(self.model) or library.llama_model_is_hybrid(self.model)
        """True if its memory cannot be cut at any position."""

    def stop(self) -> None:
        """End the present pass, and all further ones, with Aborted. May be called from another thread."""
        self._flag.raw = _STOPPED

    def go_on(self) -> None:
        """Decode again."""
        self._flag.raw = _RUNNING

    def context_parameters(self) -> Handle:
        """Parameters of the context, and of further ones beside it."""
        options = self.options
        flash = uses_flash_attention(options.kv_type, on_gpu=options.gpu_layers != 0)
        parameters = self._library.llama_context_default_params()
        # With less room than a batch llama.cpp lowers the batch's size by itself, and aborts on one of ours.
        whole = -(-options.n_ctx // BATCH) * BATCH
        parameters.n_ctx, parameters.n_batch, parameters.n_ubatch = whole, BATCH, FLASH_PASS if flash else PLAIN_PASS
        parameters.n_seq_max, parameters.n_rs_seq, parameters.n_outputs_max = 1, options.rollback, MOST_ROWS
        parameters.n_threads = parameters.n_threads_batch = options.threads
        parameters.abort_callback = self._on_abort
        parameters.abort_callback_data = ctypes.cast(self._flag, ctypes.c_void_p)
        parameters.type_k = parameters.type_v = _GGML_TYPES[options.kv_type]
        parameters.flash_attn_type = int(flash)
        return parameters

    def _read_specials(self) -> dict[str, int]:
        attribute, text = self._library.llama_vocab_get_attr, self._library.llama_vocab_get_text
        ids = (token for token in range(self.vocab_size) if attribute(self.vocab, token) & _SPECIAL_ATTRIBUTES)
        return {text(self.vocab, token).decode("utf-8", "replace"): token for token in ids}

    @property
    def n_ctx(self) -> int:
        """Tokens that prompt and answer may have together."""
        return min(self.options.n_ctx, self._library.llama_n_ctx(self.context))

    @property
    def template(self) -> str | None:
        """The chat template in the file."""
        found = self._library.llama_model_chat_template(self.model, None)
        return None if found is None else found.decode("utf-8", "replace")

    @property
    def bos(self) -> int | None:
        """The token that begins every prompt, if the model wants one."""
        return self._library.llama_vocab_bos(self.vocab) if self._library.llama_vocab_get_add_bos(self.vocab) else None

    def text_of(self, token: int | None) -> str:
        """How a control token is spelled; empty for none."""
        return next((text for text, number in self.specials.items() if number == token), "")

    @property
    def eos(self) -> int:
        """The token that ends a text."""
        return self._library.llama_vocab_eos(self.vocab)

    def tokens(self, text: str) -> list[int]:
        """Tokens of ordinary text; control tokens that it spells stay text."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        buffer = (self._library.llama_token * room)()
        count = self._library.llama_tokenize(self.vocab, data, len(data), buffer, room, False, False)
        if count < 0:
            raise Trouble("crashed", f"llama.cpp cannot tokenise {len(data):,} bytes.")
        return list(cast(Sequence[int], buffer[:count]))

    def piece(self, token: int) -> bytes:
        """The bytes of a token; b"" for control tokens."""
        if (known := self._pieces.get(token)) is None:
            known = self._pieces[token] = self._read_piece(token)
        return known

    def _read_piece(self, token: int) -> bytes:
        buffer = ctypes.create_string_buffer(_PIECE_BYTES)
        size = self._library.llama_token_to_piece(self.vocab, token, buffer, _PIECE_BYTES, 0, False)
        if size < 0:
            buffer = ctypes.create_string_buffer(-size)
            size = self._library.llama_token_to_piece(self.vocab, token, buffer, -size, 0, False)
        return buffer.raw[:size]

    def is_end(self, token: int) -> bool:
        """True for tokens that end an answer."""
        if (known := self._ends.get(token)) is None:
            known = self._ends[token] = self._library.llama_vocab_is_eog(self.vocab, token)
        return known

    def decode(self, tokens: Sequence[int], start: int, *, rows: int = 1) -> None:
        """Append up to BATCH tokens at position `start`; logits are computed for the last `rows` of them.

        Raises:
            Aborted: when `stop` was called.
            Trouble: when llama.cpp has no room or fails.
        """
        if not 0 < rows <= MOST_ROWS or len(tokens) > BATCH:
            raise ValueError(f"{len(tokens)} tokens with {rows} rows do not fit a batch")
        self._rows.fill(self._batch, tokens, start, rows=rows)
        code = self._library.llama_decode(self.context, self._batch)
        if code == ABORTED:
            raise Aborted
        if code:
            reasons = "; ".join(self.runtime.complaints)
            raise Trouble("crashed", f"llama_decode failed with {code} at position {start:,}. {reasons}".strip())

    def logits(self, token: int = -1) -> "NDArray[np.float32]":
        """A view of the logits of one token of the last batch (counted from its start); valid until the next `decode`.

        Raises: Trouble if that token has none.
        """
        pointer = self._library.llama_get_logits_ith(self.context, token)
        if not pointer:
            raise Trouble("crashed", "llama.cpp computed no logits.")
        address = ctypes.addressof(pointer.contents)
        if (view := self._views.get(address)) is None:
            view = self._views[address] = np.ctypeslib.as_array(pointer, shape=(self.vocab_size,))
        return view

    def keep(self, count: int) -> bool:
        """Forget all but the first `count` tokens; False if this kind of memory cannot do that."""
        return bool(self._library.llama_memory_seq_rm(self._memory, 0, count, -1))

    def clear(self) -> None:
        """Forget everything."""
        self._library.llama_memory_clear(self._memory, True)

    def state_bytes(self) -> int:
        """Size of what `state` would return now."""
        return self._library.llama_state_seq_get_size_ext(self.context, 0, 0)

    def state(self, *, partial: bool = False) -> "NDArray[np.uint8]":
        """A copy of the memory; `partial`: only what cannot be cut at a position."""
        flags = PARTIAL if partial else 0
        size = self._library.llama_state_seq_get_size_ext(self.context, 0, flags)
        data = np.empty(size, dtype=np.uint8)
        written = self._library.llama_state_seq_get_data_ext(self.context, _bytes_of(data), size, 0, flags)
        return data[:written]

    def restore(self, data: "NDArray[np.uint8]", *, partial: bool = False) -> bool:
        """Put a state back that this model gave before; False if llama.cpp refuses it, and the memory is undefined."""
        flags = PARTIAL if partial else 0
        return bool(self._library.llama_state_seq_set_data_ext(self.context, _bytes_of(data), data.nbytes, 0, flags))


class Rows:
    """The columns of a batch as arrays, so that filling it costs no call per token."""

    def __init__(self, batch: Handle, size: int, *, tokens: "NDArray[np.int32] | None" = None) -> None:
        column = np.ctypeslib.as_array
        self._tokens = column(batch.token, (size,)) if tokens is None else tokens
        self._positions, self._logits = column(batch.pos, (size,)), column(batch.logits, (size,))
        column(batch.n_seq_id, (size,))[:] = 1
        for row in range(size):
            batch.seq_id[row][0] = 0

    def fill(self, batch: Handle, tokens: Sequence[int], start: int, *, rows: int) -> None:
        """One run of tokens from position `start`; the last `rows` want logits."""
        count = batch.n_tokens = len(tokens)
        if count == 1:
            self._tokens[0], self._positions[0], self._logits[0] = tokens[0], start, rows
            return
        self._tokens[:count] = tokens
        self._positions[:count] = np.arange(start, start + count)
        self._logits[:count] = 0
        self._logits[max(0, count - rows) : count] = 1


def _bytes_of(data: "NDArray[np.uint8]") -> Handle:
    return data.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
