"""Puts the tiny model through real llama.cpp: `python -m tools.tiny_check [GGUF]` prints its answers to the demo as JSON.

Invariant: greedy decoding on one thread through the low-level API; message text is tokenised without special tokens.
"""

import ctypes
import json
import random
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import llama_cpp
import numpy as np

from tools.tiny_data import ASSETS, HELD_OUT, Example, Writer, demo_examples, generic_example

BATCHES = (32, 128, 512)
T = TypeVar("T")


class LlamaLoop:
    """One model and one context of llama.cpp, decoded greedily token by token."""

    def __init__(self, path: Path, *, batch: int = 512, context: int = 1024) -> None:
        llama_cpp.llama_backend_init()
        self._quiet = llama_cpp.llama_log_callback(lambda _level, _text, _data: None)
        llama_cpp.llama_log_set(self._quiet, ctypes.c_void_p(0))
        defaults = llama_cpp.llama_model_default_params()
        self.model = _given(llama_cpp.llama_model_load_from_file(str(path).encode(), defaults), f"the model {path}")
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = context
        parameters.n_batch = parameters.n_ubatch = batch
        parameters.n_threads = parameters.n_threads_batch = 1
        self.context = _given(llama_cpp.llama_init_from_model(self.model, parameters), "a context")
        self.memory = _given(llama_cpp.llama_get_memory(self.context), "the context's memory")
        self.vocab = _given(llama_cpp.llama_model_get_vocab(self.model), "a vocabulary")
        self.size = llama_cpp.llama_vocab_n_tokens(self.vocab)
        self.batch = batch

    def close(self) -> None:
        llama_cpp.llama_free(self.context)
        llama_cpp.llama_model_free(self.model)

    def tokens(self, text: str, *, special: bool = False) -> list[int]:
        data = text.encode()
        buffer = (llama_cpp.llama_token * (len(data) + 8))()
        count = llama_cpp.llama_tokenize(self.vocab, data, len(data), buffer, len(buffer), False, special)
        return list(buffer[:count])

    def prompt(self, example: Example) -> list[int]:
        """ChatML around the two messages; only the markers are special."""
        ids: list[int] = []
        for role, content in (("system", example.system), ("user", example.user)):
            ids += self.tokens(f"<|im_start|>{role}\n", special=True) + self.tokens(content)
            ids += self.tokens("<|im_end|>\n", special=True)
        return ids + self.tokens("<|im_start|>assistant\n", special=True)

    def joined_prompt(self, example: Example) -> list[int]:
        """The same prompt tokenised as one text: equal to `prompt` unless a message holds a marker's text."""
        messages = (("system", example.system), ("user", example.user))
        text = "".join(f"<|im_start|>{role}\n{content}<|im_end|>\n" for role, content in messages)
        return self.tokens(text + "<|im_start|>assistant\n", special=True)

    def answer(self, example: Example, *, limit: int = 400) -> tuple[str, int, float]:
        """Answer text, number of prompt and answer tokens, and the smallest lead of a chosen token (in logits)."""
        llama_cpp.llama_memory_clear(self.memory, True)
        pending, written, lead = self.prompt(example), bytearray(), float("inf")
        used = len(pending)
        for _ in range(limit):
            for at in range(0, len(pending), self.batch):
                part = pending[at : at + self.batch]
                array = (llama_cpp.llama_token * len(part))(*part)
                if llama_cpp.llama_decode(self.context, llama_cpp.llama_batch_get_one(array, len(part))):
                    raise RuntimeError("llama_decode failed")
            logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(self.context, -1), shape=(self.size,))
            second, first = np.partition(logits, -2)[-2:]
            lead = min(lead, float(first - second))
            token = int(logits.argmax())
            used += 1
            if llama_cpp.llama_vocab_is_eog(self.vocab, token):
                break
            piece = ctypes.create_string_buffer(64)
            length = llama_cpp.llama_token_to_piece(self.vocab, token, piece, 64, 0, False)
            written += piece.raw[:length]
            pending = [token]
        return written.decode("utf-8", "replace"), used, lead


def _given(value: T | None, what: str) -> T:
    if not value:
        raise RuntimeError(f"llama.cpp did not give {what}")
    return value


def score(loop: LlamaLoop, examples: Iterable[Example]) -> dict[str, str]:
    """`right/asked` by kind of example."""
    asked, right = Counter[str](), Counter[str]()
    for example in examples:
        asked[example.kind] += 1
        right[example.kind] += loop.answer(example)[0] == example.answer
    return {kind: f"{right[kind]}/{asked[kind]}" for kind in sorted(asked)}


def check_demo(path: Path, *, show: bool = False) -> dict[str, Any]:
    """The demo's requests with three batch sizes; `exact` is what the product relies on."""
    exact: dict[str, str] = {}
    longest, lead = 0, float("inf")
    examples = demo_examples()
    for batch in BATCHES:
        loop, right = LlamaLoop(path, batch=batch), 0
        for example in examples:
            text, used, margin = loop.answer(example)
            right += text == example.answer
            longest, lead = max(longest, used), min(lead, margin)
            if show and text != example.answer:
                print(f"miss (batch {batch}), wanted:\n{example.answer}\ngot:\n{text}\n")
        loop.close()
        exact[f"batch {batch}"] = f"{right}/{len(examples)}"
    return {"exact": exact, "longest_request_tokens": longest, "smallest_lead_logits": round(lead, 2)}


def check_generic(path: Path, *, seed: int, count: int) -> dict[str, dict[str, str]]:
    """Edits the model has never seen: new combinations, only made-up letters, only words kept out of training."""
    loop = LlamaLoop(path)
    writers = {
        "unseen edits": Writer(random.Random(seed)),
        "random letters only": Writer(random.Random(seed + 1), letters=1.0),
        "held-out words only": Writer(random.Random(seed + 2), words=HELD_OUT, letters=0.0),
    }
    scores = {name: score(loop, [generic_example(write) for _ in range(count)]) for name, write in writers.items()}
    loop.close()
    return scores


def demo_answers(path: Path) -> list[dict[str, object]]:
    """For each request of the demo: its messages, the answer by batch size, and whether both ways to tokenise agree."""
    loops = {batch: LlamaLoop(path, batch=batch) for batch in BATCHES}
    first = loops[BATCHES[0]]
    answered: list[dict[str, object]] = [
        {
            "system": example.system,
            "user": example.user,
            "answers": {str(batch): loop.answer(example)[0] for batch, loop in loops.items()},
            "tokenised_alike": first.prompt(example) == first.joined_prompt(example),
        }
        for example in demo_examples()
    ]
    for loop in loops.values():
        loop.close()
    return answered


if __name__ == "__main__":
    print(json.dumps(demo_answers(Path(sys.argv[1]) if len(sys.argv) > 1 else ASSETS / "tiny.gguf"), indent=2))
