"""The local engine beside llama-cpp-python's own high-level class, on the same GGUF, in one run.

Invariant: both load the same file with the same threads and context; they take turns, each row is the best of its
rounds by processor time, since other work on a machine only ever slows down; tokens are those of greedy decoding.

Rows are JSON lines: `decode` and `decode_long` (tokens a second after a short and a long prompt; the class decodes, the
engine makes text as well), `text` (both make text), `prompt` (tokens a second), `ttft` (milliseconds to the first token
of a new prompt, and of one of which at least 95 % are kept), `switch` (another conversation in between, milliseconds),
`lookup` (guesses from the prompt on text that is copied), `kv` (bytes of a token), and for the child process `child`
(seconds until it is ready, what a token costs more than in this process, milliseconds until a cancelled answer has
ended). A row in which the class fails says how.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from hybridcode.config.settings import LocalSettings
from hybridcode.domain.model import Message, ModelRequest
from hybridcode.models.bandwidth import read_bandwidth
from hybridcode.models.bench import weights_per_pass
from hybridcode.models.engine import Engine, Speculation
from hybridcode.models.fit import KvType, kv_bytes_per_token
from hybridcode.models.gguf import inspect
from hybridcode.models.llama import Llama, LlamaOptions
from hybridcode.models.llama_library import Runtime
from hybridcode.models.local import LlamaCppModel
from hybridcode.models.prefix_cache import common
from hybridcode.models.speculation import Pace, PromptLookup
from hybridcode.models.streams import close_stream

_SHARED, _TAIL = 2_300, 60
"""Tokens that two prompts share, and that each has of its own."""
_BIG_CACHE = 1 << 32


@dataclass(frozen=True)
class Spent:
    """Wall and processor seconds of something."""

    wall: float
    cpu: float


def timed(work: Callable[[], object]) -> Spent:
    """How long it takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Spent(time.perf_counter() - wall, time.process_time() - cpu)


class Ours:
    """The engine, in this process."""

    def __init__(self, runtime: Runtime, path: Path, *, kv: KvType, n_ctx: int, lookup: bool = False) -> None:
        self.llama = Llama(runtime, LlamaOptions(str(path), n_ctx, 1, 0, kv_type=kv))
        drafter = PromptLookup()
        speculation = Speculation(drafter, Pace(kinds=drafter.kinds, slope=0.7)) if lookup else None
        self.engine = Engine(self.llama, cache_bytes=_BIG_CACHE, speculation=speculation)
        self.passes = 0

    def run(self, text: str, tokens: int) -> None:
        """Answer with exactly that many tokens."""
        messages = (Message("system", "."), Message("user", text))
        request = ModelRequest("b", "draft", messages, tokens, ignore_end=True)
        self.passes = self.engine.generate(request, lambda _: None, is_cancelled=lambda: False).passes

    def prompt(self, text: str) -> str:
        """The whole prompt as text: what the class is asked with."""
        return f"<|im_start|>system\n.<|im_end|>\n<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"

    def tokens(self, text: str) -> list[int]:
        """The whole prompt."""
        return self.engine.prompt((Message("system", "."), Message("user", text)))

    def forget(self) -> None:
        """Start anew."""
        self.engine = Engine(self.llama, cache_bytes=_BIG_CACHE, speculation=self.engine.speculation)
        self.llama.clear()


