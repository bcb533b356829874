"""A person's settings behind the screens: read with their origins, changed at their command.

Invariant: nothing is written that the loader, the policy or a model could not use, and nothing but what was shown.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from hybridcode.config.edit import carry_out_all, foresee_local
from hybridcode.config.keys import KEYS, Key, read_text
from hybridcode.config.layers import LayerName, Origin, from_file
from hybridcode.config.load import Loaded, read
from hybridcode.config.rewriting import Rewrite, foresee
from hybridcode.config.tighten import COLLECTED, DATA, TIGHTER, is_tighter
from hybridcode.config.trust_effects import value_of
from hybridcode.domain.action import Verdict
from hybridcode.domain.secrets import redact
from hybridcode.gate.rules import Rule
from hybridcode.models.addresses import host_of
from hybridcode.tui.found import Found, look_around

Target = Literal["user", "local"]
"""Which file a person's change goes to: their own, or config.local.toml of this repository."""

_RULES: Mapping[str, Verdict] = {"approval.allow": "allow", "approval.ask": "ask", "approval.deny": "deny"}
_ADDRESSES = ("models.local.base_url", "models.frontier.api_base", "models.local.pool")
_WATCHED = ("approval.", "egress.", "git.", "verify.", "limits.max_cost_usd")
"""Of what is ordered by how much it allows: what guards files, commands, secrets and money."""
_WIDER_BY_ADDING = frozenset({"approval.allow", "egress.redact_allow"})


class Kept(msgspec.Struct, frozen=True):
    """What came of a change."""

    is_at_work: bool
    """False while a session is open that goes on with the settings it began with."""
    is_counted: bool = True
    """False where a repository's own file may only tighten, because it is not trusted."""


class Choices:
    """The settings of one workspace."""

    def __init__(
        self,
        loaded: Loaded,
        take: Callable[[Loaded], Awaitable[bool]],
        *,
        look: Callable[[Path], Found] = look_around,
    ) -> None:
        self.loaded = loaded
        self._take, self._look = take, look

    def look(self) -> Found:
        """What is on this machine."""
        return self._look(self.loaded.sources.workspace)

    def path(self, target: Target) -> Path:
        """The file that a change goes to."""
        folder = self.loaded.repository.folder
        return self.loaded.sources.user_file if target == "user" else folder / "config.local.toml"

    def within(self, text: str) -> str:
        """A text about files, those of this repository and of the home folder in short."""
        return text.replace(f"{self.loaded.repository.workspace}/", "").replace(f"{Path.home()}/", "~/")

    def own(self, target: Target) -> Mapping[str, object]:
        """What stands in that file. Raises ConfigError: it cannot be read."""
        return {name: value for name, (value, _) in from_file(self.path(target), target).values.items()}

    def value(self, name: str) -> object:
        """What holds now."""
        return value_of(self.loaded.settings, name)

    def origin(self, name: str) -> Origin:
        """Where it comes from; of a list, where its first item does."""
        return self.loaded.origin[name]

    def items(self, name: str) -> list[tuple[str, Origin]]:
        """The items of a list, each with its origin."""
        values = msgspec.convert(self.value(name), type=tuple[str, ...])
        return [(value, self.loaded.origin[f"{name}[{number}]"]) for number, value in enumerate(values)]

    def reload(self) -> None:
        """Read all layers again: a file may have been changed elsewhere. Raises ConfigError."""
        self.loaded = read(self.loaded.sources)

    def foresee(self, changes: Mapping[str, object], target: Target) -> Rewrite:
        """What the file would hold; None takes a setting out of it. Raises ConfigError."""
        for name, value in changes.items():
            require_usable(name, value)
        if target == "local":
            return foresee_local(self.loaded.repository.folder, changes, named=self.loaded.settings.models.named)
        return foresee(self.path(target), changes, named=self.loaded.settings.models.named)

    async def keep(self, rewrites: Sequence[Rewrite]) -> Kept:
        """Write what was shown, and work with it.

        Raises:
            ConfigError: a file changed since, or cannot be written.
        """
        sources = self.loaded.sources
        is_counted = carry_out_all(rewrites, self.loaded.repository, store=sources.trust_store)
        self.reload()
        return Kept(await self._take(self.loaded), is_counted or self.loaded.is_trusted)

    async def work_with(self) -> bool:
        """Read again and work with what was read, as after a trust. False: as `Kept.is_at_work`."""
        self.reload()
        return await self._take(self.loaded)


def read_choice(name: str, text: str) -> object:
    """The value that was typed for a setting; an empty text for a setting that may be none is None.

    Raises:
        ConfigError: it is none, and why.
    """
    key = KEYS[name]
    if not text.strip() and is_optional(key):
        return None
    value = read_text(name, text.strip(), source="this")
    require_usable(name, value)
    return value


def read_items(name: str, text: str) -> tuple[str, ...]:
    """The list that was written, one item a line. Raises ConfigError."""
    items = tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    require_usable(name, items)
    return items


def require_usable(name: str, value: object) -> None:
    """Raise ConfigError for what the loader takes and something else would stumble over."""
    if value is None:
        return
    values = strings(value) if KEYS[name].is_list else (str(value),)
    if (verdict := _RULES.get(name)) is not None:
        for text in values:
            Rule.parse(text, verdict, place=name)
    if name in _ADDRESSES:
        for address in filter(None, values):
            host_of(address, setting=name)


def is_optional(key: Key) -> bool:
    """True for a setting that may be none."""
    return key.default is None


def allows_more(name: str, value: object, current: object) -> bool:
    """True when a change lets through what was held back before: a person says yes to that apart from Enter."""
    if value == current:
        return False
    if name in DATA:
        return bool(value)
    if name in _WIDER_BY_ADDING:
        return bool(set(strings(value)) - set(strings(current)))
    if name in COLLECTED or name in ("approval.ask", "egress.redact_patterns"):
        return bool(set(strings(current)) - set(strings(value)))
    return name in TIGHTER and name.startswith(_WATCHED) and is_tighter(name, current, value)


def strings(value: object) -> tuple[str, ...]:
    """The items of a list of texts; none for None."""
    return msgspec.convert(value or (), type=tuple[str, ...])


def shown(value: object) -> str:
    """A value as it stands in TOML, without what looks like a secret."""
    if value is None:
        return "none"
    return redact(json.dumps(value, ensure_ascii=False))[0]


def layer_word(layer: LayerName) -> str:
    """Where a value comes from, for a column."""
    return {"command line": "cmd line", "environment": "environ", "repository": "repo"}.get(layer, layer)
