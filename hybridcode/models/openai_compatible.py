"""A local model behind an OpenAI-compatible server: llama-server, Ollama, LM Studio, vLLM.

Invariant: a server that is not certainly on this machine counts as remote, wherever it stands.
"""

import os
from collections.abc import Mapping

from hybridcode.config.settings import LocalSettings
from hybridcode.domain.errors import ModelUnauthorised
from hybridcode.domain.model import ModelInfo
from hybridcode.models.addresses import host_of, is_loopback
from hybridcode.models.framing import LoadServer
from hybridcode.models.host import ChildCommand
from hybridcode.models.hosted import HostedModel


class ServerModel(HostedModel):
    """The model that writes, on a server.

    `setting` names the setting that `settings.base_url` came from, `table` the NAME of its [models.NAME].

    Raises (when made):
        ConfigError: when `base_url` is not an http or https URL.
        ModelUnauthorised: when the variable that should hold the key is empty.
    """

    def __init__(
        self,
        settings: LocalSettings,
        environ: Mapping[str, str] = os.environ,
        *,
        setting: str = "base_url",
        table: str = "",
    ) -> None:
        section = f"[models.{table or 'local'}]"
        host = host_of(settings.base_url, setting=f"{section} {setting}")
        key = settings.api_key_env
        if key and not environ.get(key):
            raise ModelUnauthorised(f"The variable {key} holds no key.", f"Set {key}, or clear {section} api_key_env.")
        info = ModelInfo(
            name=settings.name or host,
            backend="local",
            host=host,
            is_remote=not is_loopback(host),
            n_ctx=settings.n_ctx,
            profile=settings.profile,
            table=table,
        )
        environment = {key: environ[key]} if key else {}
        super().__init__(info, ChildCommand("hybridcode.models.http_host", LoadServer(settings), environment))
