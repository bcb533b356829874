"""Whether a prompt fits a server's window, before it is sent and after it was answered: some servers cut it silently.

Invariant: a prompt is refused beforehand only when it cannot fit, since the bound counts only what no tokenizer joins.
"""

import re
from collections.abc import Sequence

from hybridcode.domain.model import Message, ModelRequest, Usage
from hybridcode.models.discovery import Kind, Window
from hybridcode.models.problems import Trouble

MAX_KEPT = 8
"""Tokens at the start of a prompt that Ollama keeps when it cuts: `num_keep`, usually 4, and the one that begins it."""
DENSEST_BYTES_PER_TOKEN = 5
"""Nineteen of twenty source files have fewer bytes to a token: more may mean that tokens are missing."""

_WORD = re.compile(r"(?<!['’])(?<![^\x00-\x7f])(?<![A-Za-z])[A-Za-z]+")
_USUAL_WINDOWS = tuple(1 << power for power in range(11, 19))
_LONGER: dict[Kind, str] = {
    "llama-server": "Start llama-server with a larger -c, which --parallel divides.",
    "lm-studio": "Load the model with a longer context: lms load NAME --context-length {wanted}.",
    "ollama": "Ollama's context is set in Ollama: OLLAMA_CONTEXT_LENGTH={wanted} ollama serve, or PARAMETER num_ctx "
    "{wanted} in the model's Modelfile.",
    "vllm": "Start vLLM with a larger --max-model-len.",
    "other": "Give the model a longer context at the server.",
}
_SHORTER = "Or lower [context] step_tokens or [models.local] max_output_tokens."


def fewest_tokens(messages: Sequence[Message]) -> int:
    """A lower bound on the tokens of a prompt: its words of ASCII letters, about half of the tokens of source code.

    The tokenizers of local models (BPE behind a splitting pattern, SentencePiece split by script) join a word with what
    stands before it at most, never with another word; "don't" counts as one, since some join an apostrophe.
    """
    return sum(len(_WORD.findall(message.content)) for message in messages)


def check_before(request: ModelRequest, window: Window, *, who: str) -> None:
    """Refuse a prompt that cannot fit.

    Raises:
        Trouble: `overflow`, with the numbers and what to set.
    """
    if window.tokens is None or not window.is_certain:
        return
    fewest = fewest_tokens(request.messages)
    if fewest + request.max_output_tokens > window.tokens:
        raise Trouble(
            "overflow",
            f"The prompt has at least {fewest:,} tokens and the answer may have {request.max_output_tokens:,}; "
            f"the context at {who} holds {window.tokens:,}.",
            longer(window.kind, request),
        )


def check_after(request: ModelRequest, usage: Usage, window: Window, *, who: str) -> None:
    """Refuse an answer to a prompt that the server did not read whole.

    Raises:
        Trouble: `overflow`, with the numbers and what to set.
    """
    read, fewest = usage.input_tokens, fewest_tokens(request.messages)
    if not read:
        return
    is_cut = _is_cut_by_ollama(request, usage, window, fewest=fewest) if window.kind == "ollama" else read * 2 < fewest
    if not is_cut:
        return
    room = f"{window.tokens:,} tokens" if window.tokens is not None else "an unknown number of tokens"
    raise Trouble(
        "overflow",
        f"{who} read {read:,} tokens and wrote {usage.output_tokens:,}; the prompt has {request.prompt_bytes:,} bytes, "
        f"at least {fewest:,} tokens, and the context holds {room}: something was cut off without a word.",
        longer(window.kind, request),
    )


def longer(kind: Kind, request: ModelRequest) -> str:
    """How to get a context that holds a request."""
    needed = request.prompt_bytes // 3 + request.max_output_tokens
    wanted = next((size for size in _USUAL_WINDOWS if size >= needed), needed)
    return f"{_LONGER[kind].format(wanted=wanted)} {_SHORTER}"


def _is_cut_by_ollama(request: ModelRequest, usage: Usage, window: Window, *, fewest: int) -> bool:
    """Ollama drops older messages, then tokens until the window is full (to 0.2x) or about half full (from 0.30).

    A small count alone proves nothing: versions that leave out what the KV cache had report one as well.
    """
    read, size = usage.input_tokens, window.tokens
    is_short = read < fewest or request.prompt_bytes > DENSEST_BYTES_PER_TOKEN * read
    if size is None or not window.is_certain:
        return is_short and any(_is_full(read, usual) or _is_half(read, usual) for usual in _USUAL_WINDOWS)
    if read >= size - 1 or read + usage.output_tokens > size:
        return True
    if sum(message.role != "system" for message in request.messages) > 1 and request.prompt_bytes > 3 * size:
        return read * 2 < fewest
    return is_short and _is_half(read, size)


def _is_full(read: int, size: int) -> bool:
    return size - 1 <= read <= size


def _is_half(read: int, size: int) -> bool:
    return size // 2 <= read <= size // 2 + MAX_KEPT
