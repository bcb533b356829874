"""A typed face for the few functions of llama.cpp that are used: one model, one context, one sequence.

Invariant: llama_cpp is imported here and nowhere else, and only in a child process; every callback that native code may
call lives as long as the process.
"""

import ctypes
import sys
from collections import deque
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

import msgspec
import numpy as np

from hybridcode.models.fit import KvType
from hybridcode.models.problems import Trouble

if TYPE_CHECKING:
    from numpy.typing import NDArray

BATCH = 512
"""Tokens that are decoded at once; fixed, because the batch size changes the last bits of the logits."""
_ABORTED = 2
_WARNING, _ERROR, _CONTINUED = 3, 4, 5
_GGML_TYPES: dict[KvType, int] = {"f16": 1, "q8_0": 8, "q4_0": 2}
_SPECIAL_ATTRIBUTES = (1 << 0) | (1 << 3)
"""Unknown and control tokens: the ones that llama.cpp leaves alone in ordinary text."""

_Handle = Any


class LlamaOptions(msgspec.Struct, frozen=True):
    """How to load a model."""

    path: str
    n_ctx: int
    threads: int
    gpu_layers: int
    kv_type: KvType = "f16"


class _Library(Protocol):
    """The functions of the module llama_cpp that are used here."""

    llama_log_callback: Callable[[Callable[[int, bytes, object], None]], _Handle]
    ggml_abort_callback: Callable[[Callable[[object], bool]], _Handle]
    llama_token: type[ctypes.c_int32]

    def llama_backend_init(self) -> None: ...
    def llama_log_set(self, callback: _Handle, data: None) -> None: ...
    def llama_supports_gpu_offload(self) -> bool: ...
    def llama_model_default_params(self) -> _Handle: ...
    def llama_model_load_from_file(self, path: bytes, parameters: _Handle) -> _Handle: ...
    def llama_model_get_vocab(self, model: _Handle) -> _Handle: ...
    def llama_model_chat_template(self, model: _Handle, name: None) -> bytes | None: ...
    def llama_context_default_params(self) -> _Handle: ...
    def llama_init_from_model(self, model: _Handle, parameters: _Handle) -> _Handle: ...
    def llama_n_ctx(self, context: _Handle) -> int: ...
    def llama_get_memory(self, context: _Handle) -> _Handle: ...
    def llama_memory_seq_rm(self, memory: _Handle, sequence: int, start: int, end: int) -> bool: ...
    def llama_memory_clear(self, memory: _Handle, data: bool) -> None: ...
    def llama_batch_init(self, tokens: int, embedding: int, sequences: int) -> _Handle: ...
    def llama_decode(self, context: _Handle, batch: _Handle) -> int: ...
    def llama_get_logits_ith(self, context: _Handle, index: int) -> _Handle: ...
    def llama_vocab_n_tokens(self, vocab: _Handle) -> int: ...
    def llama_vocab_bos(self, vocab: _Handle) -> int: ...
    def llama_vocab_eos(self, vocab: _Handle) -> int: ...
    def llama_vocab_get_add_bos(self, vocab: _Handle) -> bool: ...
    def llama_vocab_is_eog(self, vocab: _Handle, token: int) -> bool: ...
    def llama_vocab_get_attr(self, vocab: _Handle, token: int) -> int: ...
    def llama_vocab_get_text(self, vocab: _Handle, token: int) -> bytes: ...
    def llama_tokenize(
        self, vocab: _Handle, text: bytes, size: int, tokens: _Handle, room: int, add: bool, special: bool
    ) -> int: ...
    def llama_token_to_piece(
        self, vocab: _Handle, token: int, buffer: _Handle, room: int, strip: int, special: bool
    ) -> int: ...


class Aborted(Exception):
    """Decoding was stopped by the abort callback; the memory has to be cleared."""


class Runtime:
    """The library, imported and quiet: its log goes to stderr, and the last complaints are kept."""

    def __init__(self) -> None:
        try:
            self.library = cast(_Library, import_module("llama_cpp"))
        except (ImportError, OSError, RuntimeError) as error:
            raise Trouble(
                "unavailable",
                f"llama-cpp-python cannot be used: {error}",
                "Install hybridcode[local], or run a server and set [models.local] base_url.",
            ) from error
        self.complaints: deque[str] = deque(maxlen=6)
        self._level = _ERROR
        self._callback = self.library.llama_log_callback(self._log)
        self.library.llama_log_set(self._callback, None)
        self.library.llama_backend_init()

    @property
    def has_gpu(self) -> bool:
        """True if this build can put layers on a GPU."""
        return self.library.llama_supports_gpu_offload()

    def _log(self, level: int, text: bytes, _: object) -> None:
        self._level = self._level if level == _CONTINUED else level
        line = text.decode("utf-8", "replace").strip()
        if self._level in (_WARNING, _ERROR) and line.strip("."):
            self.complaints.append(line)
            sys.stderr.write(line + "\n")


