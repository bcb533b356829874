"""Profiles: settings that one word lays over the others, built in or [profiles.NAME] of a file.

Invariant: a profile is worth what the file is worth in which it stands; a built-in one means what it is called, and no
file says otherwise.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec

from hybridcode.config.keys import check
from hybridcode.config.layers import Layer, Origin
from hybridcode.domain.errors import ConfigError

PROFILE_VARIABLE = "HYBRIDCODE_PROFILE"
"""Chooses a profile where the command line does not."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_FRONTIER_ROLES = {f"roles.{role}": "frontier" for role in ("plan", "judge", "draft", "commit_message")}
_LOCAL_ROLES = {f"roles.{role}": "local" for role in ("plan", "judge", "draft", "commit_message")}

BUILT_IN: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "frontier-only": {
            **_FRONTIER_ROLES,
            "models.frontier.fallback": "",
            "models.local.path": "",
            "models.local.name": "",
            "models.local.base_url": "",
            "routing.shadow": 0,
        },
        "local-only": {
            **_LOCAL_ROLES,
            "models.local.fallback": "",
            "models.frontier.model": "",
            "routing.shadow": 0,
        },
        "offline": {"egress.mode": "offline"},
    }
)
"""frontier-only: the frontier plays every role and no local model is started. local-only: the local model plays every
role; one on a server in the building may be asked. offline: no request leaves this machine, whoever plays what."""


def profile_layers(name: str, files: Sequence[Layer]) -> Iterator[Layer]:
    """The layers of a profile, weakest first: one for each of `files` that has it, or the built-in one.

    Raises:
        ConfigError: there is no such profile; the hint lists those that there are.
    """
    require_names(files)
    if name in BUILT_IN:
        origin = Origin("profile", name=name)
        yield Layer({key: (check(key, value, source=name), origin) for key, value in BUILT_IN[name].items()})
        return
    found = [layer.profiles[name] for layer in files if name in layer.profiles]
    if not found:
        known = sorted({*BUILT_IN, *(name for layer in files for name in layer.profiles)})
        raise ConfigError(f"There is no profile {name}.", f"Known: {', '.join(known)}.")
    for values in found:
        yield Layer(
            {key: (value, msgspec.structs.replace(origin, profile=name)) for key, (value, origin) in values.items()}
        )


def require_names(files: Sequence[Layer]) -> None:
    """Raise ConfigError for a profile of a file that has the name of a built-in one, or no name at all."""
    for layer in files:
        for name, values in layer.profiles.items():
            place = next((str(origin) for _, origin in values.values()), "a file")
            if name in BUILT_IN:
                raise ConfigError(f"{place}: [profiles.{name}] is built in", "Choose another name.")
            if not _NAME.fullmatch(name):
                raise ConfigError(f"{place}: [profiles.{name}]: letters, digits, - and _", "Choose another name.")
