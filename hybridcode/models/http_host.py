"""The child process that talks to an OpenAI-compatible server: llama-server, Ollama, LM Studio, vLLM.

Invariant: requests go to the configured address only; proxies and other settings of the environment are ignored.
"""

import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec

from hybridcode.domain.model import Finished, ModelRequest
from hybridcode.models.child import Emit, run
from hybridcode.models.deltas import Completion, StreamChunk
from hybridcode.models.discovery import PROBE_TIMEOUT_S, ModelEntry, Prober, Window
from hybridcode.models.framing import Load, LoadServer, Ready
from hybridcode.models.problems import Trouble, shortened, trouble_of_status
from hybridcode.models.truncation import check_after, check_before

CONNECT_TIMEOUT_S = 10.0
"""Seconds to reach the server."""
SILENCE_SHARE = 0.9
"""Part of `timeout_s` after which a silent server counts as failed: here, before the caller gives up."""
_LIMITS = httpx.Limits(max_keepalive_connections=0)
"""Each request has a connection of its own: one that the server closed in the meantime fails the next request."""
MAX_ERROR_BYTES = 20_000
"""Bytes of an error's body that are read."""


class _ModelList(msgspec.Struct, frozen=True):
    data: tuple[ModelEntry, ...] = ()


class ServerBackend:
    """One server, one model."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(trust_env=False, follow_redirects=False, limits=_LIMITS)
        self._base = ""
        self._name = ""
        self._window: Window | None = None
        self._was_silent = False

    async def load(self, load: Load) -> Ready:
        """Find out the model's name if none is configured, and how long its context is."""
        if not isinstance(load, LoadServer):
            raise Trouble("invalid", f"A server cannot be used with {type(load).__name__}.")
        settings = load.settings
        self._base = settings.base_url.rstrip("/")
        silence_s = settings.timeout_s * SILENCE_SHARE
        self._client.timeout = httpx.Timeout(silence_s, connect=CONNECT_TIMEOUT_S)
        if key := os.environ.get(settings.api_key_env, "") if settings.api_key_env else "":
            self._client.headers["Authorization"] = f"Bearer {key}"
        self._name = settings.name or await self._first_name()
        window = await self._look_at_window(silence_s)
        return _ready(self._name, window, wanted=settings.n_ctx, who=self._base)

    async def answer(self, request: ModelRequest, emit: Emit) -> Finished:
        """Post one chat completion, streamed.

        llama-cpp-python's server ends a stream that failed without a word, so the request after an empty stream is
        asked unstreamed: then it says why.
        """
        window = await self._look_at_window(self._client.timeout.read or PROBE_TIMEOUT_S)
        check_before(request, window, who=self._base)
        completion = Completion(emit, who=self._base)
        is_streamed = not self._was_silent
        post = self._client.stream("POST", f"{self._base}/chat/completions", json=self._body(request, is_streamed))
        async with self._failures(), post as response:
            self._was_silent = False
            await self._check(response)
            if "json" in response.headers.get("content-type", ""):
                completion.take(self._chunk((await response.aread()).decode("utf-8", "replace")))
            else:
                async for data in events(response.aiter_lines()):
                    completion.take(self._chunk(data))
        self._was_silent = completion.is_silent
        end = completion.end(cost_usd=0.0)
        check_after(request, end.usage, await self._look_at_window(PROBE_TIMEOUT_S), who=self._base)
        return end

    async def _first_name(self) -> str:
        async with self._failures():
            response = await self._client.get(f"{self._base}/models")
            await self._check(response)
        try:
            models = msgspec.json.decode(response.content, type=_ModelList).data
        except msgspec.DecodeError as error:
            raise self._not_ours(response.text) from error
        if not models:
            raise Trouble("unavailable", f"{self._base} serves no model.", "Load a model there, then ask again.")
        return models[0].id

    async def _look_at_window(self, timeout_s: float) -> Window:
        """The window as far as it is known; Ollama loads the model for it, which its first request would do as well.

        Raises:
            Trouble: `unavailable` when the server passes prompts on to another company's machine.
        """
        if self._window is not None and (self._window.is_certain or self._window.kind != "ollama"):
            return self._window
        listed = await self._listed()
        if listed is None:
            return Window()
        prober = Prober(self._client, self._base, self._name)
        window = await prober.discover(listed)
        if window.elsewhere:
            raise Trouble(
                "unavailable",
                f"{self._name} at {self._base} runs at {window.elsewhere}: prompts would go there unrecorded.",
                "Choose a model that the server runs itself, or use this one as [models.frontier].",
            )
        if window.kind == "ollama" and not window.is_certain:
            window = await prober.load_into_ollama(timeout_s=timeout_s)
        self._window = window
        return window

    async def _listed(self) -> tuple[ModelEntry, ...] | None:
        """The server's models; None when nothing answers there."""
        try:
            response = await self._client.get(f"{self._base}/models", timeout=PROBE_TIMEOUT_S)
            return msgspec.json.decode(response.content, type=_ModelList).data
        except msgspec.DecodeError:
            return ()
        except (httpx.HTTPError, httpx.InvalidURL):
            return None

    def _body(self, request: ModelRequest, is_streamed: bool) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._name,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "max_tokens": request.max_output_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
            "stream": is_streamed,
        }
        if is_streamed:
            body["stream_options"] = {"include_usage": True}
        if request.stop:
            body["stop"] = list(request.stop)
        if request.schema is not None:
            schema = {"name": "answer", "schema": msgspec.json.decode(request.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    async def _check(self, response: httpx.Response) -> None:
        if response.status_code == 200:
            return
        parts, size = list[bytes](), 0
        async for part in response.aiter_bytes():
            parts.append(part)
            size += len(part)
            if size > MAX_ERROR_BYTES:
                break
        words = b"".join(parts).decode("utf-8", "replace")
        if 300 <= response.status_code < 400:
            raise Trouble("unavailable", f"{self._base} redirects to another address.", "Set base_url to that one.")
        retry_after = response.headers.get("retry-after")
        raise trouble_of_status(response.status_code, words, who=self._base, retry_after=retry_after)

    def _chunk(self, data: str) -> StreamChunk:
        try:
            return msgspec.json.decode(data, type=StreamChunk)
        except msgspec.DecodeError as error:
            raise self._not_ours(data) from error

    def _not_ours(self, words: str) -> Trouble:
        return Trouble(
            "invalid",
            f"{self._base} does not answer like an OpenAI-compatible server: {shortened(words)}",
            "base_url usually ends in /v1.",
        )

    @asynccontextmanager
    async def _failures(self) -> AsyncGenerator[None]:
        """Failures of the connection as Trouble."""
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Trouble(
                "unavailable",
                f"Nothing answers at {self._base}: {error}",
                "Start the server (llama-server, ollama serve, ...) or correct [models.local] base_url.",
            ) from error
        except httpx.TimeoutException as error:
            raise Trouble("transient", f"{self._base} did not answer in time ({type(error).__name__}).") from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            hint = "Write it as http://127.0.0.1:8080/v1."
            raise Trouble("unavailable", f"{self._base!r} is not a URL: {error}", hint) from error
        except httpx.TransportError as error:
            raise Trouble("transient", f"{self._base} broke the connection off: {error}") from error


def _ready(name: str, window: Window, *, wanted: int, who: str) -> Ready:
    """What the parent is told: the smaller of the configured and the server's context."""
    if window.tokens is None or window.tokens >= wanted:
        return Ready(name, slots=window.slots)
    how = "gives" if window.is_certain else "may give"
    note = f"{who} {how} {name} a context of {window.tokens:,} tokens, less than n_ctx = {wanted:,}"
    return Ready(name, n_ctx=window.tokens, notes=(note,), slots=window.slots)


async def events(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """The data of server-sent events up to `[DONE]`; comments, names and ids are skipped."""
    data: list[str] = []
    async for line in lines:
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            joined, data = "\n".join(data), []
            if joined.strip() == "[DONE]":
                return
            yield joined
    if data and "".join(data).strip() != "[DONE]":
        yield "\n".join(data)


if __name__ == "__main__":
    run(ServerBackend)
