"""The child process that talks to a frontier provider through litellm.

Invariant: litellm is imported here and nowhere else, after it was told to fetch nothing; it never retries by itself, so
every request that leaves has its own receipt.
"""

import gc
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from importlib import import_module
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import msgspec

from hybridcode.config.settings import FrontierSettings
from hybridcode.domain.model import Finished, ModelRequest, Timing, Usage
from hybridcode.models.child import Emit, run
from hybridcode.models.deltas import Completion, StreamChunk
from hybridcode.models.framing import Load, LoadFrontier, Ready
from hybridcode.models.pinned import pin
from hybridcode.models.pricing import Price, table_row
from hybridcode.models.problems import Trouble, shortened, trouble_of_status
from hybridcode.models.proxies import PROXY_VARIABLES

KEY_MARK = "[key]"
"""Stands for the key wherever a provider repeats it."""


class _Chunk(Protocol):
    def model_dump(self) -> dict[str, Any]: ...


class _Stream(Protocol):
    received_finish_reason: str | None
    """What the provider said; litellm makes up a `stop` when it said nothing."""
    intermittent_finish_reason: str | None

    def __aiter__(self) -> AsyncIterator[_Chunk]: ...


class _Litellm(Protocol):
    suppress_debug_info: bool
    telemetry: bool
    acompletion: Callable[..., Awaitable[_Stream]]
    supports_response_schema: Callable[..., bool]
    model_cost: dict[str, dict[str, Any]]


class FrontierBackend:
    """One provider's model."""

    def __init__(self) -> None:
        self._settings = FrontierSettings()
        self._api_base = ""
        self._key = ""
        self._price: Price | None = None

    async def load(self, load: Load) -> Ready:
        """Import litellm (seconds of CPU) and look the model up in its bundled table."""
        if not isinstance(load, LoadFrontier):
            raise Trouble("invalid", f"A provider cannot be used with {type(load).__name__}.")
        self._settings, self._api_base = load.settings, load.api_base
        self._key = os.environ.get(self._settings.api_key_env, "") if self._settings.api_key_env else ""
        self._litellm = import_litellm()
        if self._api_base:
            pin(_hosts(self._api_base, os.environ))
        table = self._litellm.model_cost
        self._price = Price.configured(self._settings) or Price.listed(table, self._settings.model)
        window = table_row(table, self._settings.model).get("max_input_tokens")
        return Ready(self._settings.model, n_ctx=window if isinstance(window, int) else None)

    async def answer(self, request: ModelRequest, emit: Emit) -> Finished:
        """Ask for one streamed completion."""
        completion = Completion(emit, who=self._settings.model)
        try:
            stream = await self._litellm.acompletion(**self._arguments(request))
            async for chunk in stream:
                completion.take(msgspec.convert(chunk.model_dump(), StreamChunk))
        except Trouble:
            raise
        except Exception as error:
            if type(error).__name__ == "ContentPolicyViolationError":
                return Finished("refused", completion.usage, Timing(), self._cost(completion.usage))
            raise trouble_of(error, who=self._settings.model, key=self._key, where=self._api_base) from error
        if not (stream.received_finish_reason or stream.intermittent_finish_reason):
            raise Trouble("transient", f"{self._settings.model} cut the stream before the end of the answer.")
        return completion.end(cost_usd=self._cost(completion.usage))

    def _arguments(self, request: ModelRequest) -> dict[str, Any]:
        settings = self._settings
        arguments: dict[str, Any] = {
            "model": settings.model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "max_tokens": request.max_output_tokens,
            "temperature": request.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
            "timeout": settings.timeout_s,
            "max_retries": 0,
            "num_retries": 0,
            "drop_params": True,
        }
        if self._api_base:
            arguments["api_base"] = self._api_base
        if self._key:
            arguments["api_key"] = self._key
        if request.stop:
            arguments["stop"] = list(request.stop)
        if request.schema is not None and self._litellm.supports_response_schema(model=settings.model):
            schema = {"name": "answer", "schema": msgspec.json.decode(request.schema)}
            arguments["response_format"] = {"type": "json_schema", "json_schema": schema}
        return arguments

    def _cost(self, usage: Usage) -> float | None:
        return self._price.of(usage) if self._price is not None and usage.input_tokens else None


def _hosts(api_base: str, environ: Mapping[str, str]) -> list[str]:
    """Names that may be connected to: the endpoint's, and those of the user's proxies."""
    urls = [api_base, *(environ[name] for name in PROXY_VARIABLES if name.upper() != "NO_PROXY" and environ.get(name))]
    return [host for url in urls if (host := urlsplit(url if "://" in url else f"//{url}").hostname)]


def trouble_of(error: Exception, *, who: str, key: str, where: str = "") -> Trouble:
    """What an exception of litellm means; its classes are told apart by name and status. `where` is its base URL."""
    words = str(error)
    words = words.replace(key, KEY_MARK) if key else words
    names = {kind.__name__ for kind in type(error).__mro__}
    status = getattr(error, "status_code", None)
    if "ContextWindowExceededError" in names:
        return Trouble("overflow", f"The prompt is too long for {who}: {shortened(words)}", "Lower [context] tokens.")
    if names & {"Timeout", "APITimeoutError", "MidStreamFallbackError"}:
        return Trouble("transient", f"{who}: {shortened(words)}")
    if names & {"APIConnectionError"} or "Connection error" in words:
        place = f" at {where}" if where else ""
        return Trouble(
            "transient", f"{who} cannot be reached{place}: {shortened(words)}", "Check the network and api_base."
        )
    if isinstance(status, int) and status >= 400:
        return trouble_of_status(status, words, who=who, retry_after=_retry_after(error))
    return Trouble("invalid", f"{who}: {type(error).__name__}: {shortened(words)}", "Check [models.frontier].")


def _retry_after(error: Exception) -> str | None:
    sources = (
        getattr(error, "litellm_response_headers", None),
        getattr(getattr(error, "response", None), "headers", None),
    )
    values = [headers.get("retry-after") for headers in sources if headers is not None]
    return next((value for value in values if isinstance(value, str)), None)


def import_litellm() -> _Litellm:
    """Import litellm without its price download and without any `.env`, and keep it quiet.

    It would look for a `.env` in the folders above its own, which may be those of a repository with a `.venv`.
    """
    os.environ["LITELLM_MODE"] = "PRODUCTION"
    os.environ["PYTHON_DOTENV_DISABLED"] = "1"
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["LITELLM_LOG"] = "ERROR"
    gc.disable()  # nearly all that an import makes stays: looking for garbage in it is a quarter of the time
    try:
        litellm = cast(_Litellm, import_module("litellm"))
    finally:
        gc.freeze()
        gc.enable()
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    return litellm


if __name__ == "__main__":
    run(FrontierBackend)