class Class:
    """llama-cpp-python's class `Llama`, with its own cache and its own prompt lookup."""

    def __init__(self, path: Path, *, kv: KvType, n_ctx: int, lookup: bool = False, cache: bool = False) -> None:
        library = import_module("llama_cpp")
        kinds: Mapping[KvType, int] = {"f16": 1, "q8_0": 8, "q4_0": 2}
        draft = import_module("llama_cpp.llama_speculative").LlamaPromptLookupDecoding() if lookup else None
        self.model: Any = library.Llama(
            str(path), n_ctx=n_ctx, n_threads=1, n_threads_batch=1, verbose=False, type_k=kinds[kv], type_v=kinds[kv],
            flash_attn=kv != "f16", draft_model=draft,
        )  # fmt: skip
        if cache:
            self.model.set_cache(library.LlamaRAMCache(capacity_bytes=_BIG_CACHE))

    def run(self, prompt: str, tokens: int) -> None:
        """Decode greedily, whatever comes."""
        read = self.model.tokenize(prompt.encode(), add_bos=False, special=True)
        for _, _ in zip(self.model.generate(read, temp=0.0), range(tokens), strict=False):
            pass

    def write(self, prompt: str, tokens: int) -> None:
        """The same, with its text in pieces."""
        stream = self.model.create_completion(
            prompt, max_tokens=tokens, temperature=0.0, stream=True, logit_bias={self.model.token_eos(): -1e9}
        )
        for _ in stream:
            pass

    def complete(self, prompt: str, tokens: int) -> None:
        """A completion, which uses the cache."""
        self.model.create_completion(prompt, max_tokens=tokens, temperature=0.0)

    def forget(self) -> None:
        """Start anew."""
        self.model.reset()
        self.model._ctx.kv_cache_clear()  # the only way to empty its memory


def words(tokens: int, seed: int, per_token: float) -> str:
    """Text of about that many tokens."""
    rng = np.random.default_rng(seed)
    text = ""
    while len(text) < tokens * per_token:
        text += "".join(rng.choice(list("etaoinsr"), 5)) + (" " if rng.random() < 0.8 else "\n")
    return text


def best(spents: list[Spent]) -> Spent:
    """The one with the least processor time."""
    return min(spents, key=lambda spent: spent.cpu)


