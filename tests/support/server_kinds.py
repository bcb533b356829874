"""What the servers in the building answer beside the chat completions, in the shapes of their own.

Invariant: only what a server of that kind says is added to the loopback server; its chat stays as the test set it.
"""

import re
from typing import Any

from tests.support.chat_server import ChatServer, Exchange, listing


def be_llama_server(chat: ChatServer, *, n_ctx: int, slots: int = 1, lists_n_ctx: bool = True) -> None:
    meta = {"vocab_type": 2, "n_vocab": 151936, "n_ctx_train": 32768, "n_embd": 896, "n_params": 494032768, "size": 1}
    meta |= {"n_ctx": n_ctx} if lists_n_ctx else {}
    model = {"id": "coder", "object": "model", "created": 1, "owned_by": "llamacpp", "meta": meta}
    chat.pages["GET /v1/models"] = listing(model)
    chat.pages["GET /props"] = lambda _: {
        "default_generation_settings": {"params": {"temperature": 0.8}, "n_ctx": n_ctx},
        "total_slots": slots,
        "model_path": "/models/coder.gguf",
        "chat_template": "{{ messages }}",
        "is_sleeping": False,
    }
    chat.pages["POST /api/show"] = lambda _: {"template": "", "model_info": {"llama.context_length": 32768}}


def be_vllm(chat: ChatServer, *, max_model_len: int) -> None:
    card = {"id": "coder", "object": "model", "owned_by": "vllm", "root": "org/coder", "parent": None}
    chat.pages["GET /v1/models"] = listing(card | {"max_model_len": max_model_len})


def be_lm_studio(chat: ChatServer, *, loaded: int | None, longest: int = 32768) -> None:
    chat.pages["GET /v1/models"] = listing({"id": "coder", "object": "model", "owned_by": "organization_owner"})
    coder = {"id": "coder", "object": "model", "type": "llm", "arch": "qwen2", "max_context_length": longest}
    state = {"state": "not-loaded"} if loaded is None else {"state": "loaded", "loaded_context_length": loaded}
    other = {"id": "nomic", "object": "model", "type": "embeddings", "state": "loaded", "max_context_length": 2048}
    chat.pages["GET /api/v0/models"] = listing(other, coder | state)
    chat.unknown = (200, {"error": "Unexpected endpoint or method."})


class Ollama:
    """Loads on demand, and cuts what does not fit without a word."""

    def __init__(self, chat: ChatServer, *, n_ctx: int, is_loaded: bool = False, parameters: str = "") -> None:
        self.n_ctx, self.is_loaded, self.parameters = n_ctx, is_loaded, parameters
        self.remote_host = ""
        self.cached = 0
        """Tokens of the prompt that this version leaves out of its count."""
        self.keeps_full_window = False
        """True for versions that cut to the whole window; later ones leave half of it free."""
        chat.pages["GET /v1/models"] = listing({"id": "coder:latest", "object": "model", "owned_by": "library"})
        chat.pages["GET /api/ps"] = self._ps
        chat.pages["POST /api/show"] = self._show
        chat.pages["POST /api/generate"] = self._generate
        chat.answer = self.answer

    def _ps(self, _: dict[str, Any]) -> Any:
        running = {"name": "coder:latest", "model": "coder:latest", "size": 1, "digest": "2ae6", "size_vram": 0}
        other = running | {"name": "llama3:8b", "model": "llama3:8b", "context_length": 99}
        mine = running | {"context_length": self.n_ctx, "expires_at": "2026-01-01T00:00:00Z"}
        return {"models": [other, mine] if self.is_loaded else [other]}

    def _show(self, body: dict[str, Any]) -> Any:
        if body["model"] not in ("coder", "coder:latest"):
            return None
        remote = {"remote_model": "coder", "remote_host": self.remote_host} if self.remote_host else {}
        info = {"general.architecture": "qwen2", "qwen2.context_length": 32768, "tokenizer.ggml.merges": None}
        return {"parameters": self.parameters, "details": {"family": "qwen2"}, "model_info": info, **remote}

    def _generate(self, body: dict[str, Any]) -> Any:
        assert "prompt" not in body
        self.is_loaded = True
        return {"model": "coder:latest", "created_at": "2026-01-01T00:00:00Z", "response": "", "done": True}

    def answer(self, exchange: Exchange) -> None:
        self.is_loaded = True
        text = " ".join(message["content"] for message in exchange.body["messages"])
        tokens = len(re.findall(r"\s?[A-Za-z]+|\s?[0-9]|\s?[^\sA-Za-z0-9]+|\s+", text))
        if tokens > self.n_ctx - 1:
            tokens = self.n_ctx if self.keeps_full_window else self.n_ctx - (self.n_ctx - 4) // 2
        exchange.begin_stream()
        exchange.send_chunk(role="assistant", content="an answer to some of it")
        exchange.send_chunk(role="assistant", content="", finish="stop")
        usage = {"prompt_tokens": max(0, tokens - self.cached), "completion_tokens": 6, "total_tokens": tokens + 6}
        exchange.send_chunk(usage=usage)
        exchange.send_raw("data: [DONE]\n\n")
