"""The tiny model itself: a Qwen2-shaped decoder in plain torch, its tokenizer and the ChatML framing.

Invariant: the arithmetic is what llama.cpp computes for the architecture `qwen2` (NEOX rotary embedding, RMS norm,
SwiGLU, tied embeddings, biases on q, k and v), and text of a message is never tokenised as a special token.
"""

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn import functional

from tools.tiny_data import Example

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
IM_START, IM_END = 1, 2
CHAT_TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@dataclass(frozen=True)
class Shape:
    """Sizes of the network."""

    vocab: int = 768
    width: int = 128
    layers: int = 4
    heads: int = 4
    inner: int = 256
    rope_base: float = 500_000.0
    context: int = 4096

    @property
    def head_width(self) -> int:
        return self.width // self.heads


class Norm(nn.Module):
    """RMS norm with a learned scale."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, self.scale.shape, self.scale, 1e-6)


class Block(nn.Module):
    """Attention and SwiGLU, each behind a norm and a residual."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, inner = shape.width, shape.inner
        self.shape = shape
        self.attention_norm, self.inner_norm = Norm(width), Norm(width)
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width, bias=False)
        self.gate, self.up = (nn.Linear(width, inner, bias=False) for _ in range(2))
        self.down = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        batch, length, width = x.shape
        h = self.attention_norm(x)
        q, k, v = (
            part(h).view(batch, length, self.shape.heads, self.shape.head_width).transpose(1, 2)
            for part in (self.q, self.k, self.v)
        )
        mixed = functional.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        h = self.inner_norm(x)
        return x + self.down(functional.silu(self.gate(h)) * self.up(h))


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding; the two halves of a head form the pairs."""
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


class Net(nn.Module):
    """Token ids (batch, length) to hidden states (batch, length, width); logits are `hidden @ embedding.T`."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocab, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.width)
        half = shape.head_width // 2
        self.frequencies = shape.rope_base ** (-torch.arange(half).float() / half)
        self._initialise()

    @property
    def stack(self) -> list[Block]:
        """The blocks, first to last."""
        return [block for block in self.blocks if isinstance(block, Block)]

    def forward(self, ids: Tensor) -> Tensor:
        angles = torch.arange(ids.shape[1]).float()[:, None] * self.frequencies[None]
        angles = torch.cat((angles, angles), -1)
        cos, sin = angles.cos(), angles.sin()
        x = self.embedding(ids)
        for block in self.stack:
            x = block(x, cos, sin)
        return self.norm(x)

    def _initialise(self) -> None:
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                residual = 0.5 if ".out." in name or ".down." in name else 1.0
                std = 0.02 if name.startswith("embedding") else residual / math.sqrt(parameter.shape[1])
                nn.init.normal_(parameter, std=std)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        self._look_back()

    @torch.no_grad()
    def _look_back(self, strength: float = 8.0) -> None:
        """Make head h of the first layer look h + 1 tokens back, by biases and rotation alone.

        Copying needs a "previous token" head under it; given one, it appears within minutes instead of hours.
        """
        first, width = self.stack[0], self.shape.head_width
        for head in range(self.shape.heads):
            angles = self.frequencies * (head + 1)
            part = slice(head * width, (head + 1) * width)
            first.q.weight[part] *= 0.1
            first.k.weight[part] *= 0.1
            first.q.bias[part] = strength * torch.cat((torch.ones(width // 2), torch.zeros(width // 2)))
            first.k.bias[part] = strength * torch.cat((angles.cos(), angles.sin()))


# Text to tokens ------------------------------------------------------------------------------------------------------


def train_tokenizer(examples: Iterable[Example], vocab: int) -> Tokenizer:
    """A byte-level BPE tokenizer in GPT-2's manner; ids 0..2 are the special tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        special_tokens=list(SPECIAL),
        show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    tokenizer.train_from_iterator(("\n".join((one.system, one.user, one.answer)) for one in examples), trainer)
    return tokenizer


@dataclass(frozen=True)
class Encoded:
    """Prompt and answer as token ids, in ChatML; the answer ends with the end-of-turn token."""

    prompt: list[int]
    answer: list[int]
    weights: list[float]
    """For each token of the answer: 1 where it goes on copying, more where the edit is."""

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


def encode(tokenizer: Tokenizer, example: Example, *, edit_weight: float = 1.0) -> Encoded:
    """Tokenise an example as llama.cpp will: markers as special tokens, messages as plain text."""

    def text(part: str) -> list[int]:
        return tokenizer.encode(part).ids

    prompt: list[int] = []
    for role, content in (("system", example.system), ("user", example.user)):
        prompt += [IM_START, *text(role + "\n"), *text(content), IM_END, *text("\n")]
    prompt += [IM_START, *text("assistant\n")]
    answer = [*text(example.answer), IM_END]
    return Encoded(prompt, answer, edit_weights([*text(example.before), IM_END], answer, edit_weight))


def edit_weights(before: list[int], after: list[int], edit_weight: float) -> list[float]:
    """`edit_weight` for tokens that are not copied and for the first copied one after them, else 1.

    Nearly all tokens of an answer are copies; without this the few that decide the edit hardly count.
    """
    weights = [edit_weight] * len(after)
    for _, at, size in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
        start = at + (1 if at and size else 0)
        weights[start : at + size] = [1.0] * (at + size - start)
    return weights


# Batches -------------------------------------------------------------------------------------------------------------

Batch = tuple[Tensor, Tensor]
"""Token ids (batch, length) and the weight of each token in the loss (same shape); answers weigh 1 and more."""


def copying_batch(vocab: int, rng: random.Random, *, rows: int = 32, length: int = 32) -> Batch:
    """Random tokens followed by a repetition of some of them: pure copying."""
    ids = torch.randint(len(SPECIAL), vocab, (rows, length))
    count, start = rng.randrange(8, length // 2), rng.randrange(0, length // 2 - 4)
    ids = torch.cat((ids, ids[:, start : start + count]), 1)
    weights = torch.zeros_like(ids, dtype=torch.float)
    weights[:, length + 1 :] = 1
    return ids, weights


def text_batches(encoded: list[Encoded], *, tokens: int, prompt_weight: float) -> list[Batch]:
    """Group examples of similar length into padded batches of at most `tokens` tokens."""
    groups: list[list[Encoded]] = [[]]
    for one in sorted(encoded, key=len):
        if groups[-1] and (len(groups[-1]) + 1) * len(one) > tokens:
            groups.append([])
        groups[-1].append(one)
    return [_padded(group, prompt_weight) for group in groups]


def _padded(group: list[Encoded], prompt_weight: float) -> Batch:
    length = max(map(len, group))
    ids = torch.zeros(len(group), length, dtype=torch.long)
    weights = torch.zeros(len(group), length)
    for row, one in enumerate(group):
        ids[row, : len(one)] = torch.tensor(one.prompt + one.answer)
        weights[row, 1 : len(one.prompt)] = prompt_weight
        weights[row, len(one.prompt) : len(one)] = torch.tensor(one.weights)
    return ids, weights
