"""What trusting a repository's files would change, setting by setting.

Invariant: pure but for reading the layers; what is shown is the difference between the two ways to load, and no more.
"""

from collections.abc import Callable

import msgspec

from hybridcode.config.keys import names_in
from hybridcode.config.load import Loaded
from hybridcode.config.naming import named_setting
from hybridcode.config.settings import Settings


class TrustEffect(msgspec.Struct, frozen=True):
    """One setting that would change."""

    name: str
    before: object
    after: object
    file: str
    """The file that says so."""


def effects_of_trust(load: Callable[[bool], Loaded]) -> tuple[TrustEffect, ...]:
    """Every setting that differs once the repository is trusted; `load(trusted)` reads all layers anew."""
    distrusting, trusting = load(False), load(True)
    found: list[TrustEffect] = []
    for name in dict.fromkeys((*names_in(distrusting.settings), *names_in(trusting.settings))):
        before, after = value_of(distrusting.settings, name), value_of(trusting.settings, name)
        if before != after:
            origins = [str(origin.file) for key, origin in trusting.origin.items() if _is_of(key, name) and origin.file]
            own = [file for file in origins if file.startswith(str(trusting.repository.folder))]
            found.append(TrustEffect(name, before, after, (own or origins or [""])[0]))
    return tuple(found)


def value_of(settings: Settings, name: str) -> object:
    """The value of a setting by its dotted name."""
    value: object = settings
    if named := named_setting(name):
        return getattr(settings.models.named.get(named[0]), named[1], None)
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _is_of(key: str, name: str) -> bool:
    return key == name or key.startswith(f"{name}[")