class Comparison:
    """All rows of one file."""

    def __init__(self, path: Path, *, kv: KvType, n_ctx: int, rounds: int) -> None:
        self._kv: KvType = kv
        self._path, self._n_ctx, self._rounds = path, n_ctx, rounds
        self._runtime = Runtime()
        self._ours = Ours(self._runtime, path, kv=kv, n_ctx=n_ctx)
        self._class = Class(path, kv=kv, n_ctx=n_ctx)
        sample = words(400, 0, 1.0)
        self._per_token = len(sample) / len(self._ours.llama.tokens(sample))

    def rows(self) -> Iterator[dict[str, Any]]:
        """One after the other, each as soon as it is measured."""
        short = words(60, 1, self._per_token)
        yield self._decode("decode", short, tokens=48)
        yield self._decode("text", short, tokens=48, with_text=True)
        yield from self._prompts()
        yield self._switch()
        yield self._lookup()
        yield self._memory()

    def _decode(self, row: str, text: str, *, tokens: int, with_text: bool = False) -> dict[str, Any]:
        """Both warm up first, so that of the prompt only its last token is computed each time."""
        prompt, length = self._ours.prompt(text), len(self._ours.tokens(text))
        ours, theirs = list[Spent](), list[Spent]()
        self._ours.run(text, 1)
        self._class.run(prompt, 1)
        limit = read_bandwidth(1, clock=time.process_time)
        decode = self._class.write if with_text else self._class.run
        for _ in range(self._rounds):
            ours.append(timed(lambda: self._ours.run(text, tokens)))
            theirs.append(timed(lambda: decode(prompt, tokens)))
        info = inspect(self._path)
        passed = weights_per_pass(info) + kv_bytes_per_token(info, self._kv) * length
        mine = best(ours)
        share = tokens * passed / mine.cpu / limit if limit else None
        ratios = [b.cpu / a.cpu for a, b in zip(ours, theirs, strict=True)]
        return {
            "row": row,
            "ours_tps": tokens / mine.cpu,
            "class_tps": tokens / best(theirs).cpu,
            "ours_to_class": best(theirs).cpu / mine.cpu,
            "median_of_pairs": statistics.median(ratios),
            "bandwidth_gbs": limit / 1e9 if limit else None,
            "limit_share": share,
        }

    def _prompts(self) -> Iterator[dict[str, Any]]:
        shared = words(_SHARED, 2, self._per_token)
        tails = [words(_TAIL, seed, self._per_token) for seed in range(3, 4 + self._rounds)]
        prompts = [self._ours.prompt(shared + tail) for tail in tails]
        length = len(self._ours.tokens(shared + tails[0]))
        cold = timed(lambda: self._ours.run(shared + tails[0], 1))
        cold_class = timed(lambda: self._class.run(prompts[0], 1))
        yield {
            "row": "prompt",
            "tokens": length,
            "ours_tps": length / cold.cpu,
            "class_tps": length / cold_class.cpu,
            "ours_to_class": cold_class.cpu / cold.cpu,
        }
        warm, warm_class = list[Spent](), list[Spent]()
        for tail, prompt in zip(tails[1:], prompts[1:], strict=True):
            warm.append(timed(lambda tail=tail: self._ours.run(shared + tail, 1)))
            warm_class.append(timed(lambda prompt=prompt: self._class.run(prompt, 1)))
        yield {
            "row": "ttft",
            "tokens": length,
            "shared": common(self._ours.tokens(shared + tails[0]), self._ours.tokens(shared + tails[1])) / length,
            "ours_cold_ms": cold.cpu * 1000,
            "ours_warm_ms": best(warm).cpu * 1000,
            "falls": cold.cpu / best(warm).cpu,
            "class_cold_ms": cold_class.cpu * 1000,
            "class_warm_ms": best(warm_class).cpu * 1000,
            "ours_to_class": best(warm_class).cpu / best(warm).cpu,
        }
        yield self._decode("decode_long", shared + tails[0], tokens=48)

    def _switch(self) -> dict[str, Any]:
        """A long conversation, another one, and the first again."""
        first, second = words(700, 8, self._per_token), words(700, 9, self._per_token)
        self._ours.forget()
        self._ours.run(first, 1)
        self._ours.run(second, 1)
        ours = timed(lambda: self._ours.run(first + " again", 1))
        cached = Class(self._path, kv=self._kv, n_ctx=self._n_ctx, cache=True)
        cached.complete(self._ours.prompt(first), 1)
        cached.complete(self._ours.prompt(second), 1)
        theirs = timed(lambda: cached.complete(self._ours.prompt(first + " again"), 1))
        return {
            "row": "switch", "ours_ms": ours.cpu * 1000, "class_ms": theirs.cpu * 1000,
            "ours_to_class": theirs.cpu / ours.cpu,
        }  # fmt: skip

    def _lookup(self) -> dict[str, Any]:
        """Prompt lookup where the prompt repeats itself, so that some guesses come true even with random weights."""
        text, tokens = words(40, 5, self._per_token) * 16, 64
        guessing = Ours(self._runtime, self._path, kv=self._kv, n_ctx=self._n_ctx, lookup=True)
        guessing.run(text, 1)
        self._ours.run(text, 1)
        plain = best([timed(lambda: self._ours.run(text, tokens)) for _ in range(self._rounds)])
        ours = best([timed(lambda: guessing.run(text, tokens)) for _ in range(self._rounds)])
        row: dict[str, Any] = {
            "row": "lookup",
            "plain_tps": tokens / plain.cpu,
            "ours_tps": tokens / ours.cpu,
            "tokens_per_pass": (tokens - 1) / max(1, guessing.passes),
        }
        try:
            theirs = Class(self._path, kv=self._kv, n_ctx=self._n_ctx, lookup=True)
            prompt = self._ours.prompt(text)
            theirs.run(prompt, 1)
            row["class_tps"] = tokens / best([timed(lambda: theirs.run(prompt, tokens)) for _ in range(2)]).cpu
            row["ours_to_class"] = row["ours_tps"] / row["class_tps"]
        except (ValueError, RuntimeError, TypeError, AssertionError) as error:
            row["class_fails"] = f"{type(error).__name__}: {error}"[:160]
        return row

    def _memory(self) -> dict[str, Any]:
        sizes: dict[KvType, float] = {}
        kinds: tuple[KvType, ...] = ("f16", "q8_0", "q4_0")
        for kind in kinds:
            one = Ours(self._runtime, self._path, kv=kind, n_ctx=1024)
            text = words(600, 6, self._per_token)
            one.run(text, 1)
            sizes[kind] = one.llama.state_bytes() / len(one.tokens(text))
        return {
            "row": "kv",
            **{f"{kind}_bytes": round(size) for kind, size in sizes.items()},
            "q8_to_f16": sizes["q8_0"] / sizes["f16"],
        }


