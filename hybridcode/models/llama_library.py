"""The module llama_cpp as far as it is used here: imported once, quiet, with its last complaints kept.

Invariant: llama_cpp is imported here and nowhere else, and only in a child process; every callback that native code may
call lives as long as the process.
"""

import ctypes
import sys
from collections import deque
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol, cast

from hybridcode.models.problems import Trouble

Handle = Any
"""A pointer or a structure of the library."""
Buffer = Any
"""An array of ctypes or a pointer into numpy's memory."""

PARTIAL = 1
"""Flag: only what cannot be cut at a position (recurrent states), without the attention's part of a memory."""
MTP_CONTEXT = 1
_GPU = 1
"""Kind of a device in ggml."""
_WARNING, _ERROR, _CONTINUED = 3, 4, 5


class Library(Protocol):
    """The functions of the module llama_cpp that are used here."""

    __version__: str
    llama_log_callback: Callable[[Callable[[int, bytes, object], None]], Handle]
    ggml_abort_callback: Callable[[Callable[[object], bool]], Handle]
    llama_token: type[ctypes.c_int32]
    llama_token_data_array: Callable[..., Handle]
    llama_token_data_p: Handle

    def llama_backend_init(self) -> None: ...
    def llama_log_set(self, callback: Handle, data: None) -> None: ...
    def llama_supports_gpu_offload(self) -> bool: ...
    def llama_model_default_params(self) -> Handle: ...
    def llama_model_load_from_file(self, path: bytes, parameters: Handle) -> Handle: ...
    def llama_model_get_vocab(self, model: Handle) -> Handle: ...
    def llama_model_chat_template(self, model: Handle, name: None) -> bytes | None: ...
    def llama_model_is_recurrent(self, model: Handle) -> bool: ...
    def llama_model_is_hybrid(self, model: Handle) -> bool: ...
    def llama_model_n_layer_nextn(self, model: Handle) -> int: ...
    def llama_model_n_embd_out(self, model: Handle) -> int: ...
    def llama_context_default_params(self) -> Handle: ...
    def llama_init_from_model(self, model: Handle, parameters: Handle) -> Handle: ...
    def llama_n_ctx(self, context: Handle) -> int: ...
    def llama_get_memory(self, context: Handle) -> Handle: ...
    def llama_memory_seq_rm(self, memory: Handle, sequence: int, start: int, end: int) -> bool: ...
    def llama_memory_clear(self, memory: Handle, data: bool) -> None: ...
    def llama_batch_init(self, tokens: int, embedding: int, sequences: int) -> Handle: ...
    def llama_decode(self, context: Handle, batch: Handle) -> int: ...
    def llama_get_logits_ith(self, context: Handle, index: int) -> Handle: ...
    def llama_state_seq_get_size_ext(self, context: Handle, sequence: int, flags: int) -> int: ...
    def llama_state_seq_get_data_ext(
        self, context: Handle, buffer: Buffer, size: int, sequence: int, flags: int
    ) -> int: ...
    def llama_state_seq_set_data_ext(
        self, context: Handle, buffer: Buffer, size: int, sequence: int, flags: int
    ) -> int: ...
    def llama_vocab_n_tokens(self, vocab: Handle) -> int: ...
    def llama_vocab_bos(self, vocab: Handle) -> int: ...
    def llama_vocab_eos(self, vocab: Handle) -> int: ...
    def llama_vocab_get_add_bos(self, vocab: Handle) -> bool: ...
    def llama_vocab_is_eog(self, vocab: Handle, token: int) -> bool: ...
    def llama_vocab_get_attr(self, vocab: Handle, token: int) -> int: ...
    def llama_vocab_get_text(self, vocab: Handle, token: int) -> bytes: ...
    def llama_tokenize(
        self, vocab: Handle, text: bytes, size: int, tokens: Buffer, room: int, add: bool, special: bool
    ) -> int: ...
    def llama_token_to_piece(
        self, vocab: Handle, token: int, buffer: Buffer, room: int, strip: int, special: bool
    ) -> int: ...
    def llama_sampler_init_grammar(self, vocab: Handle, grammar: bytes, root: bytes) -> Handle: ...
    def llama_sampler_apply(self, sampler: Handle, candidates: Buffer) -> None: ...
    def llama_sampler_accept(self, sampler: Handle, token: int) -> None: ...
    def llama_sampler_free(self, sampler: Handle) -> None: ...


class NextTokens(Protocol):
    """The functions of llama_cpp_ext: hidden rows that a layer for the next token (MTP) starts from."""

    def llama_set_embeddings_nextn(self, context: Handle, value: bool, masked: bool) -> None: ...
    def llama_get_embeddings_nextn(self, context: Handle) -> Handle: ...
    def llama_get_embeddings_nextn_ith(self, context: Handle, index: int) -> Handle: ...


class Runtime:
    """The library, imported and quiet: its log goes to stderr, and the last complaints are kept."""

    def __init__(self) -> None:
        try:
            self.library = cast(Library, import_module("llama_cpp"))
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

    def native_flag(self, flag: Buffer) -> Handle:
        """A callback that answers whether `flag`, which it gets as its data, is a string of one character.

        It is the C library's strlen where there is one: a callback in Python, asked after every operation, would cost
        small models a third of their speed.
        """
        kind = self.library.ggml_abort_callback
        try:
            return ctypes.cast(ctypes.CDLL(None).strlen, cast(Any, kind))
        except (AttributeError, OSError, TypeError):
            return kind(lambda _: bool(flag.value))

    def free_vram(self) -> int | None:
        """Bytes that are free on all GPUs together; None where this build does not say."""
        try:
            ggml = import_module("llama_cpp._ggml").libggml
            return _free_vram(ggml)
        except (ImportError, AttributeError):
            return None

    @property
    def next_tokens(self) -> NextTokens | None:
        """What a layer for the next token needs; None where this build cannot."""
        try:
            return cast(NextTokens, import_module("llama_cpp.llama_cpp_ext"))
        except (ImportError, AttributeError):
            return None

    def _log(self, level: int, text: bytes, _: object) -> None:
        self._level = self._level if level == _CONTINUED else level
        line = text.decode("utf-8", "replace").strip()
        if self._level in (_WARNING, _ERROR) and line.strip("."):
            self.complaints.append(line)
            sys.stderr.write(line + "\n")

    def not_loaded(self, what: str) -> Trouble:
        """Why something was refused, in the library's own last words."""
        reasons = "; ".join(self.complaints)
        hint = "`hybridcode doctor` checks the file."
        return Trouble("unavailable", f"{what}: {reasons or 'no reason was given'}", hint)


def _free_vram(ggml: Handle) -> int | None:
    """Asks each device of ggml that is a GPU."""
    ggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    ggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    ggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    ggml.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    ggml.ggml_backend_dev_memory.restype = None
    ggml.ggml_backend_dev_memory.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    total = 0
    for number in range(ggml.ggml_backend_dev_count()):
        device = ggml.ggml_backend_dev_get(number)
        if ggml.ggml_backend_dev_type(device) != _GPU:
            continue
        free, whole = ctypes.c_size_t(), ctypes.c_size_t()
        ggml.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(whole))
        total += free.value
    return total or None
