"""How long a context a server gives its model: each kind of server says it in another place.

Invariant: only the server's own address is asked, with the headers of every other request; a server that does not say
is no failure.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, TypeVar

import httpx
import msgspec

Kind = Literal["llama-server", "lm-studio", "ollama", "vllm", "other"]

PROBE_TIMEOUT_S = 1.0
"""Seconds that one question may take."""
PROBES_TIMEOUT_S = 1.0
"""Seconds that all of them may take, which run side by side."""
OLLAMA_DEFAULT = 4_096
"""Tokens that Ollama gives a model where nothing is set and the GPU has less than 24 GiB."""

_NUM_CTX = re.compile(r"^\s*num_ctx\s+(\d+)\s*$", re.MULTILINE)
_T = TypeVar("_T")


class Window(msgspec.Struct, frozen=True):
    """What is known of the context that a server gives to one request."""

    tokens: int | None = None
    """Prompt and answer together."""
    kind: Kind = "other"
    is_certain: bool = False
    """True when the server said what it uses now, and not only what the model was made for."""
    slots: int = 1
    """Requests that the server answers at once."""
    elsewhere: str = ""
    """Where the server itself sends prompts; empty when it runs the model."""


class ModelMeta(msgspec.Struct, frozen=True):
    """What llama-server adds to the entry of a model; `n_ctx` is missing in older builds."""

    n_ctx: int | None = None
    n_ctx_train: int | None = None


class ModelEntry(msgspec.Struct, frozen=True):
    """One element of `GET /v1/models`."""

    id: str
    max_model_len: int | None = None
    """vLLM's."""
    meta: ModelMeta | None = None


class _Generation(msgspec.Struct, frozen=True):
    n_ctx: int = 0


class _Props(msgspec.Struct, frozen=True):
    """`GET /props` of llama-server; a router that has no model loaded says 0."""

    default_generation_settings: _Generation
    total_slots: int = 1


class _Running(msgspec.Struct, frozen=True):
    name: str = ""
    context_length: int = 0


class _RunningList(msgspec.Struct, frozen=True):
    """`GET /api/ps` of Ollama."""

    models: tuple[_Running, ...]


class _Shown(msgspec.Struct, frozen=True):
    """`POST /api/show` of Ollama."""

    model_info: dict[str, Any] = {}
    parameters: str = ""
    remote_host: str = ""


class _Stored(msgspec.Struct, frozen=True):
    id: str
    state: str = ""
    loaded_context_length: int | None = None
    max_context_length: int | None = None


class _StoredList(msgspec.Struct, frozen=True):
    """`GET /api/v0/models` of LM Studio."""

    data: tuple[_Stored, ...]


class Prober:
    """Asks one server about one model."""

    def __init__(self, client: httpx.AsyncClient, base: str, name: str) -> None:
        self._client, self._name = client, name
        self._root = base.removesuffix("/v1")

    async def discover(self, listed: Sequence[ModelEntry]) -> Window:
        """Find the window; `listed` is what the server says at `/v1/models`."""
        entry = next((entry for entry in listed if entry.id == self._name), None)
        if entry is not None and entry.max_model_len:
            return Window(entry.max_model_len, "vllm", is_certain=True)
        answers = await self._all(self._props, self._ollama, self._lm_studio)
        found = [answer for answer in answers if answer.tokens or answer.elsewhere]
        if found:
            return min(found, key=lambda window: not window.is_certain)
        meta = entry.meta if entry is not None else None
        if meta is not None and (meta.n_ctx or meta.n_ctx_train):
            return Window(meta.n_ctx or meta.n_ctx_train, "llama-server", is_certain=bool(meta.n_ctx))
        return Window()

    async def running_in_ollama(self) -> int | None:
        """Context length of the model as Ollama has it loaded; None when it is not."""
        running = await self._ask("GET", "/api/ps", _RunningList)
        models = running.models if running is not None else ()
        wanted = _with_tag(self._name)
        return next((model.context_length or None for model in models if _with_tag(model.name) == wanted), None)

    async def load_into_ollama(self, *, timeout_s: float) -> Window:
        """Let Ollama load the model, as the first request would, since only then it says how long the context is."""
        await self._ask("POST", "/api/generate", dict[str, Any], {"model": self._name, "stream": False}, timeout_s)
        tokens = await self.running_in_ollama()
        return Window(tokens or OLLAMA_DEFAULT, "ollama", is_certain=tokens is not None)

    async def _all(self, *probes: Callable[[], Awaitable[Window]]) -> list[Window]:
        asking = [asyncio.ensure_future(probe()) for probe in probes]
        done, late = await asyncio.wait(asking, timeout=PROBES_TIMEOUT_S)
        for task in late:
            task.cancel()
        return [task.result() for task in asking if task in done]

    async def _props(self) -> Window:
        props = await self._ask("GET", "/props", _Props, {"model": self._name, "autoload": "false"})
        if props is None or props.default_generation_settings.n_ctx <= 0:
            return Window()
        tokens = props.default_generation_settings.n_ctx
        return Window(tokens, "llama-server", is_certain=True, slots=max(1, props.total_slots))

    async def _ollama(self) -> Window:
        """Ollama, known by its `/api/ps`: llama-server and others answer `/api/show` as well."""
        listed, shown = await asyncio.gather(
            self._ask("GET", "/api/ps", _RunningList), self._ask("POST", "/api/show", _Shown, {"model": self._name})
        )
        if listed is None:
            return Window()
        shown = shown or _Shown()
        trained = _trained(shown.model_info)
        if shown.remote_host:
            return Window(trained, "ollama", elsewhere=shown.remote_host)
        if tokens := await self.running_in_ollama():
            return Window(tokens, "ollama", is_certain=True)
        if asked := _NUM_CTX.search(shown.parameters):
            tokens = int(asked[1])
            return Window(min(tokens, trained or tokens), "ollama", is_certain=True)
        return Window(OLLAMA_DEFAULT, "ollama")

    async def _lm_studio(self) -> Window:
        stored = await self._ask("GET", "/api/v0/models", _StoredList)
        model = next((model for model in stored.data if model.id == self._name), None) if stored else None
        if model is None:
            return Window()
        loaded = model.loaded_context_length if model.state == "loaded" else None
        return Window(loaded or model.max_context_length, "lm-studio", is_certain=bool(loaded))

    async def _ask(
        self,
        method: str,
        path: str,
        kind: type[_T],
        values: dict[str, Any] | None = None,
        timeout_s: float = PROBE_TIMEOUT_S,
    ) -> _T | None:
        """One answer of the expected shape, or None; `values` go into the query of a GET and the body of a POST."""
        body, query = (values, None) if method == "POST" else (None, values)
        where = self._root + path
        try:
            response = await self._client.request(method, where, json=body, params=query, timeout=timeout_s)
            return msgspec.json.decode(response.content, type=kind) if response.status_code == 200 else None
        except (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError):
            return None


def _with_tag(name: str) -> str:
    """Ollama's full name: `qwen` means `qwen:latest`."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _trained(info: dict[str, Any]) -> int | None:
    """`<architecture>.context_length` of a model's metadata."""
    value = info.get(f"{info.get('general.architecture')}.context_length")
    return value if isinstance(value, int) else None