async def child_row(path: Path, *, tokens: int, n_ctx: int) -> dict[str, Any]:
    """The child process: its start, what it adds to a token, how soon a cancelled answer has ended."""
    settings = LocalSettings(path=str(path), n_ctx=n_ctx, threads=1, speculation="off")
    model = LlamaCppModel(settings)
    started = time.perf_counter()
    await model.start()
    start_s = time.perf_counter() - started
    ours = Ours(Runtime(), path, kv="f16", n_ctx=n_ctx)
    text = words(60, 1, 4.0)
    inside, outside = list[float](), list[float]()
    await _answer(model, text, 1)
    ours.run(text, 1)
    for _ in range(5):
        inside.append(timed(lambda: ours.run(text, tokens)).wall)
        began = time.perf_counter()
        await _answer(model, text, tokens)
        outside.append(time.perf_counter() - began)
    prompt = [await _cancelled(model, words(3_000, seed, 1.0), after_s=0.4) for seed in range(3)]
    answer = [await _cancelled(model, f"{text}{seed}", after_s=0.0) for seed in range(3)]
    await model.close()
    return {
        "row": "child",
        "start_s": start_s,
        "token_overhead": min(outside) / min(inside) - 1,
        "cancel_in_prompt_ms": max(prompt) * 1000,
        "cancel_in_answer_ms": max(answer) * 1000,
    }


async def _answer(model: LlamaCppModel, text: str, tokens: int) -> None:
    messages = (Message("system", "."), Message("user", text))
    async for _ in model.stream(ModelRequest("b", "draft", messages, tokens, ignore_end=True)):
        pass


async def _cancelled(model: LlamaCppModel, text: str, *, after_s: float) -> float:
    """Seconds from leaving an answer until the child has ended it. With `after_s` it is left that much
    later, while its prompt is computed; without, at its first piece."""
    messages = (Message("system", "."), Message("user", text))
    stream = model.stream(ModelRequest("b", "draft", messages, 400, ignore_end=True))
    first = asyncio.ensure_future(anext(stream))
    if after_s:
        await asyncio.sleep(after_s)
        first.cancel()
        await asyncio.wait([first])
    else:
        await first
    began = time.perf_counter()
    await close_stream(stream)
    await model.settled()
    return time.perf_counter() - began


def main(argv: list[str]) -> int:
    """Read the command line and print the rows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.local_engine", description=__doc__)
    parser.add_argument("models", nargs="+", type=Path, metavar="GGUF")
    parser.add_argument("--kv", choices=("f16", "q8_0", "q4_0"), default="f16")
    parser.add_argument("--n-ctx", type=int, default=4_096)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child-only", action="store_true", help="only the row of the child process")
    args = parser.parse_args(argv)
    for path in args.models:
        if not args.child_only:
            for row in Comparison(path, kv=args.kv, n_ctx=args.n_ctx, rounds=args.rounds).rows():
                _print(path, row)
        _print(path, asyncio.run(child_row(path, tokens=100, n_ctx=args.n_ctx)))
    return 0


def _print(path: Path, row: dict[str, Any]) -> None:
    rounded = {key: round(value, 3) if isinstance(value, float) else value for key, value in row.items()}
    print(json.dumps({"model": path.stem, **rounded}), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
