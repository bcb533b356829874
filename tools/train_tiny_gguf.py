"""Trains the shipped tiny model and writes hybridcode/assets/tiny.gguf with its record, tiny.json.

Run from the repository's root: `python -m tools.train_tiny_gguf`. Needs torch, numpy, gguf, tokenizers, msgspec and
llama-cpp-python; one CPU thread and no accelerator. Equal arguments, library versions and kind of processor give an
equal file.
"""

import argparse
import hashlib
import json
import math
import platform
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from tools.tiny_check import check_demo, check_generic
from tools.tiny_data import ASSETS, DEMO, ROOT, Example, Writer, demo_examples, generic_example
from tools.tiny_export import export
from tools.tiny_net import Batch, Net, Shape, copying_batch, encode, text_batches, train_tokenizer

PROMPTS = ROOT / "hybridcode" / "models" / "prompts"
INPUTS = {
    "tiny_region.md": PROMPTS / "tiny_region.md",
    "tiny_whole.md": PROMPTS / "tiny_whole.md",
    "plan.json": DEMO / "plan.json",
    "answers.json": DEMO / "answers.json",
}


@dataclass
class Progress:
    """What a training run has used so far."""

    steps: int = 0
    tokens: int = 0
    copying_steps: int = 0
    loss: float = 0.0
    accuracy: float = 0.0


def examples(rng: random.Random, demo_share: float) -> Iterator[Example]:
    """An endless mix of the demo's requests and generated edits."""
    demo = demo_examples()
    write = Writer(rng)
    while True:
        yield rng.choice(demo) if rng.random() < demo_share else generic_example(write)


def batches(
    tokenizer: Tokenizer, source: Iterator[Example], rng: random.Random, args: argparse.Namespace
) -> Iterator[Batch]:
    """Padded batches of similar lengths, in random order."""
    while True:
        encoded = [encode(tokenizer, next(source), edit_weight=args.edit_weight) for _ in range(256)]
        group = text_batches(encoded, tokens=args.batch_tokens, prompt_weight=args.prompt_weight)
        rng.shuffle(group)
        yield from group


def loss_of(net: Net, batch: Batch) -> tuple[Tensor, float]:
    """Weighted cross entropy, and the share of answer tokens that are predicted right."""
    ids, weights = batch[0], batch[1][:, 1:]
    kept = weights > 0
    logits = net(ids[:, :-1])[kept] @ net.embedding.weight.T
    wanted, weight = ids[:, 1:][kept], weights[kept]
    in_answer = weight >= 1
    accuracy = (logits.argmax(-1) == wanted)[in_answer].float().mean().item()
    return (functional.cross_entropy(logits, wanted, reduction="none") * weight).sum() / weight.sum(), accuracy


def learning_rate(fraction: float, step: int, peak: float) -> float:
    """A short rise, level until 30 %, then half a cosine down to 3 %."""
    rise = min(1.0, (step + 1) / 100)
    fall = 1.0 if fraction < 0.3 else 0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * (fraction - 0.3) / 0.7))
    return peak * rise * fall


def train(net: Net, tokenizer: Tokenizer, args: argparse.Namespace, rng: random.Random) -> Progress:
    """Random copying until it works (or a fifth of the run is over), then edits."""
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.lr, betas=(0.9, 0.98), weight_decay=0.01)
    source = batches(tokenizer, examples(rng, args.demo_share), rng, args)
    progress, is_copying, started = Progress(), True, time.process_time()
    for step in range(args.steps):
        fraction = step / args.steps
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(fraction, step, args.lr)
        if is_copying and (progress.accuracy > 0.95 or fraction > 0.2):
            is_copying, progress.copying_steps = False, step
            print(f"step {step}: copying ends with accuracy {progress.accuracy:.3f}", flush=True)
        rehearse = fraction < 0.5 and step % 10 == 0
        batch = copying_batch(net.shape.vocab, rng) if is_copying or rehearse else next(source)
        loss, accuracy = loss_of(net, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        progress.steps += 1
        progress.tokens += batch[0].numel()
        progress.loss = 0.95 * progress.loss + 0.05 * loss.item()
        progress.accuracy = 0.95 * progress.accuracy + 0.05 * accuracy
        if progress.steps % 100 == 0:
            seconds = time.process_time() - started
            print(
                f"step {progress.steps} {seconds:.0f} cpu s loss {progress.loss:.3f} accuracy {progress.accuracy:.4f}",
                flush=True,
            )
    return progress


def record(args: argparse.Namespace, net: Net, progress: Progress, seconds: float) -> dict[str, Any]:
    """Everything that says where the file comes from and how good it is."""
    return {
        "name": "hybridcode-tiny",
        "licence": "Apache-2.0",
        "purpose": "A test fixture that exercises the real path; not a coding model.",
        "sha256": _sha256(args.out),
        "bytes": args.out.stat().st_size,
        "inputs_sha256": {name: _sha256(path) for name, path in INPUTS.items()},
        "command": "python -m tools.train_tiny_gguf " + " ".join(f"--{k} {v}" for k, v in _arguments(args).items()),
        "shape": vars(net.shape),
        "parameters": sum(parameter.numel() for parameter in net.parameters()),
        "training": {
            "cpu_seconds": round(seconds),
            "steps": progress.steps,
            "copying_steps": progress.copying_steps,
            "tokens": progress.tokens,
            "final_loss": round(progress.loss, 4),
        },
        "versions": {name: version(name) for name in ("torch", "numpy", "gguf", "tokenizers", "llama-cpp-python")}
        | {"python": platform.python_version(), "machine": platform.machine()},
        "demo": check_demo(args.out, show=True),
        "generic_exact": check_generic(args.out, seed=args.seed + 777, count=args.check_count),
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _arguments(args: argparse.Namespace) -> dict[str, object]:
    return {name.replace("_", "-"): value for name, value in vars(args).items() if name != "out"}


def parse(argv: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_tiny_gguf", description=__doc__)
    parser.add_argument("--out", type=Path, default=ASSETS / "tiny.gguf")
    parser.add_argument("--type", choices=("f32", "f16", "q8_0"), default="f16")
    parser.add_argument("--steps", type=int, default=3200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--demo-share", type=float, default=0.12, help="share of the demo's requests among examples")
    parser.add_argument("--batch-tokens", type=int, default=2400, help="tokens of one optimizer step, padding included")
    parser.add_argument("--prompt-weight", type=float, default=0.1, help="weight of prompt tokens in the loss")
    parser.add_argument("--edit-weight", type=float, default=4.0, help="weight of answer tokens that are not copies")
    parser.add_argument("--check-count", type=int, default=60, help="generated edits asked in each of three suites")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Train, export, check in llama.cpp, write the record. Exit code 1 when a demo answer is not exact."""
    args = parse(argv)
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    rng = random.Random(args.seed)
    corpus = examples(random.Random(args.seed + 1), args.demo_share)
    tokenizer = train_tokenizer([next(corpus) for _ in range(1500)], Shape().vocab)
    net = Net(Shape(vocab=tokenizer.get_vocab_size()))
    started = time.process_time()
    progress = train(net, tokenizer, args, rng)
    export(net, tokenizer, args.out, args.type)
    made = record(args, net, progress, time.process_time() - started)
    args.out.with_suffix(".json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({"demo": made["demo"], "generic_exact": made["generic_exact"]}, indent=2))
    return 0 if is_exact(made["demo"]["exact"]) else 1


def is_exact(scores: dict[str, str]) -> bool:
    """Whether every `right/asked` is full."""
    return all(right == asked for right, asked in (score.split("/") for score in scores.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
