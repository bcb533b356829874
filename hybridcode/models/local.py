"""The local model: a GGUF run by llama.cpp in a child process.

Invariant: this process reads the file's header at most; native code lives in the child.
"""

from pathlib import Path

import msgspec

from hybridcode.config.paths import expanded
from hybridcode.config.settings import LocalSettings
from hybridcode.domain.errors import ConfigError
from hybridcode.domain.model import ModelInfo
from hybridcode.models.framing import LoadGguf
from hybridcode.models.gguf import BadGguf, inspect
from hybridcode.models.host import ChildCommand
from hybridcode.models.hosted import HostedModel


class LlamaCppModel(HostedModel):
    """The model that writes, or a further one, from a file; `table` is the NAME of its [models.NAME].

    Raises (when made):
        ConfigError: when `path` is empty. A file that cannot be used is reported by `start` or the first call.
    """

    def __init__(self, settings: LocalSettings, *, table: str = "") -> None:
        if not settings.path:
            raise ConfigError(f"[models.{table or 'local'}] path is empty.", "Name a GGUF file, or set base_url.")
        path = expanded(settings.path).absolute()
        info = ModelInfo(
            name=path.stem,
            backend="local",
            n_ctx=_context_length(path, settings.n_ctx),
            profile=settings.profile,
            table=table,
        )
        load = LoadGguf(msgspec.structs.replace(settings, path=str(path)))
        super().__init__(info, ChildCommand("hybridcode.models.local_host", load))


def _context_length(path: Path, wanted: int) -> int:
    try:
        return min(wanted, inspect(path).context_length or wanted)
    except BadGguf:
        return wanted
