"""The frontier model: a provider through litellm in a child process.

Invariant: the child gets the keys of its own provider and no others, and requests go to the host that is recorded.
"""

import os
from collections.abc import Mapping

from hybridcode.config.settings import FrontierSettings
from hybridcode.domain.errors import ConfigError, ModelUnauthorised
from hybridcode.domain.model import ModelInfo
from hybridcode.models.addresses import host_of, is_loopback
from hybridcode.models.framing import LoadFrontier
from hybridcode.models.host import ChildCommand
from hybridcode.models.hosted import HostedModel
from hybridcode.models.proxies import PROXY_VARIABLES, proxy_of

_ON_THIS_MACHINE = frozenset({"ollama", "ollama_chat"})
"""Providers whose usual address is loopback."""
_GUESSES = (("gpt-", "openai"), ("o1", "openai"), ("o3", "openai"), ("o4", "openai"), ("claude", "anthropic"))
_CERTIFICATES = "SSL_CERT_FILE"
_EXTRA_VARIABLES: dict[str, tuple[str, ...]] = {
    "azure": ("AZURE_API_VERSION", "AZURE_AD_TOKEN"),
    "bedrock": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_REGION_NAME"),
    "gemini": ("GOOGLE_API_KEY",),
    "openai": ("OPENAI_ORGANIZATION",),
    "vertex_ai": ("GOOGLE_APPLICATION_CREDENTIALS", "VERTEXAI_PROJECT", "VERTEXAI_LOCATION"),
}


class FrontierModel(HostedModel):
    """The model that decides, or a further one; `table` is the NAME of its [models.NAME].

    Raises (when made):
        ConfigError: when the settings name no model or no usable address.
        ModelUnauthorised: when the variable that should hold the key is empty.
    """

    def __init__(self, settings: FrontierSettings, environ: Mapping[str, str] = os.environ, *, table: str = "") -> None:
        section = f"[models.{table or 'frontier'}]"
        if not settings.model:
            raise ConfigError(f"{section} model is empty.", "Name one, as anthropic/claude-sonnet-4-5.")
        if settings.api_key_env and not environ.get(settings.api_key_env):
            raise ModelUnauthorised(
                f"The variable {settings.api_key_env} holds no key.",
                f"Set {settings.api_key_env}, or name another one in {section} api_key_env.",
            )
        provider = provider_of(settings.model)
        api_base = settings.api_base or _usual_base(provider, environ)
        host = host_of(api_base, setting=f"{section} api_base") if api_base else provider
        info = ModelInfo(
            name=settings.model,
            backend="frontier",
            host=host,
            via=proxy_of(host, environ, scheme=api_base.partition("://")[0] or "https"),
            is_remote=not is_loopback(host) if api_base else provider not in _ON_THIS_MACHINE,
            table=table,
        )
        command = ChildCommand(
            module="hybridcode.models.frontier_host",
            load=LoadFrontier(settings, api_base),
            environment=_environment(settings, provider, environ, is_remote=info.is_remote),
        )
        super().__init__(info, command)


def provider_of(model: str) -> str:
    """The provider in a litellm model name; `unknown` where there is no prefix to go by."""
    provider, slash, _ = model.partition("/")
    if slash:
        return provider
    return next((name for start, name in _GUESSES if model.startswith(start)), "unknown")


def _usual_base(provider: str, environ: Mapping[str, str]) -> str:
    """The address that the provider's own variables set; passed on openly, so that the record names it."""
    names = (f"{provider.upper()}_API_BASE", f"{provider.upper()}_BASE_URL")
    return next((environ[name] for name in names if environ.get(name)), "")


def _environment(
    settings: FrontierSettings, provider: str, environ: Mapping[str, str], *, is_remote: bool
) -> dict[str, str]:
    key = settings.api_key_env or f"{provider.upper()}_API_KEY"
    wanted = (key, *_EXTRA_VARIABLES.get(provider, ()), *(PROXY_VARIABLES if is_remote else ()), _CERTIFICATES)
    return {name: environ[name] for name in wanted if environ.get(name)}
