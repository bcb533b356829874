"""Grammars that an answer has to follow: GBNF, or made from a JSON schema by llama-cpp-python.

Invariant: a grammar is read by llama.cpp before it is used, and one that it refuses never gets as far as a token.
"""

import ctypes
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from hybridcode.models.llama import Llama
from hybridcode.models.llama_library import Handle
from hybridcode.models.problems import Trouble, shortened

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_BYTES = 256 * 1024
"""Of a grammar's text; larger ones take llama.cpp minutes."""
_ROOT = b"root"
_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)], align=True)
_FORBIDDEN = float("-inf")


class Grammar:
    """Where an answer stands in its grammar. Free it with `close`.

    Raises (when made): Trouble `invalid` with llama.cpp's reason.
    """

    def __init__(self, llama: Llama, text: str) -> None:
        self._library = llama.runtime.library
        data = text.encode("utf-8", "replace")
        if len(data) > MOST_BYTES or b"\0" in data:
            raise Trouble("invalid", f"A grammar of {len(data):,} bytes is not used; {MOST_BYTES:,} are the limit.")
        self._sampler = self._library.llama_sampler_init_grammar(llama.vocab, data, _ROOT)
        if not self._sampler:
            reasons = shortened("; ".join(llama.runtime.complaints))
            raise Trouble(
                "invalid", f"llama.cpp refuses the grammar: {reasons}", "Correct its GBNF; `root` is the start."
            )
        self._one = np.zeros(1, dtype=_CANDIDATE)
        self._all = np.zeros(llama.vocab_size, dtype=_CANDIDATE)
        self._ids = np.arange(llama.vocab_size, dtype=np.int32)

    def close(self) -> None:
        """Give the memory back."""
        if self._sampler:
            self._library.llama_sampler_free(self._sampler)
            self._sampler = None

    def allows(self, token: int) -> bool:
        """True if the answer may go on with this token."""
        self._one["id"], self._one["logit"] = token, 0.0
        self._library.llama_sampler_apply(self._sampler, ctypes.byref(self._array(self._one)))
        return self._one["logit"][0] != _FORBIDDEN

    def allowed(self, logits: "NDArray[np.float32]") -> "NDArray[np.float32]":
        """The logits with every token that may not follow at minus infinity.

        Raises: Trouble if none may.
        """
        self._all["id"], self._all["logit"] = self._ids, logits
        self._library.llama_sampler_apply(self._sampler, ctypes.byref(self._array(self._all)))
        kept = np.full_like(logits, _FORBIDDEN)
        kept[self._all["id"]] = self._all["logit"]
        if not np.isfinite(kept).any():
            raise Trouble("invalid", "The grammar allows no token of this model here.", "Loosen the grammar.")
        return kept

    def accept(self, token: int) -> None:
        """Go on with a token that is allowed."""
        self._library.llama_sampler_accept(self._sampler, token)

    def _array(self, candidates: "NDArray[np.void]") -> Handle:
        pointer = candidates.ctypes.data_as(self._library.llama_token_data_p)
        return self._library.llama_token_data_array(data=pointer, size=candidates.size, selected=-1, sorted=False)


def grammar_of_schema(schema: bytes) -> str:
    """GBNF for a JSON schema. Raises: Trouble `invalid` when the schema cannot be turned into one."""
    module = import_module("llama_cpp.llama_grammar")
    try:
        return str(module.json_schema_to_gbnf(schema.decode()))
    except Exception as error:  # a converter of somebody else's, fed with any schema
        raise Trouble("invalid", f"No grammar can be made of the JSON schema: {shortened(str(error))}") from error