class Llama:
    """A loaded model with one context and one sequence. Not thread-safe."""

    def __init__(self, runtime: Runtime, options: LlamaOptions) -> None:
        self._library = library = runtime.library
        self.should_abort: Callable[[], bool] = bool
        """Asked often while decoding; True ends it with Aborted."""
        self._on_abort = library.ggml_abort_callback(lambda _: self.should_abort())
        parameters = library.llama_model_default_params()
        parameters.n_gpu_layers = options.gpu_layers
        self._model = library.llama_model_load_from_file(options.path.encode(), parameters)
        if not self._model:
            raise _not_loaded(runtime, f"llama.cpp cannot load {options.path}")
        self._vocab = library.llama_model_get_vocab(self._model)
        self._size = library.llama_vocab_n_tokens(self._vocab)
        self._context = library.llama_init_from_model(self._model, self._context_parameters(options))
        if not self._context:
            raise _not_loaded(runtime, f"llama.cpp cannot make a context of {options.n_ctx:,} tokens")
        self._memory = library.llama_get_memory(self._context)
        self._batch = library.llama_batch_init(BATCH, 0, 1)
        self.specials = self._read_specials()
        """Text -> id of every control token."""

    def _context_parameters(self, options: LlamaOptions) -> _Handle:
        parameters = self._library.llama_context_default_params()
        parameters.n_ctx, parameters.n_batch, parameters.n_ubatch = options.n_ctx, BATCH, BATCH
        parameters.n_seq_max = 1
        parameters.n_threads = parameters.n_threads_batch = options.threads
        parameters.abort_callback, parameters.abort_callback_data = self._on_abort, None
        parameters.type_k = parameters.type_v = _GGML_TYPES[options.kv_type]
        if options.kv_type != "f16":
            parameters.flash_attn_type = 1
        return parameters

    def _read_specials(self) -> dict[str, int]:
        attribute, text = self._library.llama_vocab_get_attr, self._library.llama_vocab_get_text
        ids = (token for token in range(self._size) if attribute(self._vocab, token) & _SPECIAL_ATTRIBUTES)
        return {text(self._vocab, token).decode("utf-8", "replace"): token for token in ids}

    @property
    def n_ctx(self) -> int:
        """Tokens of the context as it was made."""
        return self._library.llama_n_ctx(self._context)

    @property
    def template(self) -> str | None:
        """The chat template in the file."""
        found = self._library.llama_model_chat_template(self._model, None)
        return None if found is None else found.decode("utf-8", "replace")

    @property
    def bos(self) -> int | None:
        """The token that begins every prompt, if the model wants one."""
        return (
            self._library.llama_vocab_bos(self._vocab) if self._library.llama_vocab_get_add_bos(self._vocab) else None
        )

    def text_of(self, token: int | None) -> str:
        """How a control token is spelled; empty for none."""
        return next((text for text, number in self.specials.items() if number == token), "")

    @property
    def eos(self) -> int:
        """The token that ends a text."""
        return self._library.llama_vocab_eos(self._vocab)

    def tokens(self, text: str) -> list[int]:
        """Tokens of ordinary text; control tokens that it spells stay text."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        buffer = (self._library.llama_token * room)()
        count = self._library.llama_tokenize(self._vocab, data, len(data), buffer, room, False, False)
        if count < 0:
            raise Trouble("crashed", f"llama.cpp cannot tokenise {len(data):,} bytes.")
        return list(cast(Sequence[int], buffer[:count]))

    def piece(self, token: int) -> bytes:
        """The bytes of a token; b"" for control tokens."""
        buffer = ctypes.create_string_buffer(64)
        size = self._library.llama_token_to_piece(self._vocab, token, buffer, 64, 0, False)
        if size < 0:
            buffer = ctypes.create_string_buffer(-size)
            size = self._library.llama_token_to_piece(self._vocab, token, buffer, -size, 0, False)
        return buffer.raw[:size]

    def is_end(self, token: int) -> bool:
        """True for tokens that end an answer."""
        return self._library.llama_vocab_is_eog(self._vocab, token)

    def decode(self, tokens: Sequence[int], start: int) -> None:
        """Append up to BATCH tokens at position `start`; logits are computed for the last one.

        Raises:
            Aborted: when `should_abort` said so.
            Trouble: when llama.cpp has no room or fails.
        """
        batch = self._batch
        batch.n_tokens = len(tokens)
        for index, token in enumerate(tokens):
            batch.token[index], batch.pos[index], batch.n_seq_id[index] = token, start + index, 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = index == len(tokens) - 1
        code = self._library.llama_decode(self._context, batch)
        if code == _ABORTED:
            raise Aborted
        if code:
            raise Trouble("crashed", f"llama_decode failed with {code} at position {start:,}.")

    def logits(self) -> "NDArray[np.float32]":
        """A view of the logits of the last token decoded; valid until the next `decode`."""
        pointer = self._library.llama_get_logits_ith(self._context, -1)
        return np.ctypeslib.as_array(pointer, shape=(self._size,))

    def keep(self, count: int) -> bool:
        """Forget all but the first `count` tokens; False if this kind of memory cannot do that."""
        return bool(self._library.llama_memory_seq_rm(self._memory, 0, count, -1))

    def clear(self) -> None:
        """Forget everything."""
        self._library.llama_memory_clear(self._memory, True)


def _not_loaded(runtime: Runtime, what: str) -> Trouble:
    reasons = "; ".join(runtime.complaints)
    return Trouble("unavailable", f"{what}: {reasons or 'no reason was given'}", "`hybridcode doctor` checks the file.")
