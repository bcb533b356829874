"""routing.toml as it is written, at a person's own command.

Invariant: the same table gives the same bytes, and what is written can be read.
"""

from pathlib import Path

import msgspec
import tomlkit

from hybridcode.config.atomic import write_atomic
from hybridcode.config.routing import ROUTING_FILE, RoutingTable, parse_routing
from hybridcode.domain.errors import ConfigError

_HEAD = (
    "Written by `hybridcode calibrate`: who writes first, by kind of work, as measured on this repository.",
    "Followed once this repository is trusted (`hybridcode trust`), for this local model alone.",
)


def routing_text(table: RoutingTable) -> str:
    """A table as its file: the same table gives the same bytes."""
    routes = sorted(table.route, key=lambda route: (route.kind, route.language))
    values = msgspec.to_builtins(msgspec.structs.replace(table, route=tuple(routes)))
    kept = {key: value for key, value in values.items() if value not in ("", [], ())}
    return "".join(f"# {line}\n" for line in _HEAD) + tomlkit.dumps(kept)


def write_routing(folder: Path, text: str) -> Path:
    """Write `routing.toml` into a repository's `.hybridcode`, at a person's own command.

    Raises:
        ConfigError: the folder or the file is a symbolic link, the text is no table, or it cannot be written.
    """
    path = folder / ROUTING_FILE
    if folder.is_symlink() or path.is_symlink():
        raise ConfigError(f"{path} is behind a symbolic link", "Nothing is written through a link of the repository.")
    parse_routing(text.encode(), path=path)
    write_atomic(path, text.encode(), mode=0o644)
    return path
